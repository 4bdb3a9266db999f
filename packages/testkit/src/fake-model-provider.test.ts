import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'

import { describe, expect, test } from 'vitest'

import { FakeModelProvider } from './fake-model-provider.ts'
import { anthropic, MESSAGES, openai, post, streamed } from './model-provider/ask.fixture.ts'
import { Gate, rateLimited, says } from './model-provider/turn.ts'
import { until } from './until.ts'

describe('the script', () => {
  test('CH-1805: requests take its turns in order, unless the function has one for them', async () => {
    await using provider = await FakeModelProvider.start()
    provider.answer = ({ model }) => (model === 'titles' ? says('A title') : undefined)
    provider.play(says('first'), says('second'))
    const ask = async (model: string) => {
      const { choices } = await openai(provider).chat.completions.create({ model, messages: MESSAGES })
      return choices[0]?.message.content
    }
    expect(await ask('m')).toBe('first')
    expect(provider.left).toBe(1)
    expect(await ask('titles')).toBe('A title')
    expect(await ask('m')).toBe('second')
    await expect(ask('m')).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('no turn left'),
    })
  })

  test('CH-1805: a gate holds the answer back, and the headers when it stands before it', async () => {
    await using provider = await FakeModelProvider.start()
    const [start, middle] = [new Gate(), new Gate()]
    provider.play({ after: start.opened, steps: ['one', { wait: middle.opened }, 'two'] })
    const answer = post(provider, '/v1/chat/completions', { model: 'm', stream: true })
    const request = await provider.nextRequest()
    expect(request.sentEvents).toBe(0)
    start.open()
    const response = await answer
    const decoder = new TextDecoder()
    let read = ''
    const body = response.body?.getReader()
    const readOn = async () => {
      const { value } = (await body?.read()) ?? {}
      read += decoder.decode(value)
    }
    while (!read.includes('one')) await readOn()
    await request.sent(2)
    expect(request.end).toBeUndefined()
    middle.open()
    while (!read.includes('[DONE]')) await readOn()
    expect(read).toContain('two')
    expect(await request.ended()).toBe('answered')
  })

  test('CH-1805: a pace spreads the steps, and a delay holds up one', async () => {
    const startedAt = performance.now()
    await streamed({ steps: ['1', '2', '3', { delayMs: 30 }, '4'], paceMs: 20 })
    // Timers may fire a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(88)
  })
})

describe('what is recorded', () => {
  test('CH-1805: requests with headers, bodies, keys and times', async () => {
    await using provider = await FakeModelProvider.start()
    provider.answer = () => says('x')
    const before = performance.now()
    await openai(provider).chat.completions.create(
      { model: 'm', messages: MESSAGES },
      { headers: { 'X-Extra': 'y' } },
    )
    await anthropic(provider).messages.create({ model: 'n', messages: MESSAGES, max_tokens: 3 })
    const first = await provider.nextRequest()
    expect(first).toMatchObject({
      kind: 'openai-chat',
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'x-extra': 'y' },
      key: 'some-key',
      body: { model: 'm', messages: MESSAGES },
      text: JSON.stringify({ model: 'm', messages: MESSAGES }),
    })
    expect(first.arrivedAt).toBeGreaterThan(before)
    const second = await provider.nextRequest()
    expect(second).toMatchObject({ kind: 'anthropic', key: 'some-key', model: 'n' })
    expect(second.arrivedAt).toBeGreaterThan(first.arrivedAt)
    await expect(provider.nextRequest(undefined, 50)).rejects.toThrow('a request to the model provider')
  })

  test.each([
    { name: 'Authorization', value: 'Bearer secret' },
    { name: 'x-api-key', value: 'secret' },
    { name: 'api-key', value: 'secret' },
    { name: 'x-goog-api-key', value: 'secret' },
  ])('CH-1805: the key in $name', async ({ name, value }) => {
    await using provider = await FakeModelProvider.start()
    await fetch(`${provider.url}/v1/models`, { headers: { [name]: value } })
    expect((await provider.nextRequest()).key).toBe('secret')
  })

  test('CH-1805: no more than a thousand of them', async () => {
    await using provider = await FakeModelProvider.start()
    for (let i = 0; i < 1_010; i += 50)
      await Promise.all(
        Array.from({ length: 50 }, () => post(provider, '/nowhere', {}).then((r) => r.arrayBuffer())),
      )
    expect(provider.requests).toHaveLength(1_000)
  })

  test.each([
    { phase: 'before the headers', turn: { connection: 'silent' } },
    { phase: 'before a gate opens', turn: { after: new Gate().opened, steps: ['x'] } },
    { phase: 'in the stream', turn: { steps: ['x', { stall: true }] } },
    { phase: 'in a pause', turn: { steps: ['x', { delayMs: 3_600_000 }] } },
  ] as const)('CH-1805: a client that leaves $phase, with the time', async ({ turn }) => {
    await using provider = await FakeModelProvider.start()
    provider.play(turn)
    const leave = new AbortController()
    const answer = post(provider, '/v1/chat/completions', { model: 'm', stream: true }, leave.signal)
    answer.then((response) => response.text()).catch(() => undefined)
    const request = await provider.nextRequest()
    if (turn.steps?.[1] !== undefined) await request.sent(2)
    const leftAt = performance.now()
    leave.abort()
    expect(await request.ended()).toBe('aborted')
    expect(request.endedAt).toBeGreaterThanOrEqual(leftAt)
  })

  test('CH-1805: bytes stand still while the client does not read', async () => {
    await using provider = await FakeModelProvider.start()
    const size = 1024 * 1024
    const steps = Array.from({ length: 64 }, () => 'x'.repeat(size))
    provider.play({ steps })
    const response = await post(provider, '/v1/chat/completions', { model: 'm', stream: true })
    const request = await provider.nextRequest()
    let last = -1
    await until('the connection to be full', () => {
      const stands = request.sentBytes === last && last > 0
      last = request.sentBytes
      return stands
    })
    expect(request.sentBytes).toBeLessThan(32 * size)
    const body = await response.text()
    expect(body.length).toBeGreaterThan(64 * size)
    expect(request.sentBytes).toBe(body.length)
  })
})

