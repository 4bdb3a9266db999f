import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createBuild,
  createToken,
  createWorkspace,
  getTemplate,
  getUser,
  getWorkspace,
  getWorkspaceByName,
  listBuilds,
  listTemplates,
  listUsers,
  listWorkspaces,
  setTtl,
  type Template,
  type Workspace,
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

  it('ID-78: an owner has no more by a scope than others have', async () => {
    const { key } = await owner.call(createToken, { ...me, body: { scopes: ['template:read'] } })
    const token = new Client({ url: server.url, token: key })
    expect(await names(token)).toEqual([])
    expect((await token.call(listUsers)).count).toBe(0)
    await expect(token.call(getWorkspace, { params: { workspace: first.id } })).rejects.toMatchObject({
      status: 404,
    })
  })
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
