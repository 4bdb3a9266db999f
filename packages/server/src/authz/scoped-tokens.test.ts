import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  checkAuthorization,
  createBuild,
  createGroup,
  createToken,
  createWorkspace,
  getKey,
  getTemplate,
  getTemplateAcl,
  getUser,
  getWorkspace,
  getWorkspaceByName,
  listBuilds,
  listScopes,
  listTemplates,
  listUsers,
  listWorkspaces,
  openWorkspaceTunnel,
  setTtl,
  type Template,
  type Workspace,
  whoAmI,
} from '@slipway/contract'
import { startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
let owner: Client
let member: Client
let template: Template
let first: Workspace
let second: Workspace

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  template = await server.builtInTemplate()
  member = await server.user('member')
  first = await built(await make(member, 'first'))
  second = await built(await make(member, 'second'))
})
afterAll(() => server[Symbol.asyncDispose]())

const me = { params: { user: 'me' } }
const make = (client: Client, name: string, template_id = template.id) =>
  client.call(createWorkspace, { ...me, body: { name, template_id } })
const built = (workspace: Workspace) =>
  until('the build', async () => {
    const current = await member.call(getWorkspace, { params: { workspace: workspace.id } })
    return current.latest_build.job.completed_at === undefined ? undefined : current
  })
const build = (client: Client, workspace: Workspace, transition: 'start' | 'stop' | 'delete') =>
  client.call(createBuild, { params: { workspace: workspace.id }, body: { transition } })
const holder = async (body: object) => {
  const { key } = await member.call(createToken, { ...me, body })
  return new Client({ url: server.url, token: key })
}
const names = async (client: Client) =>
  (await client.call(listWorkspaces)).workspaces.map(({ name }) => name).toSorted()
const refused = (...statuses: number[]) => ({
  status: expect.toSatisfy((status: number) => statuses.includes(status)),
})

describe('L-33: scopes of tokens', () => {
  it('WS-6, RB-47: coder:workspaces.create makes workspaces and lists them, and deletes none', async () => {
    const token = await holder({ scopes: ['coder:workspaces.create'] })
    const made = await built(await make(token, 'third'))
    expect(await names(token)).toContain('third')
    expect(await token.call(listTemplates)).toHaveLength(1)
    await expect(build(token, made, 'delete')).rejects.toMatchObject({ status: 403 })
    await expect(token.call(getUser, me)).rejects.toMatchObject({ status: 404 })
  })

  it('WS-6, RB-47: coder:workspaces.operate reads, changes, stops and starts', async () => {
    const token = await holder({ scopes: ['coder:workspaces.operate'] })
    const params = { workspace: second.id }
    expect(await token.call(getWorkspace, { params })).toMatchObject({ name: 'second' })
    expect(
      await token.call(getWorkspaceByName, { params: { user: 'me', workspacename: 'second' } }),
    ).toMatchObject({ id: second.id })
    await token.call(setTtl, { params, body: { ttl_ms: 7_200_000 } })
    await build(token, second, 'stop')
    await built(second)
    await build(token, second, 'start')
    await built(second)
    await expect(build(token, second, 'delete')).rejects.toMatchObject({ status: 403 })
    await expect(make(token, 'fourth')).rejects.toMatchObject(refused(403, 404))
    await expect(token.call(getUser, me)).rejects.toMatchObject({ status: 404 })
  })

  it('RB-141: workspace:read is enough to read workspaces of templates that the token does not reach', async () => {
    const token = await holder({ scopes: ['workspace:read'] })
    expect(await names(token)).toContain('first')
    const read = await token.call(getWorkspace, { params: { workspace: first.id } })
    expect(read).toMatchObject({ name: 'first', template_name: template.name })
    await expect(token.call(getTemplate, { params: { template: template.id } })).rejects.toMatchObject({
      status: 404,
    })
    await expect(build(token, first, 'stop')).rejects.toMatchObject({ status: 403 })
  })

  it('ID-75: an owner has no more by a scope than others have', async () => {
    const { key } = await owner.call(createToken, { ...me, body: { scopes: ['template:read'] } })
    const token = new Client({ url: server.url, token: key })
    expect(await names(token)).toEqual([])
    expect((await token.call(listUsers)).count).toBe(0)
    await expect(token.call(getWorkspace, { params: { workspace: first.id } })).rejects.toMatchObject({
      status: 404,
    })
  })
})

