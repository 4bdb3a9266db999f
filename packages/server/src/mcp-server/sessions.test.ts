import { afterAll, beforeAll, expect, it } from 'vitest'

import { type Client as ApiClient, Client } from '@slipway/client'
import { createToken, type Template, updateTemplate } from '@slipway/contract'
import { startTestServer, type TestServer, until } from '@slipway/testkit'
import { conformanceFeatures } from './conformance.fixture.ts'
import {
  bearer,
  type Events,
  eventsOf,
  initialize,
  listen,
  MCP_PATH,
  post,
  rpc,
} from './mcp-clients.fixture.ts'

let one: TestServer
let other: TestServer
let owner: ApiClient
let template: Template

beforeAll(async () => {
  one = await startTestServer({ mcpExtension: conformanceFeatures })
  owner = await one.owner()
  other = await startTestServer({ databaseUrl: one.databaseUrl, mcpExtension: conformanceFeatures })
  template = await one.builtInTemplate()
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await one[Symbol.asyncDispose]()
})

const call = (name: string, args: Record<string, unknown> = {}, _meta: Record<string, unknown> = {}) => ({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name, arguments: args, _meta },
})

/** The event with the answer, and all before it. */
async function untilAnswer(events: Events): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = []
  for await (const { data } of events) {
    if (data === '') continue
    const message: Record<string, unknown> = JSON.parse(data)
    all.push(message)
    if ('result' in message || 'error' in message) return all
  }
  throw new Error(`the stream ended without an answer: ${JSON.stringify(all)}`)
}

it('a session that one replica has opened is known to the other, and to no other user', async () => {
  const session = await initialize(one.url, owner)
  const listed = await post(other.url, owner, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, session)
  expect(listed.status).toBe(200)
  const stranger = await one.user('stranger')
  const stolen = await post(one.url, stranger, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, session)
  expect(stolen.status).toBe(404)
})

it('what a client answers reaches the call that has asked, also through another replica', async () => {
  for (const target of [one, other]) {
    const session = await initialize(one.url, owner, { capabilities: { sampling: {} } })
    const response = await post(one.url, owner, call('test_sampling', { prompt: 'Hi' }), session)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = eventsOf(response)
    let asked: Record<string, unknown> = {}
    for await (const { data } of events)
      if (data !== '') {
        asked = JSON.parse(data)
        break
      }
    expect(asked).toMatchObject({ method: 'sampling/createMessage' })
    const result = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hello' } }
    const answered = await post(target.url, owner, { jsonrpc: '2.0', id: asked.id, result }, session)
    expect(answered.status).toBe(202)
    const [answer] = await untilAnswer(events)
    expect(JSON.stringify(answer)).toContain('LLM response')
  }
})

it('a stream that has broken goes on behind the last event, also at another replica', async () => {
  const session = await initialize(one.url, owner)
  // The tool ends its stream and answers later.
  const response = await post(one.url, owner, call('test_reconnection'), session)
  const begun = await eventsOf(response).next()
  const { id, data } = begun.value ?? {}
  expect(data).toBe('')
  const resumed = await listen(other.url, owner, session, id)
  expect(resumed.headers.get('content-type')).toBe('text/event-stream')
  const events = eventsOf(resumed)
  const [answer] = await untilAnswer(events)
  expect(answer).toMatchObject({ id: 7, result: { content: [{ type: 'text' }] } })
  expect((await events.next()).done).toBe(true)
})

it('nobody goes on with the stream of a session that is not theirs', async () => {
  const session = await initialize(one.url, owner)
  const response = await post(one.url, owner, call('test_reconnection'), session)
  const { id } = (await eventsOf(response).next()).value ?? {}
  const mine = await initialize(one.url, owner)
  const resumed = await listen(one.url, owner, mine, id)
  // The event is unknown there, so that this is an ordinary stream, on which nothing is said.
  expect(resumed.status).toBe(200)
  await fetch(`${one.url}${MCP_PATH}`, {
    method: 'DELETE',
    headers: { ...bearer(owner), 'Mcp-Session-Id': mine },
  })
  expect((await eventsOf(resumed).next()).done).toBe(true)
})

it('a call is cancelled through another replica', async () => {
  const session = await initialize(one.url, owner, { capabilities: { sampling: {} } })
  const response = await post(one.url, owner, call('test_sampling', { prompt: 'Hi' }), session)
  const events = eventsOf(response)
  await events.next()
  await events.next()
  const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }
  expect((await post(other.url, owner, cancelled, session)).status).toBe(202)
  expect((await events.next()).done).toBe(true)
})

it('DELETE ends a session, with what is open of it, on every replica', async () => {
  const session = await initialize(one.url, owner)
  const stream = await listen(one.url, owner, session)
  expect(stream.status).toBe(200)
  const ended = await fetch(`${other.url}${MCP_PATH}`, {
    method: 'DELETE',
    headers: { ...bearer(owner), 'Mcp-Session-Id': session },
  })
  expect(ended.status).toBe(204)
  expect((await eventsOf(stream).next()).done).toBe(true)
  for (const { url } of [one, other])
    await until('the session to be over', async () => {
      const answer = await post(url, owner, { jsonrpc: '2.0', id: 1, method: 'ping' }, session)
      await answer.text()
      return answer.status === 404
    })
})

