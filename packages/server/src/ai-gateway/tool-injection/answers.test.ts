import type Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'

import { updateAIGatewaySettings, updateAIProviderRouting, upsertAIModelPrices } from '@slipway/contract'
import { callsTools, says, until } from '@slipway/testkit'
import {
  anthropic,
  chat,
  connect,
  ECHO,
  echoes,
  FAIL,
  lastBody,
  mcp,
  meetNewcomers,
  messages,
  openai,
  recorded,
  token,
  usage,
  WAIT,
  world,
} from './injection.fixture.ts'

meetNewcomers()

describe('AG-74: chat completions', () => {
  it('a stream is one answer, and the client sees nothing of the call', async () => {
    await connect()
    world.upstream.play(
      { steps: ['Let me see. ', { call: echoes('x') }], usage },
      { ...says('It is ', 'x.'), usage: { input: 30, output: 7 } },
    )
    const stream = await openai().chat.completions.create({
      ...chat,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Let me see. It is x.')
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(JSON.stringify(chunks)).not.toContain('bmcp')
    expect(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual(['stop'])
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 40, completion_tokens: 12 })
    const second = lastBody()
    expect(Object(second).messages).toEqual([
      ...chat.messages,
      {
        role: 'assistant',
        content: 'Let me see. ',
        tool_calls: [{ id: 'call-1', type: 'function', function: { name: ECHO, arguments: '{"text":"x"}' } }],
      },
      { role: 'tool', tool_call_id: 'call-1', content: '{"text":"x"}' },
    ])
    const { interceptions, tokens, tools } = await recorded()
    expect(interceptions).toMatchObject([{ id: chunks[0]?.id, error_type: null }])
    // AG-43, AG-B4: one for each answer of the provider.
    expect(tokens.map(({ input_tokens, output_tokens }) => [input_tokens, output_tokens]).sort()).toEqual([
      [10, 5],
      [30, 7],
    ])
    expect(tools).toMatchObject([
      {
        tool: 'echo',
        injected: true,
        server_url: mcp.url,
        input: '{"text":"x"}',
        provider_tool_call_id: 'call-1',
        provider_response_id: tokens.find(({ output_tokens }) => output_tokens === 5)?.provider_response_id,
        invocation_error: null,
      },
    ])
  })

  it('AG-B17: what a tool gives goes to the provider without its secrets', async () => {
    await connect()
    const secret = `ghp_${'aB3'.repeat(12)}`
    const given = () =>
      until('the guardrail', async () => {
        world.upstream.play({ ...callsTools(echoes(secret)), usage }, { ...says('Done.'), usage })
        await openai().chat.completions.create(chat)
        const content = String(Object(lastBody()).messages.at(-1).content)
        return content.includes(secret) ? undefined : content
      })
    await world.owner.call(updateAIGatewaySettings, { body: { guardrails: { secrets: 'redact' } } })
    try {
      expect(await given()).toBe('{"text":"[redacted:github_token]"}')
    } finally {
      await world.owner.call(updateAIGatewaySettings, { body: { guardrails: { secrets: 'off' } } })
    }
  })

  it('AG-29: an answer that is not streamed has the tokens of all', async () => {
    await connect()
    world.upstream.play({ ...callsTools(echoes('x')), usage }, { ...says('It is x.'), usage })
    const answer = await openai().chat.completions.create(chat)
    expect(answer.choices[0]?.message.content).toBe('It is x.')
    expect(answer.usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 })
    expect(answer.id).toBe((await recorded()).interceptions[0]?.id)
  })

  it('calls of the client pass as they are', async () => {
    await connect()
    const own = { id: 'own-1', name: 'own', args: { path: '.' } }
    world.upstream.play(callsTools(own), callsTools(own))
    const tools = [{ type: 'function' as const, function: { name: 'own' } }]
    const streamed = await openai()
      .chat.completions.stream({ ...chat, tools })
      .finalChatCompletion()
    const whole = await openai().chat.completions.create({ ...chat, tools })
    for (const answer of [streamed, whole])
      expect(answer.choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: { tool_calls: [{ id: 'own-1', function: { name: 'own', arguments: '{"path":"."}' } }] },
      })
    expect((await recorded()).tools).toMatchObject([
      { tool: 'own', injected: false },
      { tool: 'own', injected: false },
    ])
  })

  it('what comes behind a call of the client is not called', async () => {
    await connect()
    world.upstream.play(callsTools({ id: 'own-1', name: 'own' }, echoes('x'), { id: 'own-2', name: 'own' }))
    const tools = [{ type: 'function' as const, function: { name: 'own' } }]
    const answer = await openai()
      .chat.completions.stream({ ...chat, tools })
      .finalChatCompletion()
    expect(answer.choices[0]?.message.tool_calls?.map(({ id }) => id)).toEqual(['own-1', 'own-2'])
    const { tools: rows } = await recorded()
    expect(rows.filter(({ injected }) => injected)).toMatchObject([
      { tool: 'echo', invocation_error: 'it was not called' },
    ])
  })

  it('AG-110, AG-B10: each answer costs what it does where it came from, also when a tool was called in between', async () => {
    await connect()
    const spare = await world.provider()
    await world.owner.call(updateAIProviderRouting, {
      params: { idOrName: 'openai' },
      body: { fallbacks: [{ provider: spare.name, models: { 'looped-dear': 'looped-cheap' } }] },
    })
    const price = { provider: 'openai', output_price: 0, cache_read_price: null, cache_write_price: null }
    await world.owner.call(upsertAIModelPrices, {
      body: {
        prices: [
          { ...price, model: 'looped-dear', input_price: 10_000_000 },
          { ...price, model: 'looped-cheap', input_price: 1_000_000 },
        ],
      },
    })
    world.upstream.answer = ({ text }) => {
      const went = text.includes('"tool_call_id"')
      if (text.includes('looped-dear') && !went) return { status: 503 }
      return went
        ? { ...says('done'), usage: { input: 3, output: 1 } }
        : { ...callsTools(echoes('x')), usage }
    }
    try {
      await until('the way of its requests', async () => {
        const answer = await openai()
          .chat.completions.create({ ...chat, model: 'looped-dear' })
          .catch(() => undefined)
        return answer?.choices[0]?.message.content === 'done'
      })
      const { tokens } = await recorded()
      expect(Object.fromEntries(tokens.map((row) => [row.input_tokens, row.cost_micros]))).toEqual({
        10: 10,
        3: 30,
      })
    } finally {
      await world.owner.call(updateAIProviderRouting, {
        params: { idOrName: 'openai' },
        body: { fallbacks: [] },
      })
    }
  })

  it('AG-75: what fails is told to the model', async () => {
    await connect()
    world.upstream.play(callsTools({ id: 'call-1', name: FAIL }), says('It fails.'))
    const answer = await openai().chat.completions.create(chat)
    expect(answer.choices[0]?.message.content).toBe('It fails.')
    expect(Object(lastBody()).messages.at(-1)).toEqual({
      role: 'tool',
      tool_call_id: 'call-1',
      content: '{"error":true,"message":"it failed"}',
    })
    expect((await recorded()).tools).toMatchObject([{ tool: 'fail', invocation_error: 'it failed' }])
    world.upstream.play(callsTools({ id: 'call-2', name: ECHO, args: '{"text": ' }), says('Hm.'))
    await openai().chat.completions.stream(chat).finalChatCompletion()
    expect(Object(lastBody()).messages.at(-1)).toMatchObject({
      content: '{"error":true,"message":"the arguments are not a JSON object"}',
    })
  })

  it('AG-77: a model that never stops is stopped', async () => {
    await connect()
    const before = world.upstream.requests.length
    world.upstream.answer = () => callsTools(echoes('again'))
    await expect(openai().chat.completions.create(chat)).rejects.toMatchObject({
      status: 500,
      code: 'tool_loop_limit',
    })
    expect(world.upstream.requests.length - before).toBe(25)
    await expect(openai().chat.completions.stream(chat).finalChatCompletion()).rejects.toMatchObject({
      error: { code: 'tool_loop_limit' },
    })
    const { interceptions, tokens } = await recorded()
    expect(interceptions.map(({ error_type }) => error_type)).toEqual(['server_error', 'server_error'])
    expect(tokens).toHaveLength(50)
  })

  it('AG-54: a provider that refuses in the middle ends the stream with its error', async () => {
    await connect()
    world.upstream.play(callsTools(echoes('x')), { status: 400, message: 'too long' })
    await expect(openai().chat.completions.stream(chat).finalChatCompletion()).rejects.toMatchObject({
      error: { message: 'too long' },
    })
    world.upstream.play(callsTools(echoes('x')), { status: 400, message: 'too long' })
    await expect(openai().chat.completions.create(chat)).rejects.toMatchObject({ status: 400 })
    const { interceptions, tokens } = await recorded()
    expect(interceptions).toMatchObject([
      { error_message: 'too long' },
      { error_message: 'too long', error_type: 'bad_request' },
    ])
    expect(tokens).toHaveLength(2)
  })
})