describe('ID-78: scopes that may be asked for', () => {
  it('RB-48, 01 row 21, 02 T28: are listed to everybody in byte order, under their own names alone', async () => {
    const { external } = await server.anonymous.call(listScopes)
    expect(external).toEqual(external.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
    expect(external).toHaveLength(56)
    expect(external).toEqual(expect.arrayContaining(['coder:all', 'coder:workspaces.access', 'workspace:*']))
    for (const hidden of ['all', 'application_connect', 'no_user_data', 'workspace:share', 'debug_info:read'])
      expect(external).not.toContain(hidden)
  })

  it('ID-77, ID-79, 01 row 20, 02 T26: are stored under their own names, and others are refused', async () => {
    const stored = async (body: object) => {
      const { scopes, scope, allow_list } = await (await holder(body))
        .call(whoAmI)
        .then((who) => member.call(getKey, { params: { user: 'me', keyid: who.key_id } }))
      return [scopes, scope, allow_list]
    }
    const everything = [['coder:all'], 'all', ['*:*']]
    for (const body of [{}, { scopes: ['all'] }, { scope: 'all' }, { scopes: [], scope: 'all' }])
      expect(await stored(body), JSON.stringify(body)).toEqual(everything)
    const apps = [['coder:application_connect'], 'application_connect', ['*:*']]
    for (const body of [{ scopes: ['application_connect'], scope: 'all' }, { scope: 'application_connect' }])
      expect(await stored(body), JSON.stringify(body)).toEqual(apps)
    const [a, b] = [first.id, second.id].toSorted()
    const allow_list = ['workspace:*', `template:${b?.toUpperCase()}`, ` template:${a} `, `template:${a}`]
    expect(await stored({ allow_list, scopes: ['template:read'] })).toEqual([
      ['template:read'],
      '',
      [`template:${a}`, `template:${b}`, 'workspace:*'],
    ])
    for (const body of [
      { scopes: ['debug_info:read'] },
      { scopes: ['workspace:share'] },
      { scopes: ['no_user_data'] },
      { scope: 'nothing' },
      { allow_list: Array.from({ length: 129 }, () => `workspace:${first.id}`) },
      { allow_list: ['workspace:abc'] },
      { allow_list: ['spaceship:*'] },
      { allow_list: ['workspace'] },
    ])
      await expect(holder(body), JSON.stringify(body)).rejects.toMatchObject({ status: 400 })
  })
})

it('ID-87: a key for apps connects to them and does nothing else', async () => {
  const token = await holder({ scopes: ['application_connect'] })
  expect(await names(token)).toEqual([])
  await expect(token.call(getUser, me)).rejects.toMatchObject({ status: 404 })
  await expect(token.call(createToken, { ...me, body: {} })).rejects.toMatchObject(refused(403, 404))
  await expect(token.call(getWorkspace, { params: { workspace: first.id } })).rejects.toMatchObject({
    status: 404,
  })
  const object = { resource_type: 'workspace', owner_id: 'me', organization_id: first.organization_id }
  const checks = { connect: { object, action: 'application_connect' }, ssh: { object, action: 'ssh' } }
  expect(await token.call(checkAuthorization, { body: { checks } })).toEqual({ connect: true, ssh: false })
})

it('RB-71, 02 T24: a token that starts and stops workspaces opens no tunnel into them', async () => {
  const agent = (await built(second)).latest_build.resources.flatMap(({ agents }) => agents ?? [])[0]
  const open = async (scope: string) => {
    const { headers } = await holder({ scopes: [scope] })
    const params = { workspaceagent: agent?.id ?? '' }
    return (await fetch(owner.address(openWorkspaceTunnel, { params }), { headers })).status
  }
  expect(await open('coder:workspaces.operate')).toBe(403)
  // Let in, and told that a tunnel is a WebSocket.
  expect(await open('coder:workspaces.access')).toBe(426)
})

describe('ID-150, RB-72: what is asked for by name', () => {
  it('is found by who may read it, and to others is as absent as what does not exist', async () => {
    await owner.call(createGroup, { params: { organization: 'default' }, body: { name: 'Crew' } })
    await owner.call(createToken, { ...me, body: { token_name: 'Deploy' } })
    const narrow = (await holder({ scopes: ['organization:read', 'user:read'] })).headers
    const named = [
      ['/users/me/workspace/', 'first'],
      ['/organizations/default/templates/', template.name],
      ['/organizations/default/groups/', 'Crew'],
    ] as const
    const get = (path: string, headers: Readonly<Record<string, string>>) =>
      fetch(`${server.url}/api/v2${path}`, { headers }).then(async (answer) => ({
        status: answer.status,
        text: await answer.text(),
      }))
    for (const [path, name] of named) {
      for (const spelling of [name, name.toUpperCase()])
        expect((await get(`${path}${spelling}`, member.headers)).status, path).toBe(200)
      const absent = await get(`${path}nothing`, member.headers)
      expect(absent, path).toEqual({ status: 404, text: expect.stringContaining('Resource not found') })
      expect(await get(`${path}${name}`, narrow), path).toEqual(absent)
    }
    const tokens = '/users/owner/keys/tokens/'
    expect((await get(`${tokens}Deploy`, owner.headers)).status).toBe(200)
    const hidden = await get(`${tokens}Deploy`, member.headers)
    expect(hidden.status).toBe(404)
    expect(await get(`${tokens}nothing`, member.headers)).toEqual(hidden)
  })
})

it('RB-75: a page of a list is one of what may be read, and the count is of that', async () => {
  const token = await holder({ allow_list: [`workspace:${second.id}`] })
  const { workspaces, count } = await token.call(listWorkspaces, { query: { limit: 1 } })
  expect([workspaces.map(({ name }) => name), count]).toEqual([['second'], 1])
})

it('RB-58: a new template may be used by everybody of its organization', async () => {
  const { users, group } = await owner.call(getTemplateAcl, { params: { template: template.id } })
  expect(users).toEqual([])
  expect(group.map(({ id, role }) => [id, role])).toEqual([[template.organization_id, 'use']])
})

describe('ID-86: allow lists of tokens', () => {
  it('WS-6, RB-141: a token for one workspace reads that one, and does not make others', async () => {
    const token = await holder({ allow_list: [`workspace:${first.id}`] })
    expect(await names(token)).toEqual(['first'])
    expect((await token.call(listWorkspaces)).count).toBe(1)
    expect(await token.call(getWorkspace, { params: { workspace: first.id } })).toMatchObject({
      template_name: template.name,
    })
    expect(await token.call(listBuilds, { params: { workspace: first.id } })).toHaveLength(1)
    const hidden = await token
      .call(getWorkspace, { params: { workspace: second.id } })
      .catch((error) => error)
    const absent = await token
      .call(getWorkspace, { params: { workspace: randomUUID() } })
      .catch((error) => error)
    expect(hidden).toMatchObject({ status: 404 })
    expect([hidden.message, hidden.detail]).toEqual([absent.message, absent.detail])
    await expect(build(token, second, 'stop')).rejects.toMatchObject({ status: 404 })
    await expect(make(token, 'fifth')).rejects.toMatchObject(refused(403, 404))
    await expect(token.call(getUser, me)).rejects.toMatchObject({ status: 404 })
  })

  it('ID-86: with the entries that a stop reads, it stops that one', async () => {
    const { id } = await member.call(getUser, me)
    const token = await holder({
      allow_list: [
        `workspace:${first.id}`,
        `template:${template.id}`,
        `user:${id}`,
        `organization_member:${id}`,
      ],
    })
    await build(token, first, 'stop')
    expect((await built(first)).latest_build.status).toBe('stopped')
  })

  it('ID-86: a wildcard of a type lets make and reach all of it', async () => {
    const token = await holder({ allow_list: ['workspace:*', 'template:*', 'organization_member:*'] })
    expect(await names(token)).toContain('second')
    await built(await make(token, 'sixth'))
  })

  it('RB-120: who may reach one workspace makes no token for another', async () => {
    const token = await holder({ allow_list: [`workspace:${first.id}`, 'api_key:*', 'user:*'] })
    const ask = (allow_list: string[]) => token.call(createToken, { ...me, body: { allow_list } })
    for (const wider of [[], ['*:*'], ['workspace:*'], [`workspace:${second.id}`]])
      await expect(ask(wider)).rejects.toMatchObject({ status: 403 })
    await ask([`workspace:${first.id}`])
  })
})
