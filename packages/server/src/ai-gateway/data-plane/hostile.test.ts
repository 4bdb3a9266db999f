import { once } from 'node:events'
import { createServer, request as httpRequest, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import {
  createToken,
  type UpdateAIProviderRoutingRequest,
  type User,
  updateAIProviderRouting,
} from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { Gate, says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

const CHAT = '/openai/v1/chat/completions'
const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }

let world: GatewayWorld
let user: User
let token: string
/** Of the server's log. */
const lines: Record<string, unknown>[] = []

beforeAll(async () => {
  world = await GatewayWorld.start(
    { CODER_AI_GATEWAY_MAX_CONCURRENCY: '2', CODER_AI_GATEWAY_SEND_ACTOR_HEADERS: 'true' },
    createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
  )
  const client = await world.server.user('asker')
  user = await world.account(client)
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
  await world.provider({ name: 'openai' })
  await world.provider({ name: 'anthropic', type: 'anthropic', base_url: world.upstream.url })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(() => {
  world.upstream.answer = () => undefined
})

async function ask(path: string, body?: unknown, headers: Record<string, string> = bearer()) {
  const response = await fetch(`${world.server.url}/api/v2/ai-gateway${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const bearer = () => ({ authorization: `Bearer ${token}` })

it('AG-8: whoever may not ask is not listened to, however long the body is', async () => {
  const body = 'x'.repeat(33 * 1024 * 1024)
  expect(await ask(CHAT, body, {})).toMatchObject({ status: 400 })
  expect(await ask(CHAT, body, { authorization: 'Bearer nonsense' })).toMatchObject({ status: 403 })
})

it('AG-B6: what is refused before there is a record of it has an id too, which is in its line of the log', async () => {
  const off = await world.provider({ enabled: false })
  const before = (await world.records(user.id)).interceptions.length
  for (const [status, path, body, headers] of [
    [400, CHAT, hello, {}],
    [403, CHAT, hello, { authorization: 'Bearer nonsense' }],
    [404, '/openai/v1/files', undefined, bearer()],
    [404, '/nope', undefined, bearer()],
    [503, `/${off.name}`, undefined, bearer()],
    [413, CHAT, 'x'.repeat(33 * 1024 * 1024), bearer()],
    [400, CHAT, [], bearer()],
  ] as const) {
    const refused = await ask(path, body, headers)
    expect(refused.status, path).toBe(status)
    const id = refused.headers.get('x-slipway-interception-id')
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    const line = await until('its line', () => lines.find(({ interception_id }) => interception_id === id))
    expect(line).toMatchObject({ status_code: status, request_id: JSON.parse(refused.text).request_id })
  }
  expect((await world.records(user.id)).interceptions).toHaveLength(before)
})

it.each([
  ['x-coder-ai-governance-token and Authorization', '/openai/v1/models', ['authorization']],
  ['x-coder-ai-governance-token and X-Api-Key', '/anthropic/v1/models', ['x-api-key']],
  ['both', '/anthropic/v1/models', ['x-api-key', 'authorization']],
] as const)('AG-13: a token in %s is no key of the provider', async (_, path, names) => {
  const headers: Record<string, string> = { 'x-coder-ai-governance-token': token, 'x-other': `key ${token}` }
  for (const name of names) headers[name] = name === 'authorization' ? `Bearer ${token}` : token
  const { status } = await ask(`${path}?key=${token}&x=1`, undefined, headers)
  expect(status).toBe(200)
  const request = world.upstream.requests.at(-1)
  expect(request?.key).toBe('sk-of-the-deployment-1')
  expect(request?.path).toBe('/v1/models?x=1')
  expect(JSON.stringify(request?.headers)).not.toContain(token)
  expect((await ask(`${path}/${token}`, undefined, headers)).status).toBe(404)
  expect(world.upstream.requests.at(-1)).toBe(request)
})

it('AG-16: providers learn who asks where it is recorded, and from nobody but us', async () => {
  world.upstream.play(says('Hi'))
  await ask(CHAT, hello, { ...bearer(), 'x-ai-bridge-actor-id': 'x' })
  expect(world.upstream.requests.at(-1)?.headers).toMatchObject({
    'x-ai-bridge-actor-id': user.id,
    'x-ai-bridge-actor-metadata-username': 'asker',
  })
  await ask('/openai/v1/models', undefined, { ...bearer(), 'x-ai-bridge-actor-id': 'x' })
  expect(world.upstream.requests.at(-1)?.headers).not.toHaveProperty('x-ai-bridge-actor-id')
})

it('AG-78: text that no database holds is no reason not to answer', async () => {
  world.upstream.play(says('Hi'), says('Hi'))
  const odd = '"\\ud800\\u0000x"'
  const chat = await ask(CHAT, `{"model":${odd},"messages":[{"role":"tool","tool_call_id":${odd}}]}`)
  expect(chat.status).toBe(200)
  const { status } = await ask(
    '/anthropic/v1/messages',
    `{"model":"m","max_tokens":1,"messages":[],"metadata":{"user_id":"_session_\\ud800\\u0000x"}}`,
    { ...bearer(), 'user-agent': 'claude-cli/2' },
  )
  expect(status).toBe(200)
  const { interceptions } = await world.records(user.id)
  expect(interceptions.at(-1)).toMatchObject({ client: 'Claude Code', client_session_id: '\ufffdx' })
})

it('AG-15: a client that would rather speak HTTP/2, as those in Java say outside of TLS, is served with its body', async () => {
  world.upstream.play(says('Hi'))
  const request = httpRequest(`${world.server.url}/api/v2/ai-gateway${CHAT}`, {
    method: 'POST',
    headers: {
      ...bearer(),
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABk',
    },
  })
  request.end(JSON.stringify(hello))
  const [response] = await once(request, 'response')
  expect(response.statusCode).toBe(200)
  response.resume()
  await once(response, 'end')
  const { headers } = world.upstream.requests.at(-1) ?? {}
  for (const name of ['upgrade', 'http2-settings']) expect(headers).not.toHaveProperty(name)
})

it('AG-54: a key that is limited for no time at all is not one that was refused', async () => {
  const { name } = await world.provider()
  world.upstream.answer = () => ({ status: 429, headers: { 'Retry-After': '0' } })
  const { status, headers } = await ask(`/${name}/v1/chat/completions`, hello)
  expect([status, headers.get('retry-after')]).toEqual([429, '0'])
})

it('AG-19: a provider that cannot be reached, behind a path that is relayed only', async () => {
  const { name } = await world.provider({ base_url: 'http://127.0.0.1:9/v1' })
  const { status, text } = await ask(`/${name}/v1/models`)
  expect([status, JSON.parse(text).message]).toEqual([502, 'upstream proxy error'])
})

it('AG §4: an own key is refused with the reason, where none may be brought', async () => {
  await using strict = await GatewayWorld.start({ CODER_AI_GATEWAY_ALLOW_BYOK: 'false' })
  const response = await fetch(`${strict.server.url}/api/v2/ai-gateway${CHAT}`, {
    method: 'POST',
    headers: { 'x-coder-ai-governance-token': 'x' },
  })
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({
    message: 'Bring Your Own Key (BYOK) mode is not enabled.',
    detail: 'Contact your administrator to enable it with --ai-gateway-allow-byok.',
  })
})

it('AG-64: requests that wait in a connection behind others give their places back with it', async () => {
  world.upstream.answer = ({ kind }) => (kind === 'models' ? undefined : { steps: ['one ', { stall: true }] })
  const before = world.upstream.requests.length
  const body = JSON.stringify({ ...hello, stream: true })
  const request = `POST /api/v2/ai-gateway${CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(world.server.url).port) })
  socket.on('error', () => undefined)
  socket.write(request + request)
  await until('both to be asked', () => world.upstream.requests.length === before + 2)
  expect((await ask('/openai/v1/models')).status).toBe(503)
  socket.destroy()
  await until('a place to be free', async () => (await ask('/openai/v1/models')).status === 200)
  // With one place taken the other one is free as well.
  const left = new AbortController()
  const open = await fetch(`${world.server.url}/api/v2/ai-gateway${CHAT}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer() },
    body,
    signal: left.signal,
  })
  expect(open.status).toBe(200)
  expect((await ask('/openai/v1/models')).status).toBe(200)
  left.abort()
  await until('all to have been ended', async () =>
    (await world.records(user.id)).interceptions.every((row) => row.ended_at !== null),
  )
})

it('AG-B6: what a provider sends is relayed as far as it can be, and speaks for nobody else', async () => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeEarlyHints({ link: '</x>; rel=preload' })
    response.socket?.end(
      'HTTP/1.1 400 Odd\r\nX-Request-Id: r-1\r\nX-Odd: \u2603\r\nClear-Site-Data: "*"\r\nSet-Cookie: a=b\r\nNEL: {}\r\nReport-To: {}\r\n' +
        'Retry-After-Ms: 1500\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\n{}\r\n0\r\nX-T: 1\r\n\r\n',
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const { name } = await world.provider({ base_url: `http://127.0.0.1:${port}/v1` })
    for (const answer of [
      await ask(`/${name}/v1/chat/completions`, hello),
      await ask(`/${name}/v1/models`),
    ]) {
      expect([answer.status, answer.text]).toEqual([400, '{}'])
      expect(answer.headers.get('x-request-id')).toBe('r-1')
      expect(answer.headers.get('retry-after')).toBe('2')
      for (const kept of ['clear-site-data', 'set-cookie', 'nel', 'report-to', 'trailer'])
        expect(answer.headers.get(kept)).toBeNull()
    }
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

it('AG-B4, AG-99: what is encoded although nobody has asked for it is read, counted and shows no key', async () => {
  const KEY = 'sk-of-the-deployment-1'
  const usage = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 }
  const good = JSON.stringify({ id: 'theirs', choices: [{ message: { content: 'Hi' } }], usage })
  const failed = JSON.stringify({ id: 'r', status: 'failed', error: { message: `no: ${KEY}` } })
  let answer: [status: number, body: string] = [200, good]
  const server = createServer((request, response) => {
    const [status, body] = answer
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', 'x-said': KEY }
    request.resume().once('end', () => response.writeHead(status, headers).end(gzipSync(body)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const { name } = await world.provider({ base_url: `http://127.0.0.1:${port}/v1` })
    const chat = await ask(`/${name}/v1/chat/completions`, hello)
    const id = chat.headers.get('x-slipway-interception-id') ?? ''
    expect([chat.status, chat.headers.get('content-encoding')]).toEqual([200, null])
    expect(chat.text).toBe(good.replace('theirs', id))
    const { tokens } = await world.records(user.id)
    expect(tokens.find((row) => row.interception_id === id)).toMatchObject({
      provider_response_id: 'theirs',
      input_tokens: 9,
      output_tokens: 2,
    })
    const stars = '*'.repeat(KEY.length)
    for (const status of [200, 400]) {
      answer = [status, failed]
      const said = await ask(`/${name}/v1/responses`, { model: 'm', input: 'hi' })
      const relayed = await ask(`/${name}/v1/responses/r`)
      expect([said.status, said.text]).toEqual([status, failed.replace(KEY, stars)])
      // What is only relayed does not wait for its end, and shows none either.
      expect([relayed.status, relayed.text]).toEqual([status, said.text])
      for (const { headers } of [said, relayed]) expect(headers.get('x-said')).toBe(stars)
    }
    const { interceptions } = await world.records(user.id)
    expect(interceptions.slice(-2).map((row) => row.error_message)).toEqual([`no: ${stars}`, `no: ${stars}`])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

describe('AG-19: what is only relayed, when its provider or its client does not behave', () => {
  type Serve = (response: ServerResponse, socket: Socket) => unknown
  /** A provider that serves what is behind `/v1/models/` by that name. */
  async function relaying(serve: Serve, routing: UpdateAIProviderRoutingRequest = {}) {
    const [asked, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const provider = createServer((request, response) => {
      asked.resolve()
      response.once('close', closed.resolve)
      serve(response, request.socket)
    })
    provider.listen(0, '127.0.0.1')
    await once(provider, 'listening')
    const { port } = provider.address() as AddressInfo
    const { name } = await world.provider({ base_url: `http://127.0.0.1:${port}/v1` })
    await world.owner.call(updateAIProviderRouting, { params: { idOrName: name }, body: routing })
    return {
      asked: asked.promise,
      closed: closed.promise,
      get: (signal?: AbortSignal) =>
        fetch(`${world.server.url}/api/v2/ai-gateway/${name}/v1/models/x`, {
          headers: bearer(),
          ...(signal === undefined ? {} : { signal }),
        }),
      row: () =>
        until('its row', () =>
          world.database.db
            .selectFrom('aibridge_passthroughs')
            .selectAll()
            .where('provider_name', '=', name)
            .executeTakeFirst(),
        ),
      async [Symbol.asyncDispose]() {
        provider.closeAllConnections()
        provider.close()
        await once(provider, 'close')
      },
    }
  }
  const reader = (response: Response) => response.body?.pipeThrough(new TextDecoderStream()).getReader()

  it.each(['text/event-stream', 'application/json'])(
    'AG-19: comes as it is sent, however long a piece is, and without trailers: %s',
    async (type) => {
      const gate = new Gate()
      const huge = `data: ${'x'.repeat(9 * 1024 * 1024)}\n\n`
      await using upstream = await relaying(async (response) => {
        response.writeHead(200, { 'content-type': type, trailer: 'x-trailer' })
        response.write('data: one\n\n')
        await gate.opened
        response.addTrailers({ 'x-trailer': '1' })
        response.end(huge)
      })
      const response = await upstream.get()
      const body = reader(response)
      expect((await body?.read())?.value).toBe('data: one\n\n')
      gate.open()
      let rest = ''
      for (let step = await body?.read(); step?.value !== undefined; step = await body?.read())
        rest += step.value
      expect(rest === huge).toBe(true)
      expect(response.headers.get('trailer')).toBeNull()
      expect(await upstream.row()).toMatchObject({ status: 200 })
    },
  )

  it('AG-19, AG-B3: one that is reset in the middle never looks whole', async () => {
    for (const head of [{}, { 'content-length': '100' }]) {
      await using upstream = await relaying((response, socket) => {
        response.writeHead(200, head)
        response.write('one', () => socket.resetAndDestroy())
      })
      await expect(upstream.get().then((response) => response.text())).rejects.toThrow()
      expect(await upstream.row()).toMatchObject({ route: '/v1/models(/*)' })
    }
  })

  it('AG-19: one that is reset behind its head is a failure of the provider, and not of ours', async () => {
    lines.length = 0
    await using upstream = await relaying((response, socket) => {
      response.writeHead(200)
      response.flushHeaders()
      setImmediate(() => socket.resetAndDestroy())
    })
    const response = await upstream.get()
    expect([response.status, await response.json()]).toMatchObject([
      502,
      { message: 'upstream proxy error', error: { code: 'upstream_unreachable' } },
    ])
    expect(response.headers.get('x-slipway-interception-id')).toBe((await upstream.row()).id)
    expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('AG-56: one that stops is ended after the silence that the settings allow', async () => {
    await using upstream = await relaying((response) => response.writeHead(200).write('one'), {
      idle_timeout_ms: 100,
    })
    const cut = async (): Promise<boolean> => {
      const patience = AbortSignal.timeout(3_000)
      const body = reader(await upstream.get(patience))
      await body?.read()
      await expect(body?.read()).rejects.toThrow()
      return !patience.aborted
    }
    // The server hears of the settings in a moment.
    await until('the cut', cut)
  })

  it('AG-24: who leaves ends the request at the provider at once, and it leaves its row', async () => {
    const before = new AbortController()
    await using silent = await relaying(() => undefined)
    const answer = silent.get(before.signal)
    await silent.asked
    before.abort()
    await expect(answer).rejects.toThrow()
    await silent.closed
    expect(await silent.row()).toMatchObject({ status: null, initiator_id: user.id })
    const during = new AbortController()
    await using stalling = await relaying((response) => response.writeHead(200).write('one'))
    const body = reader(await stalling.get(during.signal))
    expect((await body?.read())?.value).toBe('one')
    during.abort()
    await stalling.closed
    expect(await stalling.row()).toMatchObject({ status: 200, initiator_id: user.id })
  })
})