it('AG-54: keys that all rest end an open stream with the error that they would have as its status', async () => {
  await connect()
  for (const type of ['openai', 'anthropic'] as const) {
    const { name } = await world.provider({
      type,
      base_url: world.upstream.url + (type === 'openai' ? '/v1' : ''),
    })
    for (const path of type === 'openai' ? ['chat/completions', 'responses'] : ['messages']) {
      // A key that may be used at once again rests for no longer than its request.
      world.upstream.play(callsTools(echoes('x')), { status: 429, headers: { 'Retry-After': '0' } })
      const response = await fetch(`${world.server.url}/api/v2/ai-gateway/${name}/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...messages, input: 'Say hi', stream: true }),
      })
      const text = await response.text()
      expect([response.status, text]).toEqual([
        200,
        expect.stringContaining('all configured keys are rate-limited'),
      ])
      expect(text).toContain(
        path === 'responses' ? '"code":"rate_limit_exceeded"' : '"type":"rate_limit_error"',
      )
      expect(text).not.toMatch(/message_stop|\[DONE\]|response\.completed/)
    }
  }
  expect((await recorded()).interceptions.map(({ error_type }) => error_type)).toEqual(
    Array(3).fill('rate_limited'),
  )
})

describe('AG-74: messages', () => {
  it('a stream is one message', async () => {
    await connect()
    world.upstream.play(
      {
        steps: [{ reasoning: 'Hm.', signature: 's1' }, 'Let me see.', { call: echoes('x') }],
        usage,
      },
      { ...says('It is x.'), usage },
    )
    const events: Anthropic.MessageStreamEvent[] = []
    const stream = anthropic().messages.stream(messages)
    stream.on('streamEvent', (event) => events.push(event))
    const message = await stream.finalMessage()
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'Hm.' },
      { type: 'text', text: 'Let me see.' },
      { type: 'text', text: 'It is x.' },
    ])
    expect(message.stop_reason).toBe('end_turn')
    // AG-41: of all answers.
    expect(message.usage.output_tokens).toBe(10)
    expect(events.filter(({ type }) => type === 'message_start')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'message_stop')).toHaveLength(1)
    expect(JSON.stringify(events)).not.toContain('bmcp')
    expect(Object(lastBody()).messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm.', signature: 's1' },
          { type: 'text', text: 'Let me see.' },
          { type: 'tool_use', id: 'call-1', name: ECHO, input: { text: 'x' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call-1', content: [{ type: 'text', text: '{"text":"x"}' }] },
        ],
      },
    ])
    const { interceptions, tokens, tools, thoughts } = await recorded()
    expect(message.id).toBe(interceptions[0]?.id)
    expect(tokens).toHaveLength(2)
    expect(tools).toMatchObject([{ tool: 'echo', injected: true }])
    expect(thoughts).toMatchObject([{ content: 'Hm.' }])
  })

  it('AG-42: a whole answer has the tokens of all, and AG-75 failures are marked', async () => {
    await connect()
    world.upstream.play({ ...callsTools({ id: 'call-1', name: FAIL }), usage }, { ...says('No.'), usage })
    const message = await anthropic().messages.create(messages)
    expect(message.content).toMatchObject([{ text: 'No.' }])
    expect(message.usage).toMatchObject({ input_tokens: 20, output_tokens: 10 })
    expect(Object(lastBody()).messages.at(-1).content).toMatchObject([{ is_error: true }])
  })

  it('a client’s call behind an injected one is made again when the result is known', async () => {
    await connect()
    world.upstream.play(
      callsTools(echoes('x'), { id: 'own-1', name: 'own' }),
      callsTools({ id: 'own-2', name: 'own', args: { path: 'x' } }),
    )
    const message = await anthropic()
      .messages.stream({ ...messages, tools: [{ name: 'own', input_schema: { type: 'object' } }] })
      .finalMessage()
    expect(message.content).toMatchObject([{ type: 'tool_use', id: 'own-2', input: { path: 'x' } }])
    expect(message.stop_reason).toBe('tool_use')
    expect(JSON.stringify(lastBody())).not.toContain('own-1')
  })
})

describe('AG-74: responses', () => {
  it('the client gets the last answer, with its own id', async () => {
    await connect()
    world.upstream.play(
      { steps: ['Let me see.', { call: echoes('x') }], usage },
      { ...says('It is x.'), usage },
    )
    const answer = await openai().responses.stream({ model: 'gpt-test', input: 'hi' }).finalResponse()
    expect(answer.output_text).toBe('It is x.')
    expect(answer.id).toMatch(/^resp_/)
    expect(Object(lastBody()).input).toMatchObject([
      { role: 'user', content: 'hi' },
      { type: 'message', role: 'assistant' },
      { type: 'function_call', call_id: 'call-1', name: ECHO },
      { type: 'function_call_output', call_id: 'call-1', output: '{"text":"x"}' },
    ])
    const { tokens, tools } = await recorded()
    expect(tokens).toHaveLength(2)
    expect(tools).toMatchObject([{ tool: 'echo', injected: true, server_url: mcp.url }])
  })

  it('whole answers too, and AG-75 failures are texts', async () => {
    await connect()
    world.upstream.play(callsTools({ id: 'call-1', name: FAIL }), says('No.'))
    const answer = await openai().responses.create({
      model: 'gpt-test',
      input: [{ role: 'user', content: 'hi' }],
    })
    expect(answer.output_text).toBe('No.')
    expect(Object(lastBody()).input.at(-1)).toMatchObject({ output: 'Error: it failed' })
  })

  it('AG-74: the answer begins before the tool has done its work, and AG-24 a client may leave meanwhile', async () => {
    await connect()
    world.upstream.play(callsTools({ id: 'call-1', name: WAIT }))
    const left = new AbortController()
    const response = await fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-test', input: 'hi', stream: true }),
      signal: left.signal,
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const first = await response.body?.getReader().read()
    expect(new TextDecoder().decode(first?.value)).toBe(': keep-alive\n\n')
    // Behind those that open the connection.
    await until('the call', () => mcp.requests.filter(({ method }) => method === 'POST').length > 3)
    left.abort()
    const { interceptions, tokens, tools } = await recorded()
    expect(interceptions).toMatchObject([{ error_message: 'the client ended the request' }])
    expect(tokens).toMatchObject([{ output_tokens: 5 }])
    // AG-75: it was called all the same.
    expect(tools).toMatchObject([
      {
        tool: 'wait',
        injected: true,
        server_url: mcp.url,
        invocation_error: 'the request ended before the tool had answered',
      },
    ])
  })
})
