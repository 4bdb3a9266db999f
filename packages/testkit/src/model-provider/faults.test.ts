import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'

import { FakeModelProvider } from '../fake-model-provider.ts'
import { anthropic, MESSAGES, openai, post, rawAnswer, streamed } from './ask.fixture.ts'
import { callsTools, Gate, rateLimited, says } from './turn.ts'

/** Paths of the protocols and what makes a request one for a stream. */
const PROTOCOLS = [
  { protocol: 'openai-chat', path: '/v1/chat/completions', stream: { stream: true } },
  { protocol: 'openai-responses', path: '/v1/responses', stream: { stream: true } },
  { protocol: 'anthropic', path: '/v1/messages', stream: { stream: true } },
  { protocol: 'gemini', path: '/v1beta/models/m:streamGenerateContent?alt=sse', stream: {} },
  { protocol: 'bedrock-converse', path: '/model/m/converse-stream', stream: {} },
  { protocol: 'bedrock-invoke', path: '/model/m/invoke-with-response-stream', stream: {} },
] as const

describe('faults', () => {
  const refusals = [
    { status: 401, openai: 'invalid_request_error', anthropic: 'authentication_error' },
    { status: 429, openai: 'rate_limit_error', anthropic: 'rate_limit_error' },
    { status: 503, openai: 'server_error', anthropic: 'api_error' },
    { status: 529, openai: 'server_error', anthropic: 'overloaded_error' },
  ]
  test.each(refusals)('CH-1805: a status $status in the shape of each provider', async (wanted) => {
    await using provider = await FakeModelProvider.start()
    const { status } = wanted
    provider.answer = () => ({ ...rateLimited(7), status })
    const chat = openai(provider).chat.completions.create({ model: 'm', messages: MESSAGES })
    const error = await chat.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status, type: wanted.openai, headers: expect.anything() })
    expect(error instanceof OpenAI.APIError && error.headers?.get('retry-after')).toBe('7')
    const message = anthropic(provider).messages.create({ model: 'm', messages: MESSAGES, max_tokens: 3 })
    await expect(message).rejects.toMatchObject({ status, error: { error: { type: wanted.anthropic } } })
    const google = await post(provider, '/v1beta/models/m:generateContent', {})
    expect(await google.json()).toMatchObject({ error: { code: status, status: expect.any(String) } })
  })

  test('CH-1805: a body and headers of the test', async () => {
    const { response, body } = await streamed({
      status: 502,
      headers: { 'Content-Type': 'text/html' },
      body: '<h1>Bad Gateway</h1>',
    })
    expect([response.status, response.headers.get('content-type'), body]).toEqual([
      502,
      'text/html',
      '<h1>Bad Gateway</h1>',
    ])
  })

  test('CH-1805: no connection, and none that lasts', async () => {
    await expect(streamed({ connection: 'reset' })).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
  })

  test.each(PROTOCOLS)(
    'CH-1805: a stream of $protocol cut after two events',
    async ({ protocol, path, stream }) => {
      await using provider = await FakeModelProvider.start()
      provider.play({ ...says('a', 'b', 'c', 'd'), cutAfterEvents: 2 })
      const response = await post(provider, path, { model: 'm', ...stream })
      await expect(response.arrayBuffer()).rejects.toThrow('terminated')
      const request = await provider.nextRequest()
      expect(request).toMatchObject({ kind: protocol, sentEvents: 2 })
      expect(await request.ended()).toBe('broken')
    },
  )

  test.each([
    { how: 'closed', cut: true, code: 'UND_ERR_SOCKET' },
    { how: 'reset', cut: 'reset', code: 'ECONNRESET' },
  ] as const)('CH-1805: a connection $how in mid-stream, after what came before', async ({ cut, code }) => {
    await using provider = await FakeModelProvider.start()
    const gate = new Gate()
    provider.play({ steps: ['one', { wait: gate.opened }, { cut }, 'two'] })
    const response = await post(provider, '/v1/chat/completions', { model: 'm', stream: true })
    const decoder = new TextDecoder()
    let read = ''
    const readAll = async () => {
      for await (const chunk of response.body ?? []) {
        read += decoder.decode(chunk)
        if (read.includes('one')) gate.open()
      }
    }
    await expect(readAll()).rejects.toMatchObject({ cause: { code } })
    expect(read).not.toContain('two')
  })

  test('CH-1805: an answer that is not streamed, cut in half', async () => {
    await using provider = await FakeModelProvider.start()
    provider.play({ steps: ['one', { cut: true }] })
    const response = await post(provider, '/v1/messages', { model: 'm' })
    await expect(response.text()).rejects.toThrow('terminated')
    expect(await (await provider.nextRequest()).ended()).toBe('broken')
  })

  test('CH-1805: bytes of the test, a stream without its end, the wrong content type', async () => {
    const { response, body, error } = await streamed({
      steps: ['one', { raw: 'data: {"choices": [\n\n' }, { raw: Buffer.from([0xff, 0x0a]) }, { end: true }],
      contentType: 'text/html',
    })
    expect(error).toBeUndefined()
    expect(body.endsWith('data: {"choices": [\n\n\ufffd\n')).toBe(true)
    expect(body).not.toContain('[DONE]')
    expect(response.headers.get('content-type')).toBe('text/html')
  })

  test('CH-1805: errors in mid-stream, in the way of each protocol', async () => {
    await using provider = await FakeModelProvider.start()
    const error = { type: 'overloaded_error', message: 'Overloaded' }
    provider.answer = () => ({ steps: ['one', { error }, 'two'] })
    const chat = openai(provider).chat.completions.stream({ model: 'm', messages: MESSAGES })
    await expect(chat.finalChatCompletion()).rejects.toMatchObject({ error })
    const message = anthropic(provider).messages.stream({ model: 'm', messages: MESSAGES, max_tokens: 3 })
    await expect(message.finalMessage()).rejects.toMatchObject({ error: { type: 'error', error } })
    const types: string[] = []
    const events = await openai(provider).responses.create({ model: 'm', input: 'x', stream: true })
    for await (const event of events) types.push(event.type)
    expect(types.at(-1)).toBe('response.failed')
    provider.answer = () => ({ steps: ['one', { error: { ...error, asErrorEvent: true } }] })
    const response = openai(provider).responses.stream({ model: 'm', input: 'x' })
    await expect(response.finalResponse()).rejects.toMatchObject({ code: 'overloaded_error' })
    const google = await post(provider, '/v1beta/models/m:streamGenerateContent?alt=sse', {})
    expect(await google.text()).toContain('"message":"Overloaded"')
    const converse = await post(provider, '/model/m/converse-stream', {})
    expect(await converse.text()).toContain('serviceUnavailableException')
  })

  test('CH-1805: garbage as arguments, and ids that repeat', async () => {
    await using provider = await FakeModelProvider.start()
    provider.play(
      callsTools(
        { id: 'same', name: 'execute', args: '{"command": ' },
        { id: 'same', name: 'execute', args: { command: 'ls' } },
      ),
    )
    const { choices } = await openai(provider)
      .chat.completions.stream({ model: 'm', messages: MESSAGES })
      .finalChatCompletion()
    expect(choices[0]?.message.tool_calls).toMatchObject([
      { id: 'same', function: { arguments: '{"command": ' } },
      { id: 'same', function: { arguments: '{"command":"ls"}' } },
    ])
  })

  test('CH-1805: a huge event, fragments in the middle of characters, lines with CR LF', async () => {
    await using provider = await FakeModelProvider.start()
    const huge = 'ü'.repeat(2_000_000)
    provider.play(says(huge), { ...says('ü€', '𝄞'), fragmentBytes: 1, crlf: true })
    const ask = async () => {
      const stream = anthropic(provider).messages.stream({ model: 'm', messages: MESSAGES, max_tokens: 3 })
      return (await stream.finalMessage()).content
    }
    expect(await ask()).toMatchObject([{ text: huge }])
    expect(await ask()).toMatchObject([{ text: 'ü€𝄞' }])
    provider.play({ ...says('a'), crlf: true })
    const raw = await post(provider, '/v1/messages', { model: 'm', stream: true })
    expect((await raw.text()).replaceAll('\r\n', '')).not.toContain('\n')
    provider.play({ steps: [{ raw: 'abc' }, { cut: true }], fragmentBytes: 1 })
    expect(await rawAnswer(provider)).toContain('\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n')
  })
})