it('a stream that is opened anew takes the place of the one before, also at another replica', async () => {
  const session = await initialize(one.url, owner)
  const first = await listen(one.url, owner, session)
  const second = await listen(other.url, owner, session)
  expect((await eventsOf(first).next()).done).toBe(true)
  expect(second.status).toBe(200)
  await second.body?.cancel()
})

it('a session hears of the resources that it has subscribed to, and of no others', async () => {
  const uri = `coder://templates/${template.id}`
  const session = await initialize(one.url, owner)
  const stream = await listen(other.url, owner, session)
  const subscribe = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri } }
  const subscribed = await post(one.url, owner, subscribe, session)
  expect(await subscribed.json()).toMatchObject({ result: {} })
  const events = eventsOf(stream)
  // The other replica hears of the subscription a moment later: the change is repeated until then.
  let heard = false
  const waiting = events.next().then((event) => {
    heard = true
    return event
  })
  let n = 0
  await until('the notification', async () => {
    n += 1
    await owner.call(updateTemplate, { params: { template: template.id }, body: { description: `${n}` } })
    return heard
  })
  expect(JSON.parse((await waiting).value?.data ?? '{}')).toMatchObject({
    method: 'notifications/resources/updated',
    params: { uri },
  })
  await stream.body?.cancel().catch(() => undefined)
})

it('a resource that a user may not see cannot be subscribed to, in any revision', async () => {
  const uri = 'coder://workspaces/3f0f5f0e-0000-4000-8000-000000000000'
  const session = await initialize(one.url, owner)
  const subscribe = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri } }
  const refused = await post(one.url, owner, subscribe, session)
  expect(await refused.json()).toMatchObject({ error: { code: -32_602 } })
  const modern = await rpc(one.url, owner, {
    method: 'subscriptions/listen',
    version: '2026-07-28',
    params: { notifications: { resourceSubscriptions: [uri] } },
  })
  expect(modern).toMatchObject({ status: 400, body: { error: { code: -32_602 } } })
})

it('what a client says of itself and asks for is bounded', async () => {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'x'.repeat(70_000), version: '1' },
  }
  const long = await post(one.url, owner, { jsonrpc: '2.0', id: 1, method: 'initialize', params })
  expect([long.status, long.headers.get('mcp-session-id')]).toEqual([400, null])
  const session = await initialize(one.url, owner)
  const uri = `other://${'x'.repeat(3_000)}`
  const subscribe = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri } }
  const refused = await post(one.url, owner, subscribe, session)
  expect(await refused.json()).toMatchObject({ error: { code: -32_602 } })
  const result = { text: 'x'.repeat(1_100_000) }
  const answer = await post(one.url, owner, { jsonrpc: '2.0', id: 'a.1', result }, session)
  expect(answer.status).toBe(400)
})

it('a call ends with the key that began it, also for whoever has come back for its answer', async () => {
  const user = await one.user('caller')
  const second = new Client({
    url: one.url,
    token: (await user.call(createToken, { params: { user: 'me' }, body: {} })).key,
  })
  const session = await initialize(one.url, user, { capabilities: { sampling: {} } })
  const response = await post(one.url, user, call('test_sampling', { prompt: 'Hi' }), session)
  const { id } = (await eventsOf(response).next()).value ?? {}
  const resumed = eventsOf(await listen(one.url, second, session, id))
  expect(JSON.parse((await resumed.next()).value?.data ?? '')).toMatchObject({
    method: 'sampling/createMessage',
  })
  const logout = await fetch(`${one.url}/api/v2/users/logout`, {
    method: 'POST',
    headers: { ...user.headers },
  })
  expect(logout.status).toBe(200)
  expect((await resumed.next()).done).toBe(true)
})

it('OA-B23: a tool has the limit of the operation that it carries out', async () => {
  const user = await one.user('uploader', ['template-admin'])
  const upload = () =>
    rpc(one.url, user, {
      method: 'tools/call',
      version: '2026-07-28',
      params: { name: 'coder_upload_tar_file', arguments: { files: { 'main.tf': '' } } },
    })
  for (let n = 0; n < 12; n += 1) expect((await upload()).body.result).not.toMatchObject({ isError: true })
  expect((await upload()).body.result).toMatchObject({ isError: true })
})

it('a stream ends with the key that opened it', async () => {
  const user = await one.user('leaver')
  const session = await initialize(one.url, user)
  const stream = await listen(one.url, user, session)
  const logout = await fetch(`${one.url}/api/v2/users/logout`, {
    method: 'POST',
    headers: { ...user.headers },
  })
  expect(logout.status).toBe(200)
  expect((await eventsOf(stream).next()).done).toBe(true)
})
