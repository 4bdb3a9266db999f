import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { type Client as ApiClient, Client } from '@slipway/client'
import {
  createToken,
  deleteKey,
  getUser,
  type Template,
  updateTemplate,
  updateTemplateAcl,
} from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
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
  const env = { CODER_API_RATE_LIMIT: '0' }
  one = await startTestServer({ env, mcpExtension: conformanceFeatures })
  owner = await one.owner()
  other = await startTestServer({ env, databaseUrl: one.databaseUrl, mcpExtension: conformanceFeatures })
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

/** The stream of 2026-07-28 on which a client hears of a resource. */
function subscribe(client: ApiClient, uri: string): Promise<Response> {
  const version = '2026-07-28'
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const method = 'subscriptions/listen'
  const params = { notifications: { resourceSubscriptions: [uri] }, _meta }
  const headers = { 'MCP-Protocol-Version': version, 'Mcp-Method': method }
  return post(one.url, client, { jsonrpc: '2.0', id: 1, method, params }, undefined, headers)
}

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

it('a call ends with its key although it is in no session, whatever carries it out', async () => {
  await using database = await openDatabase(one.databaseUrl, { maxConnections: 1 })
  const asked = { method: 'tools/call', params: { name: 'coder_list_templates', arguments: {} } }
  const ways = [
    { ...asked, version: '2025-11-25' },
    { ...asked, version: '2026-07-28' },
    // With progress it is the library that answers.
    { ...asked, params: { ...asked.params, _meta: { progressToken: 1 } }, version: '2026-07-28' },
  ]
  await database.transaction(async (tx) => {
    await sql`lock table templates in access exclusive mode`.execute(tx)
    const held = async (): Promise<number> => {
      const { rows } = await sql<{ n: number }>`
        select count(*)::int as n from pg_locks where not granted and relation = 'templates'::regclass`.execute(
        tx,
      )
      return rows[0]?.n ?? 0
    }
    for (const way of ways) {
      const { key } = await owner.call(createToken, { params: { user: 'me' }, body: {} })
      const before = await held()
      const answer = rpc(one.url, new Client({ url: one.url, token: key }), way)
      await until('the call to wait', async () => (await held()) > before)
      await owner.call(deleteKey, { params: { user: 'me', keyid: key.split('-')[0] ?? '' } })
      expect((await answer).status, JSON.stringify(way)).toBe(401)
    }
  })
})

it('what is open of a session is bounded: calls, streams that go on, subscriptions', async () => {
  const session = await initialize(one.url, owner, { capabilities: { sampling: {} } })
  const ask = () => post(one.url, owner, call('test_sampling', { prompt: 'Hi' }), session)
  const calls = await Promise.all(Array.from({ length: 64 }, ask))
  expect(new Set(calls.map(({ status }) => status))).toEqual(new Set([200]))
  expect((await ask()).status).toBe(429)
  const [first] = calls
  if (first === undefined) throw new Error('no call')
  const { id } = (await eventsOf(first).next()).value ?? {}
  const follow = () => listen(one.url, owner, session, id)
  const streams = await Promise.all(Array.from({ length: 32 }, follow))
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]))
  expect((await follow()).status).toBe(429)
  await fetch(`${one.url}${MCP_PATH}`, {
    method: 'DELETE',
    headers: { ...bearer(owner), 'Mcp-Session-Id': session },
  })
  await Promise.all([...calls, ...streams].map((open) => open.body?.cancel().catch(() => undefined)))

  const uris = Array.from({ length: 101 }, (_, n) => `other://${n}`)
  const full = await initialize(one.url, owner)
  const subscribe = async (uri: string) => {
    const params = { uri }
    const answer = await post(
      one.url,
      owner,
      { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params },
      full,
    )
    return answer.json()
  }
  await Promise.all(uris.slice(0, 50).map(subscribe))
  for (const uri of uris.slice(50, 100)) expect(await subscribe(uri)).toMatchObject({ result: {} })
  expect(await subscribe(uris[100] ?? '')).toMatchObject({
    error: { code: -32_600, message: 'A session has 100 subscriptions at most.' },
  })
  const modern = await rpc(one.url, owner, {
    method: 'subscriptions/listen',
    version: '2026-07-28',
    params: { notifications: { resourceSubscriptions: uris } },
  })
  expect(modern).toMatchObject({ status: 400, body: { error: { code: -32_602 } } })
})

