import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { createToken, type User, updateAIProvider } from '@slipway/contract'
import { FakeModelProvider, Gate, says, type Turn, until } from '@slipway/testkit'
import { GatewayWorld } from './gateway.fixture.ts'

let world: GatewayWorld
let user: User
let token: string

beforeAll(async () => {
  world = await GatewayWorld.start()
  const client = await world.server.user('asker')
  user = await world.account(client)
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
  await world.provider({ name: 'openai' })
  await world.provider({ name: 'anthropic', type: 'anthropic', base_url: world.upstream.url })
  await world.provider({ name: 'gone', base_url: 'http://127.0.0.1:9/v1' })
  await world.provider({ name: 'gone-too', type: 'anthropic', base_url: 'http://127.0.0.1:9' })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(() => {
  world.upstream.answer = () => undefined
})

const CHAT = '/openai/v1/chat/completions'
const RESPONSES = '/openai/v1/responses'
const MESSAGES = '/anthropic/v1/messages'
const STREAM = {
  model: 'm',
  stream: true,
  max_tokens: 9,
  input: 'Say hi',
  messages: [{ role: 'user', content: 'Say hi' }],
}

function ask(path: string, body: unknown = STREAM, signal?: AbortSignal): Promise<Response> {
  return fetch(`${world.server.url}/api/v2/ai-gateway${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  })
}
const played = async (path: string, turn: Turn, body?: unknown) => {
  world.upstream.play(turn)
  const response = await ask(path, body)
  return { response, text: await response.text() }
}
const lastRecord = async () => (await world.records(user.id)).interceptions.at(-1)

describe('AG-50: a provider that does not answer', () => {
  it.each(['/gone/v1/chat/completions', '/gone/v1/responses', '/gone-too/v1/messages'])(
    'AG-50: %s refuses the connection',
    async (path) => {
      for (const stream of [true, false]) {
        const response = await ask(path, { ...STREAM, stream })
        expect(response.headers.get('content-type')).toContain('application/json')
        expect(response.status).toBe(path.includes('responses') ? 500 : 502)
        expect(await response.json()).toMatchObject({
          type: 'error',
          error: { type: 'api_error', code: 'upstream_unreachable' },
        })
      }
    },
  )

  it.each([CHAT, RESPONSES, MESSAGES])(
    'AG-50: a connection of %s that is reset, before its head or its first event, is no answer',
    async (path) => {
      for (const turn of [{ connection: 'reset' } as const, { ...says('never'), cutAfterEvents: 0 }]) {
        const { response, text } = await played(path, turn)
        expect(response.status).toBe(path === RESPONSES ? 500 : 502)
        expect(JSON.parse(text)).toMatchObject({
          error: { type: 'api_error', code: 'upstream_unreachable' },
          // AG-34
          ...(path === RESPONSES ? { code: '500' } : {}),
        })
        expect(await lastRecord()).toMatchObject({ error_type: 'server_error', ended_at: expect.any(Date) })
      }
    },
  )

  it.each([CHAT, RESPONSES, MESSAGES])(
    'AG-B3: a whole answer of %s that is cut in half is none',
    async (path) => {
      const { response, text } = await played(
        path,
        { steps: ['one', { cut: true }] },
        { ...STREAM, stream: false },
      )
      expect(response.status).toBe(502)
      expect(JSON.parse(text)).toMatchObject({ error: { code: 'upstream_disconnected' } })
    },
  )

  it.each([
    [CHAT, 'data: [DONE]'],
    [RESPONSES, 'response.completed'],
    [MESSAGES, 'message_stop'],
  ])('AG-B3: a stream of %s that is reset, or just ends, never looks complete', async (path, end) => {
    const reset = await played(path, { steps: ['one', { cut: 'reset' }] })
    expect(reset.response.status).toBe(200)
    expect(reset.text).toContain('one')
    expect(reset.text).toContain('error')
    expect(reset.text).not.toContain(end)
    const ended = await played(path, { steps: ['one', { end: true }] })
    expect(ended.text).toContain('ended the answer in the middle')
    expect(ended.text).not.toContain(end)
    expect(await lastRecord()).toMatchObject({ error_type: 'server_error', ended_at: expect.any(Date) })
    expect((await world.records(user.id)).tokens.at(-1)?.metadata ?? { incomplete: true }).toMatchObject({
      incomplete: true,
    })
  })
})

describe('AG-20: answers that are not as they should be', () => {
  const BROKEN =
    'data: {"choices": [\n\n: a comment\nevent\ndata\nid: 7\nretry: x\n\ndata: [1,2]\ndata: null\n\n'

  it.each([CHAT, RESPONSES, MESSAGES])(
    'AG-20: events of %s that are no JSON pass as they are',
    async (path) => {
      const { response, text } = await played(path, { steps: ['one', { raw: BROKEN }, 'two'] })
      expect(response.status).toBe(200)
      expect(text).toContain(BROKEN)
      expect(text).toContain('two')
      expect(await lastRecord()).toMatchObject({ error_type: null, ended_at: expect.any(Date) })
    },
  )

  it('AG-20: bytes that are no text, and lines that never end, hurt nobody', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xc3])
    const { response, text } = await played(CHAT, {
      steps: ['one', { raw: bytes }, { raw: 'no end' }, { end: true }],
    })
    expect(response.status).toBe(200)
    expect(text).toMatch(/one.*ended the answer in the middle/s)
  })

  it.each([CHAT, RESPONSES, MESSAGES])('AG-20: an event of %s with 9 MiB passes whole', async (path) => {
    const huge = 'x'.repeat(9 * 1024 * 1024)
    const { text } = await played(path, says('before', huge, 'behind'))
    expect(text.includes(huge)).toBe(true)
    expect(text).toContain('behind')
    expect(await lastRecord()).toMatchObject({ error_type: null })
  })

  it('AG-20: another type of content passes as it is, and so does an error that is no JSON', async () => {
    const html = await played(CHAT, { ...says('Hi'), contentType: 'text/html' })
    expect([html.response.status, html.response.headers.get('content-type')]).toEqual([200, 'text/html'])
    expect(html.text).toContain('Hi')
    const gateway = await played(CHAT, {
      status: 502,
      headers: { 'Content-Type': 'text/html' },
      body: '<h1>Bad Gateway</h1>',
    })
    expect([gateway.response.status, gateway.text]).toEqual([502, '<h1>Bad Gateway</h1>'])
    expect(await lastRecord()).toMatchObject({ error_type: 'server_error' })
  })

  it.each(['processing', 'early hints'] as const)(
    'AG-19: a head of %s before the answer is passed over',
    async (informational) => {
      const { response, text } = await played(CHAT, { ...says('Hi'), informational })
      expect([response.status, text.includes('[DONE]')]).toEqual([200, true])
    },
  )

  it('AG-19: trailers end at the gateway, and the stream is whole', async () => {
    world.upstream.play({ ...says('Hi'), trailers: { 'x-trailer': 'one' } })
    const sent = httpRequest(`${world.server.url}/api/v2/ai-gateway${CHAT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    })
    sent.end(JSON.stringify(STREAM))
    const [answer]: IncomingMessage[] = await once(sent, 'response')
    let text = ''
    for await (const chunk of answer ?? []) text += String(chunk)
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect([answer?.headers.trailer, answer?.trailers, answer?.complete]).toEqual([undefined, {}, true])
  })
})