describe('the rest of HTTP', () => {
  test.each([
    { informational: 'processing', status: 102 },
    { informational: 'early hints', status: 103 },
  ] as const)('CH-1805: a $status before the answer, headers, and trailers after it', async (wanted) => {
    await using provider = await FakeModelProvider.start()
    const { informational, status } = wanted
    provider.play({ ...says('x'), informational, headers: { 'X-Left': '7' }, trailers: { 'X-Sum': 'abc' } })
    const asking = httpRequest(`${provider.url}/v1/messages`, { method: 'POST' })
    const informed = once(asking, 'information')
    const answered = once(asking, 'response')
    asking.end(JSON.stringify({ model: 'm', stream: true }))
    expect(await informed).toMatchObject([{ statusCode: status }])
    const [response]: IncomingMessage[] = await answered
    response?.resume()
    if (response !== undefined) await once(response, 'end')
    expect(response?.headers).toMatchObject({ 'request-id': 'req_1', 'x-left': '7' })
    expect(response?.trailers).toEqual({ 'x-sum': 'abc' })
  })

  test('CH-1805: reasoning that only the provider can read, and the name of another model', async () => {
    await using provider = await FakeModelProvider.start()
    const turn = { steps: [{ redactedReasoning: 'opaque' }, 'Fine.'], model: 'm-2026' }
    provider.play(turn, turn, turn)
    const asked = { model: 'm', messages: MESSAGES, max_tokens: 3 }
    for (const message of [
      await anthropic(provider).messages.create(asked),
      await anthropic(provider).messages.stream(asked).finalMessage(),
    ]) {
      expect(message.model).toBe('m-2026')
      expect(message.content).toMatchObject([
        { type: 'redacted_thinking', data: 'opaque' },
        { type: 'text', text: 'Fine.' },
      ])
    }
    const response = await openai(provider).responses.stream({ model: 'm', input: 'x' }).finalResponse()
    expect(response.output).toMatchObject([
      { type: 'reasoning', encrypted_content: 'opaque', summary: [] },
      { type: 'message' },
    ])
  })
})

describe('other routes', () => {
  test('CH-1805: lists of models and single ones, as each provider has them', async () => {
    await using provider = await FakeModelProvider.start()
    provider.models = ['small', 'large']
    provider.answer = () => says('only conversations take this')
    const ids: string[] = []
    for await (const { id } of openai(provider).models.list()) ids.push(id)
    for await (const { id } of anthropic(provider).models.list()) ids.push(id)
    expect(ids).toEqual(['small', 'large', 'small', 'large'])
    expect(await openai(provider).models.retrieve('large')).toMatchObject({ id: 'large', object: 'model' })
    await expect(anthropic(provider).models.retrieve('none')).rejects.toMatchObject({ status: 404 })
    const google = await fetch(`${provider.url}/v1beta/models`)
    expect(await google.json()).toMatchObject({
      models: [{ name: 'models/small' }, { name: 'models/large' }],
    })
  })

  test('CH-1805: counts of tokens', async () => {
    await using provider = await FakeModelProvider.start()
    const count = await anthropic(provider).messages.countTokens({ model: 'm', messages: MESSAGES })
    const request = await provider.nextRequest()
    expect(count.input_tokens).toBe(Math.ceil(request.text.length / 4))
    const google = await post(provider, '/v1beta/models/m:countTokens', { contents: [] })
    expect(await google.json()).toEqual({ totalTokens: 4 })
    provider.answer = () => rateLimited(1)
    await expect(
      anthropic(provider).messages.countTokens({ model: 'm', messages: MESSAGES }),
    ).rejects.toMatchObject({ status: 429 })
  })

  test('CH-1805: what it does not have is a 404, unless the function answers', async () => {
    await using provider = await FakeModelProvider.start()
    expect((await post(provider, '/v1/embeddings', {})).status).toBe(404)
    expect((await post(provider, '/v1beta/models/m:streamGenerateContent', {})).status).toBe(404)
    provider.answer = ({ kind }) => (kind === 'other' ? { status: 200, body: '{"data":[]}' } : undefined)
    expect(await (await post(provider, '/v1/embeddings', {})).json()).toEqual({ data: [] })
  })
})
