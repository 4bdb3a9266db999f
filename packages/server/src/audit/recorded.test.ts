import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type AuditLog,
  activateUser,
  addMember,
  assignMemberRoles,
  createToken,
  createUser,
  createWorkspace,
  deleteKey,
  deleteTemplate,
  deleteUser,
  getUser,
  listAuditLogs,
  login,
  logout,
  regenerateGitSshKey,
  removeMember,
  setAutostart,
  setDormant,
  suspendUser,
  type Template,
  updatePassword,
  updateProfile,
  updateTemplate,
  updateUserRoles,
} from '@slipway/contract'
import { importTemplate, PASSWORD, startTestServer, type TestServer, until } from '@slipway/testkit'

const DEFAULT = '00000000-0000-0000-0000-000000000000'

let server: TestServer
let owner: Client
let kim: Client
let kimId: string
let template: Template

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  kim = await server.user('kim')
  kimId = (await kim.call(getUser, { params: { user: 'me' } })).id
  template = await importTemplate(owner, 'plain', {
    'template.ts': `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({ workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }) })`,
  })
})
afterAll(() => server[Symbol.asyncDispose]())

async function entries(q: string): Promise<AuditLog[]> {
  return [...(await owner.call(listAuditLogs, { query: { q } })).audit_logs]
}

/** The youngest entry of a search. */
async function latest(q: string): Promise<AuditLog> {
  const [first] = await entries(q)
  if (first === undefined) throw new Error(`nothing is recorded for ${q}`)
  return first
}

const at = (user: string) => ({ params: { user } })

describe('RB-101: what is done to accounts is recorded', () => {
  it('their creation, with what they are and without their secrets', async () => {
    const entry = await latest(`resource_id:${kimId} action:create resource_type:user`)
    expect(entry).toMatchObject({
      resource_target: 'kim',
      status_code: 201,
      user: { username: 'owner' },
      diff: {
        username: { old: '', new: 'kim', secret: false },
        hashed_password: { old: '', new: '', secret: true },
      },
    })
    expect(entry.request_id).toMatch(/^[0-9a-f-]{36}$/)
    expect(entry.ip).toMatch(/^(127\.0\.0\.1|::1)$/)
  })

  it('their profile, roles, status and password', async () => {
    await owner.call(updateProfile, { ...at('kim'), body: { username: 'kim', name: 'Kim K' } })
    expect((await latest(`resource_id:${kimId} action:write`)).diff).toEqual({
      name: { old: '', new: 'Kim K', secret: false },
    })
    await owner.call(updateUserRoles, { ...at('kim'), body: { roles: ['auditor'] } })
    await owner.call(updateUserRoles, { ...at('kim'), body: { roles: [] } })
    expect((await latest(`resource_id:${kimId} action:write`)).diff).toEqual({
      rbac_roles: { old: ['auditor'], new: [], secret: false },
    })
    await owner.call(suspendUser, at('kim'))
    await owner.call(activateUser, at('kim'))
    expect((await latest(`resource_id:${kimId} action:write`)).diff).toEqual({
      status: { old: 'suspended', new: 'active', secret: false },
    })
    await owner.call(updatePassword, { ...at('kim'), body: { password: `${PASSWORD}2` } })
    await owner.call(updatePassword, { ...at('kim'), body: { password: PASSWORD } })
    const { diff } = await latest(`resource_id:${kimId} action:write`)
    expect(diff).toEqual({ hashed_password: { old: '', new: '', secret: true } })
  })

  it('their sign-ins, which ID-33 wants of failures too, and their sign-outs', async () => {
    const body = { email: 'kim@example.com', password: PASSWORD }
    const { session_token: token } = await server.anonymous.call(login, { body })
    expect(await latest('username:kim action:login')).toMatchObject({
      status_code: 201,
      diff: {},
      resource_type: 'api_key',
      resource_id: kimId,
      description: '{user} logged in',
    })
    await expect(
      server.anonymous.call(login, { body: { ...body, password: 'wrong' } }),
    ).rejects.toMatchObject({ status: 401 })
    expect(await latest('username:kim action:login')).toMatchObject({ status_code: 401, diff: {} })
    const before = (await entries('action:login')).length
    await expect(
      server.anonymous.call(login, { body: { email: 'nobody@example.com', password: 'x' } }),
    ).rejects.toMatchObject({ status: 401 })
    expect((await entries('action:login')).length).toBe(before)
    const { headers } = owner
    await fetch(owner.address(logout, {}), {
      method: 'POST',
      headers: { ...headers, 'Coder-Session-Token': token },
    })
    expect(await latest('username:kim action:logout')).toMatchObject({ status_code: 200, diff: {} })
    kim = await server.user('other')
  })

  it('their tokens and keys, by name and without their values', async () => {
    const { key } = await kim.call(createToken, { ...at('me'), body: { token_name: 'ci' } })
    const made = await latest('username:other action:create resource_target:ci')
    expect(made).toMatchObject({ resource_type: 'api_key', status_code: 201 })
    expect(JSON.stringify(made)).not.toContain(key.slice(11))
    await kim.call(deleteKey, { params: { user: 'me', keyid: key.slice(0, 10) } })
    expect(await latest('username:other action:delete')).toMatchObject({ resource_target: 'ci' })
    await kim.call(regenerateGitSshKey, at('me'))
    const regenerated = await latest('username:other resource_type:git_ssh_key')
    expect(regenerated.diff).toMatchObject({ private_key: { old: '', new: '', secret: true } })
    expect(regenerated.diff.public_key?.new).toContain('ssh-ed25519')
  })

  it('their memberships, in the organization', async () => {
    const params = { organization: DEFAULT, user: 'kim' }
    await owner.call(assignMemberRoles, { params, body: { roles: ['organization-auditor'] } })
    await owner.call(removeMember, { params })
    await owner.call(addMember, { params })
    const [added, removed, changed] = await entries('resource_type:organization_member username:owner')
    expect([added?.action, removed?.action, changed?.action]).toEqual(['create', 'delete', 'write'])
    expect(changed).toMatchObject({
      resource_target: 'kim',
      organization: { name: 'coder' },
      diff: { roles: { old: [], new: ['organization-auditor'], secret: false } },
    })
  })

  it('their end', async () => {
    const { id } = await owner.call(createUser, {
      body: { username: 'gone', service_account: true, organization_ids: [DEFAULT] },
    })
    await owner.call(deleteUser, at(id))
    expect(await latest(`resource_id:${id} action:delete`)).toMatchObject({
      is_deleted: true,
      resource_link: '',
      status_code: 200,
    })
  })
})

