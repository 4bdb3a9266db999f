import { randomUUID } from 'node:crypto'

import { expect, it } from 'vitest'

import { diffOf } from './diff.ts'
import type { AuditedRows } from './store/audited-rows.ts'

const now = new Date('2026-01-31T12:00:00Z')
const user: AuditedRows['user'] = {
  id: randomUUID(),
  username: 'kim',
  email: 'kim@example.com',
  name: '',
  avatar_url: '',
  status: 'active',
  login_type: 'password',
  rbac_roles: [],
  hashed_password: 'secret hash',
  hashed_one_time_passcode: null,
  one_time_passcode_expires_at: null,
  one_time_passcode_attempts: 0,
  github_com_user_id: null,
  is_service_account: false,
  is_system: false,
  deleted: false,
  quiet_hours_schedule: '',
  created_at: now,
  updated_at: now,
  last_seen_at: null,
}

it('RB-98: only fields that changed and are tracked', () => {
  const after = { ...user, status: 'dormant' as const, rbac_roles: ['auditor'], updated_at: new Date() }
  expect(diffOf('user', user, after)).toEqual({
    status: { old: 'active', new: 'dormant', secret: false },
    rbac_roles: { old: [], new: ['auditor'], secret: false },
  })
  expect(diffOf('user', user, user)).toEqual({})
})

it('RB-98, RB-100: a secret is said to have changed and is empty on both sides', () => {
  const diff = diffOf('user', user, { ...user, hashed_password: 'another hash' })
  expect(diff).toEqual({ hashed_password: { old: '', new: '', secret: true } })
  expect(JSON.stringify(diff)).not.toContain('hash"}')
})

it('RB-98: what is created comes from the zero value of its fields, what is deleted goes back to it', () => {
  const created = diffOf('user', undefined, user)
  expect(created.username).toEqual({ old: '', new: 'kim', secret: false })
  expect(created).not.toHaveProperty('is_system')
  expect(created).not.toHaveProperty('one_time_passcode_expires_at')
  expect(created.hashed_password).toEqual({ old: '', new: '', secret: true })
  expect(diffOf('user', user, undefined).username).toEqual({ old: 'kim', new: '', secret: false })
})

it('RB-99: no time is "null", and the zero id is nothing', () => {
  const after = { ...user, one_time_passcode_expires_at: now }
  expect(diffOf('user', user, after).one_time_passcode_expires_at).toEqual({
    old: 'null',
    new: now.toISOString(),
    secret: false,
  })
  const version: AuditedRows['template_version'] = {
    id: randomUUID(),
    template_id: null,
    organization_id: randomUUID(),
    created_at: now,
    updated_at: now,
    name: 'v1',
    message: '',
    readme: '',
    job_id: randomUUID(),
    created_by: user.id,
    archived: false,
    external_auth_providers: [],
    has_ai_task: false,
    has_external_agent: false,
  }
  const nil = { ...version, template_id: '00000000-0000-0000-0000-000000000000' }
  expect(diffOf('template_version', version, nil)).toEqual({})
})
