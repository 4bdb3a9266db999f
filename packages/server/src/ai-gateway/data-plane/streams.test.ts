import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createToken, type User, updateAIProviderRouting } from '@slipway/contract'
import { callsTools, Gate, says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

// What clients see of streams and of failures, and what is recorded of them (rows 19 to 24 of the chapter's table).

let world: GatewayWorld
let client: Client
let user: User
let token: string
let serial = 0

beforeAll(async () => {
  world = await GatewayWorld.start()
  await world.provider({ name: 'openai' })
  await world.provider({ name: 'anthropic', type: 'anthropic', base_url: world.upstream.url })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  serial += 1
  world.upstream.answer = () => undefined
  client = await world.server.user(`streamer${serial}`)
  user = await world.account(client)
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
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
const records = () => world.records(user.id)

describe('AG row 19: a streamed chat', () => {
  const chunk = (members: object) =>
    `data: ${JSON.stringify({ id: 'gen-1', object: 'chat.completion.chunk', model: 'm-2', ...members })}\n\n`
  const usage = (prompt: number, completion: number) => ({
    prompt_tokens: prompt,
    completion_tokens: completion,
    prompt_tokens_details: { cached_tokens: 4, audio_tokens: 1 },
    completion_tokens_details: {
      audio_tokens: 2,
      reasoning_tokens: 3,
      accepted_prediction_tokens: 5,
      rejected_prediction_tokens: 6,
    },
  })

  it('AG-22, AG-28: has our id in each chunk, all else as it was, and the last tokens that were named', async () => {
    const stream =
      chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: 'H' } }], odd: { id: 'gen-1' } }) +
      // Some providers name them with each chunk, as they are by then.
      chunk({ choices: [{ index: 0, delta: { content: 'i' } }], usage: usage(9, 1) }) +
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null }) +
      chunk({ choices: [], usage: usage(9, 7), x_unknown: [1.0, null] }) +
      'data: [DONE]\n\n'
    world.upstream.play({ status: 200, headers: { 'Content-Type': 'text/event-stream' }, body: stream })
    const response = await ask(CHAT)
    expect([response.status, Object.fromEntries(response.headers)]).toMatchObject([
      200,
      {
        'content-type': expect.stringMatching(/^text\/event-stream/),
        'cache-control': 'no-cache',
        connection: 'keep-alive',
        'x-accel-buffering': 'no',
      },
    ])
    const { interceptions } = await records()
    expect(await response.text()).toBe(
      stream.replaceAll('data: {"id":"gen-1"', `data: {"id":"${interceptions[0]?.id}"`),
    )
    // AG-30
    const { tokens } = await records()
    expect(tokens).toMatchObject([
      {
        provider_response_id: 'gen-1',
        input_tokens: 5,
        output_tokens: 7,
        cache_read_input_tokens: 4,
        cache_write_input_tokens: 0,
        metadata: {
          prompt_audio: 1,
          completion_audio: 2,
          completion_reasoning: 3,
          completion_accepted_prediction: 5,
          completion_rejected_prediction: 6,
        },
      },
    ])
  })

  it('AG-28: is complete without its last line, which is added', async () => {
    const stream = chunk({ choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }] })
    world.upstream.play({ status: 200, headers: { 'Content-Type': 'text/event-stream' }, body: stream })
    expect(await (await ask(CHAT)).text()).toMatch(/"finish_reason":"stop"\}\]\}\n\n\n?data: \[DONE\]\n\n$/)
    expect((await records()).interceptions).toMatchObject([{ error_type: null }])
  })

  it('AG-B5: tools that are called side by side are all recorded', async () => {
    const calls = ['a', 'b', 'c'].map((id) => ({ id: `${id}${serial}`, name: `tool_${id}`, args: { id } }))
    world.upstream.play({ steps: [{ calls }] })
    await (await ask(CHAT)).text()
    const { tools } = await records()
    expect(
      tools
        .map(({ tool, input, provider_tool_call_id }) => [tool, input, provider_tool_call_id])
        .toSorted(([one = ''], [other = '']) => (String(one) < String(other) ? -1 : 1)),
    ).toEqual(calls.map(({ id, name, args }) => [name, JSON.stringify(args), id]))
  })
})