describe('RB-94: what fails is recorded as well', () => {
  it('with its status and no diff', async () => {
    const { id } = await owner.call(getUser, at('me'))
    await expect(owner.call(deleteUser, at('me'))).rejects.toMatchObject({ status: 403 })
    expect(await latest(`resource_id:${id} action:delete`)).toMatchObject({ status_code: 403, diff: {} })
  })

  it('unless it was refused before anybody could say of what it was', async () => {
    const before = (await entries('')).length
    await expect(kim.call(suspendUser, at('nobody-is-called-this'))).rejects.toMatchObject({ status: 404 })
    expect((await entries('')).length).toBe(before)
  })
})

describe('RB-101: what is done to templates and workspaces is recorded', () => {
  it('with their organization', async () => {
    await owner.call(updateTemplate, {
      params: { template: template.id },
      body: { description: 'Nothing in it' },
    })
    expect(await latest(`resource_id:${template.id} action:write`)).toMatchObject({
      organization: { name: 'coder' },
      resource_target: 'plain',
      diff: { description: { old: '', new: 'Nothing in it', secret: false } },
    })
    expect(await latest(`resource_id:${template.active_version_id}`)).toMatchObject({
      resource_type: 'template_version',
      action: 'create',
    })
  })

  it('RB-102: a build when it has ended, for who wanted it', async () => {
    const workspace = await kim.call(createWorkspace, {
      ...at('me'),
      body: { name: 'dev', template_id: template.id },
    })
    expect(await latest(`resource_id:${workspace.id} action:create`)).toMatchObject({
      resource_target: 'dev',
      status_code: 201,
      resource_link: '/@other/dev',
    })
    const build = await until('the end of the build', async () => {
      const [found] = await entries(`resource_id:${workspace.latest_build.id}`)
      return found
    })
    expect(build).toMatchObject({
      resource_type: 'workspace_build',
      action: 'start',
      status_code: 200,
      request_id: workspace.latest_build.job.id,
      user: { username: 'other' },
      additional_fields: {
        workspace_name: 'dev',
        build_number: '1',
        build_reason: 'initiator',
        workspace_owner: 'other',
        workspace_id: workspace.id,
      },
      resource_link: '/@other/dev/builds/1',
    })
    expect((await entries('build_reason:initiator')).length).toBe(2)
    const params = { workspace: workspace.id }
    await kim.call(setAutostart, { params, body: { schedule: 'CRON_TZ=UTC 0 9 * * 1-5' } })
    expect((await latest(`resource_id:${workspace.id} action:write`)).diff).toMatchObject({
      autostart_schedule: { old: 'null', new: 'CRON_TZ=UTC 0 9 * * 1-5', secret: false },
    })
    await kim.call(setDormant, { params, body: { dormant: true } })
    expect(Object.keys((await latest(`resource_id:${workspace.id} action:write`)).diff)).toContain(
      'dormant_at',
    )
  })

  it('RB-94: a template that may not be deleted yet', async () => {
    await expect(owner.call(deleteTemplate, { params: { template: template.id } })).rejects.toMatchObject({
      status: 400,
    })
    expect(await latest(`resource_id:${template.id} action:delete`)).toMatchObject({
      status_code: 400,
      diff: {},
    })
  })
})