describe('AG-24: clients that leave', () => {
  const phases: readonly (readonly [string, Turn])[] = [
    ['before the answer', { connection: 'silent' }],
    ['in the middle', { steps: ['one', { stall: true }] }],
  ]
  it.each(phases)('AG-24: %s: the provider is left within 100 ms', async (_name, turn) => {
    const delays: number[] = []
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const client = new AbortController()
      const from = world.upstream.requests.length
      world.upstream.play(turn)
      const asked = ask(CHAT, STREAM, client.signal)
      if ('steps' in turn) await (await asked).body?.getReader().read()
      const request = await until('the request', () => world.upstream.requests[from])
      const left = performance.now()
      client.abort()
      if (!('steps' in turn)) await expect(asked).rejects.toThrow()
      expect(await request.ended()).toBe('aborted')
      delays.push((request.endedAt ?? Number.NaN) - left)
    }
    // The best of some: other work on this machine is not what is measured.
    expect(Math.min(...delays)).toBeLessThan(100)
    await until('the end', async () => (await lastRecord())?.ended_at)
    expect(await lastRecord()).toMatchObject({
      error_type: 'unknown',
      error_message: 'the client ended the request',
    })
  })

  it('AG-24: behind the head of an answer, before its first event', async () => {
    await using provider = await FakeModelProvider.start()
    const gate = new Gate()
    provider.answer = () => ({
      steps: (function* () {
        yield { wait: gate.opened }
      })(),
    })
    const { name } = await world.provider({ base_url: `${provider.url}/v1` })
    const client = new AbortController()
    const asked = ask(`/${name}/v1/responses`, STREAM, client.signal)
    const request = await provider.nextRequest()
    client.abort()
    await expect(asked.then((response) => response.text())).rejects.toThrow()
    expect(await request.ended()).toBe('aborted')
    gate.open()
  })

  it('AG-24: while the body is on its way nobody is asked, and nothing is recorded', async () => {
    const before = [world.upstream.requests.length, (await world.records(user.id)).interceptions.length]
    const { hostname, port } = new URL(world.server.url)
    const socket = connect(Number(port), hostname)
    socket.write(
      `POST /api/v2/ai-gateway${CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"model":`,
    )
    await until('the beginning to be sent', () => socket.bytesWritten > 100)
    // Answered on a later connection, so that the server has seen the first.
    await fetch(`${world.server.url}/healthz`)
    socket.resetAndDestroy()
    const { text } = await played(CHAT, says('Hi'))
    expect(text).toContain('Hi')
    expect([world.upstream.requests.length, (await world.records(user.id)).interceptions.length]).toEqual(
      before.map((count) => count + 1),
    )
  })
})