it('what is kept of sessions is bounded: messages, their bytes, and sessions of a user', async () => {
  await using database = await openDatabase(one.databaseUrl, { maxConnections: 1 })
  const { db } = database
  const kept = async (session: string) => {
    const { rows } = await sql<{ n: number; bytes: number }>`
      select count(*)::int as n, sum(octet_length(message))::int as bytes
        from mcp_session_messages where session_id = ${session}`.execute(db)
    return rows[0]
  }
  const speak = async (session: string): Promise<void> => {
    const answer = await post(one.url, owner, call('test_sampling', { prompt: 'Hi' }), session)
    const events = eventsOf(answer)
    await events.next()
    await events.next()
    await answer.body?.cancel().catch(() => undefined)
  }
  const open = () => initialize(one.url, owner, { capabilities: { sampling: {} } })
  const many = await open()
  await sql`insert into mcp_session_messages (session_id, stream_id, message)
            select ${many}::uuid, gen_random_uuid(), 'x' from generate_series(1, 1200)`.execute(db)
  await speak(many)
  expect((await kept(many))?.n).toBe(1_000)
  const long = await open()
  await sql`insert into mcp_session_messages (session_id, stream_id, message)
            select ${long}::uuid, gen_random_uuid(), repeat('x', 4194304) from generate_series(1, 5)`.execute(
    db,
  )
  await speak(long)
  expect((await kept(long))?.bytes).toBeLessThanOrEqual(16 * 1024 * 1024)
  const collector = await one.user('collector')
  const { id } = await collector.call(getUser, { params: { user: 'me' } })
  await sql`insert into mcp_sessions (user_id, protocol_version, client)
            select ${id}::uuid, '2025-11-25', '{}' from generate_series(1, 2100)`.execute(db)
  const fresh = await initialize(one.url, collector)
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from mcp_sessions where user_id = ${id}`.execute(db)
  expect(rows).toEqual([{ n: 2_000 }])
  expect((await post(one.url, collector, { jsonrpc: '2.0', id: 1, method: 'ping' }, fresh)).status).toBe(200)
})

it('an answer is for the call that has asked, and for no other of the session', async () => {
  const session = await initialize(one.url, owner, { capabilities: { sampling: {} } })
  const ask = async (id: number) => {
    const events = eventsOf(
      await post(one.url, owner, { ...call('test_sampling', { prompt: 'Hi' }), id }, session),
    )
    await events.next()
    const asked: { id: string } = JSON.parse((await events.next()).value?.data ?? '{}')
    return { events, asked }
  }
  const first = await ask(1)
  const second = await ask(2)
  for (const { events, asked } of [second, first]) {
    const result = { role: 'assistant', model: 'm', content: { type: 'text', text: asked.id } }
    await post(one.url, owner, { jsonrpc: '2.0', id: asked.id, result }, session)
    expect(JSON.stringify(await untilAnswer(events))).toContain(asked.id)
  }
})

it('news of a session from before it listens do not end what it listens on', async () => {
  const uri = `coder://templates/${template.id}`
  const session = await initialize(one.url, owner)
  await post(
    one.url,
    owner,
    { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri } },
    session,
  )
  const events = eventsOf(await listen(one.url, owner, session))
  let told = 0
  let ended = false
  const count = async (): Promise<void> => {
    for await (const { data } of events) if (data.includes('notifications/resources/updated')) told += 1
    ended = true
  }
  void count().catch(() => undefined)
  const heard = async (description: string): Promise<void> => {
    const before = told
    await until('the change to be heard', async () => {
      if (ended) throw new Error('the stream has ended')
      await owner.call(updateTemplate, { params: { template: template.id }, body: { description } })
      return told > before
    })
  }
  await heard('before')
  {
    await using database = await openDatabase(one.databaseUrl, { maxConnections: 1 })
    // As the change log tells of the subscription where it is slow.
    await sql`insert into change_log (kind, key, op, data)
              values ('mcp_session', ${session}, 'update', '{"listener": null}')`.execute(database.db)
  }
  await heard('behind')
  // What is heard of next was told behind the old news.
  await heard('last')
})

it.each(['2025-11-25', '2026-07-28'])(
  '%s: who may not see a resource any more hears of it no more',
  async (version) => {
    const uri = `coder://templates/${template.id}`
    const watcher = await one.user(`watcher-of-${version}`)
    const heard = { watcher: 0, owner: 0 }
    const open = async (client: ApiClient): Promise<Response> => {
      if (version === '2026-07-28') return subscribe(client, uri)
      const session = await initialize(one.url, client)
      const params = { uri }
      await post(one.url, client, { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params }, session)
      return listen(one.url, client, session)
    }
    const watch = async (who: keyof typeof heard, client: ApiClient): Promise<void> => {
      const events = eventsOf(await open(client))
      const count = async (): Promise<void> => {
        for await (const { data } of events)
          if (data.includes('notifications/resources/updated')) heard[who] += 1
      }
      void count().catch(() => undefined)
    }
    await watch('watcher', watcher)
    await watch('owner', owner)
    let n = 0
    const change = async (): Promise<void> => {
      n += 1
      await owner.call(updateTemplate, { params: { template: template.id }, body: { description: `w${n}` } })
    }
    await until('both to hear', async () => {
      // One that is made before both listen is told to nobody.
      await change()
      return heard.watcher > 0 && heard.owner > 0
    })
    const everyone = template.organization_id
    const share = (role: '' | 'use') =>
      owner.call(updateTemplateAcl, {
        params: { template: template.id },
        body: { group_perms: { [everyone]: role } },
      })
    await share('')
    try {
      // What was on its way has come once changes of after that are heard of twice; those that come together are one.
      const settled = async (): Promise<number> => {
        const seen = heard.owner
        await until('the owner to hear', async () => {
          await change()
          return heard.owner >= seen + 2
        })
        return heard.watcher
      }
      const before = await settled()
      expect(await settled()).toBe(before)
    } finally {
      await share('use')
    }
  },
)
