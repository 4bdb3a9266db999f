import { afterAll, beforeAll, expect, it } from 'vitest'

import { createToken, expireKey, getUser } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { fixtures, makeTenant, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const lines: Record<string, unknown>[] = []
let server: TestServer
let database: Database

beforeAll(async () => {
  server = await startTestServer({
    log: createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
  })
  database = await openDatabase(server.databaseUrl)
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** The line of a request. */
async function lineOf(path: string, headers: Readonly<Record<string, string>>) {
  const answer = await fetch(`${server.url}${path}`, { headers })
  await answer.arrayBuffer()
  const id = answer.headers.get('x-coder-request-id')
  return until('the line', () => lines.find((line) => line.request_id === id))
}

it('ID-59, RB-28: the token of an agent, as a session key, and what is no key cost no statement', async () => {
  await server.owner()
  for (const token of [
    '0b6f1c7e-7e0c-4d0b-8a51-2f0e4f3a9c11',
    'AAAAAAAAAA-BBBBBBBBBBBBBBBBBBBBB',
    'AAAAAAAAA-BBBBBBBBBBBBBBBBBBBBBB',
    'AAAAAAAAAA-BBBBBBBBBBBBBBBBBBBB-B',
    'AAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBB',
  ])
    expect(await lineOf('/api/v2/users/me', { 'Coder-Session-Token': token })).toMatchObject({
      status_code: 401,
      statements: 0,
    })
  const looksRight = 'AAAAAAAAAA-BBBBBBBBBBBBBBBBBBBBBB'
  expect(await lineOf('/api/v2/users/me', { 'Coder-Session-Token': looksRight })).toMatchObject({
    status_code: 401,
    statements: 1,
  })
})

it('ID-110: a key is named when its secret matched, also once it has ended, and not because its id is known', async () => {
  const owner = await server.owner()
  const { key } = await owner.call(createToken, { params: { user: 'me' }, body: {} })
  const id = key.slice(0, 10)
  const used = () => lineOf('/api/v2/users/me', { 'Coder-Session-Token': key })
  // ID-222: what is known of a key is known under its secret.
  await until('the key to be known', async () => (await used()).statements === 0)
  const guessed = await lineOf('/api/v2/users/me', { 'Coder-Session-Token': `${id}-${'B'.repeat(22)}` })
  expect([guessed.status_code, guessed.api_key_id]).toEqual([401, undefined])
  expect(await used()).toMatchObject({ status_code: 200, api_key_id: id })
  await owner.call(expireKey, { params: { user: 'me', keyid: id } })
  expect(await used()).toMatchObject({ status_code: 401, api_key_id: id })
  expect(lines.some((line) => JSON.stringify(line).includes(key.slice(11)))).toBe(false)
})

it('ID-109, ID-110: whoever asks over one connection, and for what: each line is about its own request', async () => {
  const [owner, other] = [await server.owner(), await server.user('other')]
  const { key } = await owner.call(createToken, { params: { user: 'me' }, body: {} })
  const keys = [owner.headers['Coder-Session-Token'] ?? '', other.headers['Coder-Session-Token'] ?? '', key]
  // Over and over, because what was written of one is kept for the next.
  for (const path of ['/api/v2/users/me', '/api/v2/auth/whoami', '/api/v2/users/me'])
    for (const agent of ['one', 'two'])
      for (const [n, token] of [...keys, undefined, ...keys].entries()) {
        const headers = {
          'User-Agent': agent,
          ...(token === undefined ? {} : { 'Coder-Session-Token': token }),
        }
        const line = await lineOf(path, headers)
        expect(line, `${path} ${agent} ${n}`).toMatchObject({ path, user_agent: agent })
        expect(line.api_key_id).toBe(token?.slice(0, 10))
        expect(line.requestor_name).toBe(
          token === undefined ? undefined : token === keys[1] ? 'other' : 'owner',
        )
      }
})

it('ID-111: the line of a request of nobody names the system actor that did something for it', async () => {
  await server.owner()
  const post = async (path: string, type: string, body: string) => {
    const answer = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body,
    })
    await answer.arrayBuffer()
    const id = answer.headers.get('x-coder-request-id')
    return until('the line', () => lines.find((line) => line.request_id === id && line.path !== undefined))
  }
  // Others act in a sign-in, too: the first by name counts.
  const credentials = JSON.stringify({ email: 'owner@example.com', password: 'no' })
  expect(await post('/api/v2/users/login', 'application/json', credentials)).toMatchObject({
    status_code: 401,
    requestor_name: 'Account Security',
  })
  const form = 'grant_type=authorization_code&code=x&client_id=0b6f1c7e-7e0c-4d0b-8a51-2f0e4f3a9c11'
  expect(await post('/oauth2/tokens', 'application/x-www-form-urlencoded', form)).toMatchObject({
    requestor_name: 'System OAuth2',
  })
})

it('ID-112: of a query the line holds paging, the number of ids, and nothing else', async () => {
  const owner = await server.owner()
  const query = 'LIMIT=5&offset=2&ids=a,b&ids=c&q=whoever&access_token=zzz'
  const line = await lineOf(`/api/v2/users?${query}`, { ...owner.headers })
  expect(line).toMatchObject({ query_limit: '5', query_offset: '2', query_ids_count: '3' })
  for (const hidden of ['zzz', 'whoever']) expect(JSON.stringify(line)).not.toContain(hidden)
})

it('WS-7: lists log paging and how many ids were asked for, and nothing that was searched for', async () => {
  const owner = await server.owner()
  const template = await fixtures.template(database.db)
  const workspace = await fixtures.workspace(database.db)
  const sought = 'unheardof'
  const search = encodeURIComponent(`owner:me name:${sought} param:region=${sought}`)
  for (const list of [
    '/api/v2/workspaces',
    '/api/v2/templates',
    `/api/v2/templates/${template.id}/versions`,
    `/api/v2/workspaces/${workspace.id}/builds`,
    '/api/v2/tasks',
    '/api/v2/audit',
  ]) {
    const line = await lineOf(
      `${list}?q=${search}&name=${sought}&status=${sought}&limit=3&offset=1&template_ids=${template.id},${sought}`,
      { ...owner.headers },
    )
    expect(line, list).toMatchObject({ query_limit: '3', query_offset: '1', query_template_ids_count: '2' })
    const said = lines.filter((one) => one.request_id === Reflect.get(line, 'request_id'))
    expect(JSON.stringify(said), list).not.toContain(sought)
    expect(JSON.stringify(line), list).not.toContain(`${template.id},`)
  }
})

it('ID-111: the line of a request names the workspace and the agent that it is about', async () => {
  const owner = await server.owner()
  const { id, organization_ids } = await owner.call(getUser, { params: { user: 'me' } })
  const { names, agentToken } = await makeTenant(database, {
    ownerId: id,
    organizationId: organization_ids[0] ?? '',
  })
  const workspace_name = names.workspacename
  expect(await lineOf(`/api/v2/workspaces/${names.workspace}`, { ...owner.headers })).toMatchObject({
    workspace_name,
    requestor_name: 'owner',
  })
  const byName = `/api/v2/users/me/workspace/${workspace_name}`
  expect(await lineOf(byName, { ...owner.headers })).toMatchObject({ workspace_name })
  const agent = await lineOf(`/api/v2/workspaceagents/${names.workspaceagent}`, { ...owner.headers })
  expect(agent).toMatchObject({ workspace_name, agent_name: expect.stringMatching(/./) })
  // An agent asks as its owner.
  expect(
    await lineOf('/api/v2/workspaceagents/me/gitsshkey', { 'Coder-Session-Token': agentToken }),
  ).toMatchObject({
    workspace_name,
    agent_name: Reflect.get(agent, 'agent_name'),
    requestor_id: id,
    requestor_name: 'owner',
  })
})