it('AG-23: a client that does not read stops its provider, and no more than so much is under way', async () => {
  const piece = 'x'.repeat(64 * 1024)
  const pieces = 2_000
  world.upstream.play({ steps: Array.from({ length: pieces }, () => piece) })
  const from = world.upstream.requests.length
  const sent = httpRequest(`${world.server.url}/api/v2/ai-gateway${CHAT}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  })
  sent.end(JSON.stringify(STREAM))
  const [answer]: IncomingMessage[] = await once(sent, 'response')
  if (answer === undefined) throw new Error('there is no answer')
  const request = await until('the request', () => world.upstream.requests[from])
  let seen = -1
  await until('the provider to stand still', async () => {
    const now = request.sentBytes
    const stands = now === seen && now > 0
    seen = now
    await fetch(`${world.server.url}/healthz`)
    return stands
  })
  // Of 125 MiB: what two connections of the system hold, and little more.
  expect(request.sentBytes).toBeLessThan(48 * 1024 * 1024)
  let length = 0
  for await (const chunk of answer) length += chunk.length
  expect(length).toBeGreaterThan(pieces * piece.length)
  expect(await request.ended()).toBe('answered')
})

it('AG-57: a provider that is edited while 100 streams run cuts none, and the next goes by the new state', async () => {
  await using other = await FakeModelProvider.start()
  other.answer = () => says('From the new address')
  const provider = await world.provider({ name: 'edited' })
  const gate = new Gate()
  world.upstream.answer = () => ({ steps: ['one ', { wait: gate.opened }, 'two'] })
  const streams = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const response = await ask('/edited/v1/chat/completions')
      expect(response.status).toBe(200)
      return response
    }),
  )
  await world.owner.call(updateAIProvider, {
    params: { idOrName: provider.id },
    body: { base_url: `${other.url}/v1`, api_keys: [{ api_key: 'sk-another-0123456789' }] },
  })
  const next = await until('the new state', async () => {
    const response = await ask('/edited/v1/chat/completions', { ...STREAM, stream: false })
    const text = await response.text()
    return text.includes('new address') ? text : undefined
  })
  expect(next).toContain('From the new address')
  expect(other.requests.at(-1)?.key).toBe('sk-another-0123456789')
  gate.open()
  for (const response of streams) {
    const text = await response.text()
    expect(text).toContain('two')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  }
})