it('AG row 21: a streamed response is the same to the byte', async () => {
  const event = (type: string, members: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`
  const stream =
    event('response.created', { response: { id: 'resp-1', output: [] }, sequence_number: 0 }) +
    ': a comment\n\n' +
    event('response.output_text.delta', { delta: 'Hi ü', sequence_number: 1, id: 'resp-1' }) +
    event('response.completed', {
      response: { id: 'resp-1', usage: { input_tokens: 3, output_tokens: 2 } },
      sequence_number: 2,
    })
  world.upstream.play({ status: 200, headers: { 'Content-Type': 'text/event-stream' }, body: stream })
  expect(await (await ask(RESPONSES)).text()).toBe(stream)
  expect((await records()).tokens).toMatchObject([
    { provider_response_id: 'resp-1', input_tokens: 3, output_tokens: 2 },
  ])
})

describe('AG-36: a response that ends otherwise', () => {
  it.each(['incomplete', 'failed'] as const)('AG-36: response.%s has its tokens counted', async (how) => {
    const response = {
      id: 'r',
      usage: { input_tokens: 8, output_tokens: 1 },
      error: { code: 'server_error' },
    }
    const stream =
      `data: {"type":"response.created","response":{"id":"r"}}\n\n` +
      `data: ${JSON.stringify({ type: `response.${how}`, response })}\n\n`
    world.upstream.play({ status: 200, headers: { 'Content-Type': 'text/event-stream' }, body: stream })
    expect(await (await ask(RESPONSES)).text()).toBe(stream)
    const { tokens, interceptions } = await records()
    expect(tokens).toMatchObject([{ input_tokens: 8, output_tokens: 1 }])
    expect(interceptions).toMatchObject([{ error_type: how === 'failed' ? 'server_error' : null }])
  })
})

it('AG row 22: a message that fails in the middle ends with that error', async () => {
  world.upstream.play({ steps: ['The', { error: { type: 'overloaded_error', message: 'Overloaded' } }] })
  const response = await ask(MESSAGES)
  const text = await response.text()
  expect(response.status).toBe(200)
  expect(text.trimEnd().split('\n').at(-1)).toBe(
    'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
  )
  const { interceptions, tokens } = await records()
  expect(interceptions).toMatchObject([{ error_type: 'overloaded', error_message: 'Overloaded' }])
  expect(tokens).toMatchObject([{ input_tokens: 10, metadata: { incomplete: true } }])
})

it('AG row 23: a chat whose provider goes away says so, and is not done', async () => {
  world.upstream.play({ steps: ['one', 'two', { cut: 'reset' }] })
  const text = await (await ask(CHAT)).text()
  expect(text).toContain('"type":"api_error","code":"upstream_disconnected"')
  expect(text).not.toContain('[DONE]')
  expect((await records()).interceptions).toMatchObject([{ error_type: 'server_error' }])
})

it('§6.8: a chat that fails in the middle says so in the words of its provider, and is done', async () => {
  world.upstream.play({ steps: ['one', { error: { type: 'server_error', message: 'No more' } }] })
  expect(await (await ask(CHAT)).text()).toMatch(/"message":"No more"[^\n]*\n\n\n?data: \[DONE\]\n\n$/)
  expect((await records()).interceptions).toMatchObject([
    { error_type: 'server_error', error_message: 'No more' },
  ])
})

it.each([CHAT, RESPONSES, MESSAGES])(
  'AG row 24: a stream of %s that is refused is one JSON body',
  async (path) => {
    const body =
      '{"type":"error","error":{"type":"invalid_request_error","message":"No","param":null,"code":"x"}}'
    world.upstream.play({
      status: 400,
      headers: { 'Content-Type': 'application/json', 'Retry-After': '1.5' },
      body,
    })
    const response = await ask(path)
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/json'])
    expect(response.headers.get('retry-after')).toBe('2')
    expect(await response.text()).toBe(body)
  },
)

it('AG-B4: what a client has not waited for has the tokens that were known last', async () => {
  const gate = new Gate()
  const caller = new AbortController()
  world.upstream.play({ steps: ['one', { wait: gate.opened }], usage: { input: 7, output: 3 } })
  const response = await ask(MESSAGES, STREAM, caller.signal)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let seen = ''
  while (!seen.includes('one')) seen += (await reader?.read())?.value ?? ''
  caller.abort()
  await expect(reader?.read()).rejects.toThrow()
  const { tokens, interceptions } = await until('the end to be recorded', async () => {
    const all = await records()
    return all.tokens.length > 0 && all.interceptions[0]?.ended_at != null ? all : undefined
  })
  gate.open()
  expect(tokens).toMatchObject([{ input_tokens: 7, metadata: { incomplete: true } }])
  expect(interceptions).toMatchObject([{ error_type: 'unknown' }])
})

const LAST_EVENTS = [
  [
    CHAT,
    '{"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
    '{"id":"1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}',
    '[DONE]',
  ],
  [
    RESPONSES,
    '{"type":"response.completed","response":{"id":"1","usage":{"input_tokens":7,"output_tokens":3}}}',
  ],
  [
    MESSAGES,
    '{"type":"message_start","message":{"id":"1","usage":{"input_tokens":7}}}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}',
    '{"type":"message_stop"}',
  ],
] as const

it.each(LAST_EVENTS)(
  'AG-81, AG-B4: who leaves %s behind its last event had all of it',
  async (path, ...events) => {
    const caller = new AbortController()
    const raw = events.map((event) => `data: ${event}\n\n`).join('')
    world.upstream.play({ steps: [{ raw }, { stall: true }] })
    const response = await ask(path, STREAM, caller.signal)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ''
    while (!seen.includes(events.at(-1) ?? '')) seen += (await reader?.read())?.value ?? ''
    caller.abort()
    const { tokens, interceptions } = await until('the end to be recorded', async () => {
      const all = await records()
      return all.interceptions[0]?.ended_at == null ? undefined : all
    })
    expect(interceptions).toMatchObject([{ error_type: null, error_message: null }])
    expect(tokens).toMatchObject([{ input_tokens: 7, output_tokens: 3 }])
    expect(tokens[0]?.metadata).not.toHaveProperty('incomplete')
  },
)

it('AG-51: who leaves behind an error in the middle is recorded with that error', async () => {
  const caller = new AbortController()
  const raw =
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
  world.upstream.play({ steps: ['The', { raw }, { stall: true }] })
  const response = await ask(MESSAGES, STREAM, caller.signal)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let seen = ''
  while (!seen.includes('overloaded_error')) seen += (await reader?.read())?.value ?? ''
  caller.abort()
  await until('the end to be recorded', async () => (await records()).interceptions[0]?.ended_at)
  expect(await records()).toMatchObject({
    interceptions: [{ error_type: 'overloaded', error_message: 'Overloaded' }],
    tokens: [{ metadata: { incomplete: true } }],
  })
})

it('AG-13: nobody is sent elsewhere by a provider, where clients would go with the token', async () => {
  for (const status of [301, 307]) {
    world.upstream.answer = () => ({ status, headers: { Location: 'https://elsewhere.example/' } })
    for (const path of [CHAT, '/openai/v1/conversations']) {
      const response = await ask(path)
      expect([response.status, response.headers.get('location')]).toEqual([status, null])
      await response.text()
    }
    expect((await records()).interceptions.at(-1)).toMatchObject({ error_type: 'unknown' })
  }
})

it('AG-34: a provider that does not begin in time has not answered, as clients of Responses hear it', async () => {
  const { name } = await world.provider()
  await world.owner.call(updateAIProviderRouting, {
    params: { idOrName: name },
    body: { first_byte_timeout_ms: 100 },
  })
  world.upstream.answer = () => ({ connection: 'silent' })
  const late = (path: string, signal?: AbortSignal) => ask(`/${name}/v1${path}`, STREAM, signal)
  // The server hears of the setting in a moment; until then it waits for longer than anybody here does.
  const chat = await until('the setting', () =>
    late('/chat/completions', AbortSignal.timeout(1_000)).catch(() => undefined),
  )
  expect(chat.status).toBe(504)
  const response = await late('/responses')
  expect([response.status, await response.json()]).toMatchObject([
    500,
    { code: '500', message: expect.stringContaining('did not answer in time'), error: { code: 'timeout' } },
  ])
  expect((await records()).interceptions.at(-1)).toMatchObject({ error_type: 'timeout' })
})

it('AG-B6: failures that are recorded name their record too', async () => {
  world.upstream.play({ connection: 'reset' }, callsTools({ name: 'ls' }))
  for (const _ of [1, 2]) {
    const response = await ask(CHAT)
    await response.text()
    const { interceptions } = await records()
    expect(response.headers.get('x-slipway-interception-id')).toBe(interceptions.at(-1)?.id)
  }
})

it('AG-85: nothing of what a model says is stored', async () => {
  const secret = `the answer is ${serial * 7919}`
  for (const path of [CHAT, RESPONSES, MESSAGES])
    for (const stream of [true, false]) {
      world.upstream.play(says(secret))
      expect(await (await ask(path, { ...STREAM, stream })).text()).toContain(secret)
    }
  const all = await records()
  expect(all.interceptions).toHaveLength(6)
  expect(JSON.stringify(all)).not.toContain(secret)
})
