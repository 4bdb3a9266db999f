import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createBuild,
  createToken,
  createWorkspace,
  favoriteWorkspace,
  getTemplate,
  getUser,
  getWorkspace,
  listBuildParameters,
  listBuilds,
  listOrganizations,
  listWorkspaces,
  updateWorkspace,
} from '@slipway/contract'
import { createLogger, type LogSink } from '@slipway/request-log'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const lines: Record<string, unknown>[] = []
let server: TestServer
let database: Database
let owner: Client
let member: Client
let organization_id: string
let member_id: string
let template: Awaited<ReturnType<(typeof fixtures)['template']>>

beforeAll(async () => {
  const sink = { write: (line: string) => void lines.push(JSON.parse(line)) } as unknown as LogSink
  server = await startTestServer({
    log: createLogger({ level: 'debug', sink }),
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_ALLOW_WORKSPACE_RENAMES: 'true' },
  })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  member = await server.user('member')
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  member_id = (await member.call(getUser, { params: { user: 'me' } })).id
  template = await fixtures.template(database.db, {
    organization_id,
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function workspace(name: string, build: object = {}, columns: object = {}) {
  const made = await fixtures.workspace(database.db, {
    owner_id: member_id,
    template_id: template.id,
    name,
    ...columns,
  })
  return { ...made, build: await fixtures.workspaceBuild(database.db, { workspace: made, ...build }) }
}

async function names(client: Client, q: string, query: object = {}): Promise<string[]> {
  const { workspaces } = await client.call(listWorkspaces, { query: { q, ...query } })
  return workspaces.map((one) => one.name)
}

describe('the order', () => {
  it('WS-150: own favorites, what runs, then owners and names; pages behind the end tell the number', async () => {
    const owner_id = (await owner.call(getUser, { params: { user: 'me' } })).id
    const broken = await fixtures.provisionerJob(database.db, { organization_id, error: 'broken' })
    await workspace('order-b', { transition: 'stop' })
    await workspace('order-a', { job: broken })
    await workspace('order-D')
    await workspace('order-c')
    await workspace('order-z', {}, { owner_id })
    const last = await workspace('order-y', { transition: 'stop' })
    await workspace('order-x', {}, { deleted: true })
    expect(await names(member, 'order')).toEqual(['order-c', 'order-D', 'order-a', 'order-b', 'order-y'])
    await member.call(favoriteWorkspace, { params: { workspace: last.id } })
    expect(await names(member, 'order')).toEqual(['order-y', 'order-c', 'order-D', 'order-a', 'order-b'])
    expect(await names(owner, 'order')).toEqual([
      'order-c',
      'order-D',
      'order-z',
      'order-a',
      'order-b',
      'order-y',
    ])
    const page = { q: 'order', limit: 1, offset: 99 }
    expect(await member.call(listWorkspaces, { query: page })).toEqual({ workspaces: [], count: 5 })
    expect(await member.call(listWorkspaces, { query: { ...page, offset: 1 } })).toMatchObject({
      workspaces: [{ name: 'order-c' }],
      count: 5,
    })
  })

  it('WS-150, WS-307: what has a template that roles do not show is left out, and is not counted', async () => {
    const secret = await fixtures.template(database.db, { organization_id, group_acl: '{}' })
    const hidden = await workspace('hidden', {}, { template_id: secret.id })
    expect(await names(member, 'name:hidden')).toEqual([])
    for (const offset of [0, 10]) {
      const query = { q: 'name:hidden', limit: 5, offset }
      expect(await member.call(listWorkspaces, { query })).toEqual({ workspaces: [], count: 0 })
      expect(await owner.call(listWorkspaces, { query })).toMatchObject({ count: 1 })
    }
    await expect(member.call(getWorkspace, { params: { workspace: hidden.id } })).rejects.toMatchObject({
      status: 403,
    })
    expect(await names(owner, 'name:hidden')).toEqual(['hidden'])
  })
})

describe('the search', () => {
  it('WS-151: finds by parameters; values may hold colons, several mean any', async () => {
    const { build } = await workspace('valued')
    for (const [name, value] of [
      ['image', 'GHCR.io/x:1'],
      ['a', '1'],
    ] as const)
      await fixtures.workspaceBuildParameter(database.db, { build, name, value })
    expect(await names(member, 'param:"image=ghcr.io/x:1"')).toEqual(['valued'])
    expect(await names(member, 'param:a=1 param:b=2')).toEqual(['valued'])
    expect(await names(member, 'param:a=2 param:b=2')).toEqual([])
    expect(await names(member, 'param:a param:image=other')).toEqual([])
    expect(await names(member, 'param:nope param:image')).toEqual(['valued'])
  })

  it('WS-151: an owner may be called me, with a key and before a slash', async () => {
    const mine = await workspace('whose')
    for (const q of ['owner:me whose', 'me/whose', 'member/whose', 'OWNER:Member name:WHO', `id:${mine.id}`])
      expect(await names(member, q)).toEqual(['whose'])
    expect(await names(owner, 'me/whose')).toEqual([])
  })

  it.each([
    ['foo:', "cannot start or end with ':'"],
    ['param:k=', "omit the '=' to match just on the parameter name"],
    ['foo:bar', '"foo" is not a valid query param'],
    ['status:idle', 'has invalid value'],
    ['last_used_after:"yesterday"', 'must be a valid'],
  ])('WS-151: %s is refused and told why', async (q, detail) => {
    await expect(member.call(listWorkspaces, { query: { q } })).rejects.toMatchObject({
      status: 400,
      message: 'Invalid workspace search query.',
      validations: [{ detail: expect.stringContaining(detail) }],
    })
  })
})

describe('included parts', () => {
  it('WS-305: parameters and rights of all rows come with them, in one statement more', async () => {
    const { build } = await workspace('whole')
    for (const name of ['zone', 'cpu'])
      await fixtures.workspaceBuildParameter(database.db, { build, name, value: '2' })
    const list = async (client: Client, include?: string) => {
      const query = { q: 'name:whole', ...(include === undefined ? {} : { include }) }
      return (await client.call(listWorkspaces, { query })).workspaces[0]
    }
    const plain = await list(member)
    expect(plain).not.toHaveProperty('parameters')
    expect(plain).not.toHaveProperty('permissions')
    const full = await list(member, 'parameters,permissions')
    expect(full?.parameters).toEqual([
      { name: 'cpu', value: '2' },
      { name: 'zone', value: '2' },
    ])
    expect(full?.permissions).toEqual(expect.arrayContaining(['read', 'ssh', 'start', 'stop', 'update']))
    const line = lines.findLast((one) => one.route === '/api/v2/workspaces' && one.message === 'GET')
    expect(line?.statements).toBeLessThanOrEqual(3)
    const reader = await server.user('reader', ['template-admin'])
    expect((await list(reader, 'permissions'))?.permissions).toEqual(['read'])
    for (const include of ['secrets', 'parameters,parameters', 'parameters,x'])
      await expect(list(member, include)).rejects.toMatchObject({
        status: 400,
        validations: [{ field: 'include' }],
      })
  })
})

it('L-M2: one workspace takes two statements, and so do the values of a build', async () => {
  const { id, build } = await workspace('counted')
  const asked = [
    ['/api/v2/workspaces/{workspace}', () => member.call(getWorkspace, { params: { workspace: id } })],
    [
      '/api/v2/workspacebuilds/{workspacebuild}/parameters',
      () => member.call(listBuildParameters, { params: { workspacebuild: build.id } }),
    ],
  ] as const
  // The key may have to be read again, once.
  for (const [route, call] of asked)
    await until(`two statements of ${route}`, async () => {
      await call()
      return lines.findLast((one) => one.route === route && one.message === 'GET')?.statements === 2
    })
})

describe('tokens', () => {
  async function token(body: object): Promise<Client> {
    const { key } = await member.call(createToken, { params: { user: 'me' }, body })
    return new Client({ url: server.url, token: key })
  }

  it('WS-6, WS-140: one for a workspace sees it, though not its template, and no other', async () => {
    const [one, other] = [await workspace('listed'), await workspace('unlisted')]
    const holder = await token({ allow_list: [`workspace:${one.id}`] })
    expect((await holder.call(getWorkspace, { params: { workspace: one.id } })).name).toBe('listed')
    expect(await names(holder, '')).toEqual(['listed'])
    expect((await holder.call(listWorkspaces)).count).toBe(1)
    expect(await holder.call(listBuildParameters, { params: { workspacebuild: one.build.id } })).toEqual([])
    await expect(holder.call(getTemplate, { params: { template: template.id } })).rejects.toMatchObject({
      status: 404,
    })
    const params = { workspace: other.id }
    for (const call of [
      () => holder.call(getWorkspace, { params }),
      () => holder.call(listBuilds, { params }),
      () => holder.call(updateWorkspace, { params, body: { name: 'taken' } }),
      () => holder.call(createBuild, { params, body: { transition: 'stop' } }),
      () => holder.call(listBuildParameters, { params: { workspacebuild: other.build.id } }),
    ])
      await expect(call()).rejects.toMatchObject({ status: 404 })
    await holder.call(createBuild, { params: { workspace: one.id }, body: { transition: 'stop' } })
  })

  it('WS-6: the composite scopes suffice for what they are named after', async () => {
    const maker = await token({ scopes: ['coder:workspaces.create'] })
    await maker.call(createWorkspace, {
      params: { user: 'me' },
      body: { name: 'scoped', template_id: template.id },
    })
    expect(await names(maker, 'name:scoped')).toEqual(['scoped'])
    const stopped = await workspace('operated', { transition: 'stop' })
    const operator = await token({ scopes: ['coder:workspaces.operate'] })
    const params = { workspace: stopped.id }
    expect((await operator.call(getWorkspace, { params })).name).toBe('operated')
    await operator.call(updateWorkspace, { params, body: { name: 'operating' } })
    await operator.call(createBuild, { params, body: { transition: 'start' } })
    await expect(
      operator.call(createBuild, { params, body: { transition: 'delete' } }),
    ).rejects.toMatchObject({ status: 403 })
  })
})
