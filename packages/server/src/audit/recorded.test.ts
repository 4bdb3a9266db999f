import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type AuditLog,
  activateUser,
  addMember,
  assignMemberRoles,
  createBuild,
  createToken,
  createUser,
  createUserSecret,
  createWorkspace,
  deleteKey,
  deleteTemplate,
  deleteUser,
  deleteUserSecret,
  getUser,
  getWorkspace,
  importUserSecrets,
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
  updateQuietHours,
  updateTemplate,
  updateUserRoles,
  updateUserSecret,
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

  it('T33, RB-93: their sign-ins, which ID-33 wants of failures too, and their sign-outs', async () => {
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

  it('RB-96: their tokens and keys, by name and without their values', async () => {
    const { key } = await kim.call(createToken, { ...at('me'), body: { token_name: 'ci' } })
    const made = await latest('username:other action:create resource_target:ci')
    expect(made).toMatchObject({ resource_type: 'api_key', status_code: 201 })
    expect(JSON.stringify(made)).not.toContain(key.slice(11))
    await kim.call(deleteKey, { params: { user: 'me', keyid: key.slice(0, 10) } })
    expect(await latest('username:other action:delete')).toMatchObject({ resource_target: 'ci' })
    await kim.call(regenerateGitSshKey, at('me'))
    const regenerated = await latest('username:other resource_type:git_ssh_key')
    expect(regenerated.resource_target).toMatch(/^ssh-ed25519 /)
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

describe('RB-101, T32: what is done to secrets is recorded', () => {
  const params = { user: 'me', name: 'token' }
  const VALUE = 'a-value-that-nobody-must-see'

  it('without their values', async () => {
    await kim.call(createUserSecret, {
      ...at('me'),
      body: { name: 'token', value: VALUE, env_name: 'TOKEN' },
    })
    expect(await latest('username:other resource_type:user_secret')).toMatchObject({
      action: 'create',
      status_code: 201,
      resource_target: 'token',
      diff: { name: { old: '', new: 'token' }, value: { old: '', new: '', secret: true } },
    })
    await kim.call(updateUserSecret, { params, body: { value: `${VALUE}2`, env_name: 'OTHER' } })
    expect((await latest('username:other resource_type:user_secret')).diff).toEqual({
      env_name: { old: 'TOKEN', new: 'OTHER', secret: false },
      value: { old: '', new: '', secret: true },
    })
    await expect(
      kim.call(updateUserSecret, { params, body: { env_name: 'PATH', value: VALUE } }),
    ).rejects.toMatchObject({ status: 400 })
    expect(await latest('username:other resource_type:user_secret')).toMatchObject({
      status_code: 400,
      diff: {},
    })
    await kim.call(deleteUserSecret, { params })
    expect(await latest('username:other resource_type:user_secret')).toMatchObject({
      action: 'delete',
      is_deleted: true,
    })
    expect(JSON.stringify(await entries('resource_type:user_secret'))).not.toContain(VALUE)
  })

  it('RB-102: of an import each of them, and none of one that failed', async () => {
    const count = async () => (await entries('username:other resource_type:user_secret action:create')).length
    const before = await count()
    const body = { format: 'env', content: 'A=1\nB=2\nC=3' } as const
    await kim.call(importUserSecrets, { ...at('me'), body })
    expect(await count()).toBe(before + 3)
    await expect(kim.call(importUserSecrets, { ...at('me'), body })).rejects.toMatchObject({ status: 409 })
    expect(await count()).toBe(before + 3)
  })
})

it('RB-101: the first account has an entry of its own', async () => {
  expect(await latest('username:owner resource_target:owner action:create resource_type:user')).toMatchObject(
    {
      status_code: 201,
      user: { username: 'owner' },
      diff: { rbac_roles: { old: [], new: ['owner'], secret: false } },
    },
  )
})

it('RB-101: so do quiet hours, which move the time at which workspaces must stop', async () => {
  const me = await kim.call(getUser, at('me'))
  await kim.call(updateQuietHours, { ...at('me'), body: { schedule: 'CRON_TZ=UTC 5 4 * * *' } })
  expect((await latest(`resource_id:${me.id} action:write`)).diff).toEqual({
    quiet_hours_schedule: { old: '', new: 'CRON_TZ=UTC 5 4 * * *', secret: false },
  })
})

it('RB-127: an entry names the key that was used, and of a token what it may do', async () => {
  const { key } = await owner.call(createToken, {
    ...at('me'),
    body: { token_name: 'narrow', scopes: ['workspace:read'] },
  })
  const used = owner.headers['Coder-Session-Token']?.slice(0, 10)
  const entry = await latest('resource_target:narrow action:create')
  expect(entry.additional_fields).toEqual({ api_key_id: used })
  expect(entry.diff).toMatchObject({ scopes: { old: [], new: ['workspace:read'], secret: false } })
  expect(JSON.stringify(entry)).not.toContain(key.slice(11))
})

it('RB-126, T35: a long and hostile user agent hides nothing', async () => {
  const { id } = await owner.call(createUser, {
    body: { username: 'victim', service_account: true, organization_ids: [DEFAULT] },
  })
  const answer = await fetch(owner.address(deleteUser, { params: { user: id } }), {
    method: 'DELETE',
    headers: { ...owner.headers, 'User-Agent': `\u00ff"\t${'x'.repeat(5_000)}` },
  })
  expect(answer.status).toBe(200)
  const entry = await latest(`resource_id:${id} action:delete`)
  expect(entry.user_agent).toHaveLength(256)
})

describe('RB-130: refusals of what changes something leave a trace', () => {
  it('also where the caller may not even see what it is about', async () => {
    await expect(kim.call(suspendUser, at('owner'))).rejects.toMatchObject({ status: 404 })
    const [{ id }, me] = [await owner.call(getUser, at('me')), await kim.call(getUser, at('me'))]
    expect(await latest(`user_id:${me.id} resource_id:${id}`)).toMatchObject({
      action: 'write',
      resource_type: 'user',
      status_code: 404,
      diff: {},
    })
  })

  it('of an import of secrets too', async () => {
    const body = { format: 'env', content: 'A=1' } as const
    await expect(kim.call(importUserSecrets, { ...at('owner'), body })).rejects.toMatchObject({ status: 404 })
    const [{ id }, me] = [await owner.call(getUser, at('me')), await kim.call(getUser, at('me'))]
    expect(await latest(`user_id:${me.id} resource_id:${id} resource_type:user_secret`)).toMatchObject({
      action: 'create',
      status_code: 404,
    })
  })

  it('and where nothing is there yet', async () => {
    const body = { username: 'mine', service_account: true, organization_ids: [DEFAULT] }
    await expect(kim.call(createUser, { body })).rejects.toMatchObject({ status: 403 })
    const me = await kim.call(getUser, at('me'))
    expect(await latest(`user_id:${me.id} resource_type:user action:create`)).toMatchObject({
      status_code: 403,
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

  it('RB-96, RB-102: a build when it has ended, for who wanted it', async () => {
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
      resource_target: '',
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

  it('RB-102: the dormancy that a start clears, beside the build', async () => {
    const [entry] = await entries('resource_target:dev action:write')
    const workspace = entry?.resource_id ?? ''
    const read = () => owner.call(getWorkspace, { params: { workspace } })
    await until('the end of its builds', async () => (await read()).latest_build.job.completed_at)
    await owner.call(createBuild, { params: { workspace }, body: { transition: 'start' } })
    const { diff } = await latest(`resource_id:${workspace} action:write username:owner`)
    expect(diff.dormant_at).toMatchObject({ new: 'null' })
    expect(diff.dormant_at?.old).not.toBe('null')
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
