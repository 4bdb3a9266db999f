import { expect, it } from 'vitest'

import { requestFacts } from './request-facts.ts'
import { observerOf, type Wire } from './wire.ts'

const SSE = 'text/event-stream'

function seen(wire: Wire, contentType: string, body: string) {
  const observer = observerOf(wire, contentType)
  observer.push(Buffer.from(body))
  return observer.observation()
}
const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`
const facts = (wire: Wire, body: object) => {
  const found = requestFacts(wire, '/v1/x', Buffer.from(JSON.stringify(body)))
  return [found?.prompt, found?.toolCallId]
}

const ITEMS = [
  { type: 'function_call', id: 'fc-1', call_id: 'call-1', name: 'ls', arguments: '{"path":"."}' },
  { type: 'custom_tool_call', id: 'ct-1', call_id: 'call-2', name: 'apply', input: 'a patch' },
  { type: 'web_search_call', id: 'ws-1' },
  { type: 'local_shell_call', id: 'sh-1', call_id: 'call-3' },
  { type: 'mcp_call', id: 'mcp-1', name: 'search', arguments: '{"secret":1}' },
  {
    type: 'reasoning',
    id: 'r-1',
    summary: [{ text: 'First I look.' }, { text: '' }],
    content: [{ text: 'x' }],
  },
  { type: 'message', phase: 'commentary', content: [{ type: 'output_text', text: 'I look now.' }] },
  { type: 'message', content: [{ type: 'output_text', text: 'The answer.' }] },
]

it.each([
  ['streamed', SSE],
  ['whole', 'application/json'],
])('AG-38, AG-39: tools and thoughts of a response, %s', (_how, contentType) => {
  const response = { id: 'resp-1', status: 'completed', output: ITEMS }
  const body =
    contentType === SSE
      ? ITEMS.map((item) => event({ type: 'response.output_item.done', item })).join('') +
        event({ type: 'response.completed', response })
      : JSON.stringify(response)
  const { tools, thoughts, responseId, complete } = seen('responses', contentType, body)
  expect([responseId, complete]).toEqual(['resp-1', true])
  expect(tools.map(({ tool, callId, itemId, input }) => [tool, callId, itemId, input])).toEqual([
    ['ls', 'call-1', 'fc-1', '{"path":"."}'],
    ['apply', 'call-2', 'ct-1', '"a patch"'],
    ['web_search_call', undefined, 'ws-1', ''],
    ['local_shell_call', 'call-3', 'sh-1', ''],
    ['search', undefined, 'mcp-1', ''],
  ])
  expect(thoughts).toEqual([
    { content: 'First I look.', source: 'reasoning_summary' },
    { content: 'I look now.', source: 'commentary' },
  ])
})

it('AG-36, AG-B3: a long response whose events have their type last is complete, with its tokens and tools', () => {
  const long = 'x'.repeat(10_000)
  const usage = { input_tokens: 9, output_tokens: 2 }
  const call = { ...ITEMS[0], arguments: long }
  const body =
    event({ response: { id: 'resp-1', instructions: long }, sequence_number: 0, type: 'response.created' }) +
    event({ item: call, sequence_number: 1, type: 'response.output_item.done' }) +
    event({
      response: { id: 'resp-1', output: [call], usage },
      sequence_number: 2,
      type: 'response.completed',
    })
  expect(seen('responses', SSE, body)).toMatchObject({
    responseId: 'resp-1',
    complete: true,
    usage: { input: 9, output: 2 },
    tools: [{ tool: 'ls', callId: 'call-1', input: long }],
  })
  const begun = event({ response: { id: 'resp-1', instructions: long }, type: 'response.created' })
  expect(seen('responses', SSE, begun)).toMatchObject({ responseId: 'resp-1', complete: false })
})

it('AG-36: tokens of a response', () => {
  const usage = {
    input_tokens: 10,
    output_tokens: 7,
    total_tokens: 17,
    input_tokens_details: { cached_tokens: 12 },
    output_tokens_details: { reasoning_tokens: 3 },
  }
  expect(seen('responses', 'application/json', JSON.stringify({ id: 'r', usage })).usage).toEqual({
    input: 0,
    output: 7,
    cacheRead: 12,
    cacheWrite: 0,
    extras: { output_reasoning: 3, total_tokens: 17 },
  })
})

it('AG-43, AG-45: a message has the tokens that were named last, and its thoughts', () => {
  const usage = {
    input_tokens: 9,
    cache_read_input_tokens: 4,
    cache_creation_input_tokens: 6,
    cache_creation: { ephemeral_1h_input_tokens: 2, ephemeral_5m_input_tokens: 3 },
    output_tokens: 1,
  }
  const blocks = [
    { type: 'thinking', thinking: 'Hm, ' },
    { type: 'redacted_thinking', data: 'xyz' },
    { type: 'thinking', thinking: '' },
  ]
  const body =
    event({ type: 'message_start', message: { id: 'msg-1', usage } }) +
    blocks
      .map((content_block, index) => event({ type: 'content_block_start', index, content_block }))
      .join('') +
    event({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'so.' } }) +
    event({
      type: 'message_delta',
      usage: { output_tokens: 5, server_tool_use: { web_search_requests: 1 } },
    }) +
    event({ type: 'message_delta', usage: { output_tokens: 8, input_tokens: null } }) +
    event({ type: 'message_stop' })
  const { usage: found, thoughts } = seen('messages', SSE, body)
  expect(found).toEqual({
    input: 9,
    output: 8,
    cacheRead: 4,
    cacheWrite: 6,
    extras: { web_search_requests: 1, cache_ephemeral_1h_input: 2, cache_ephemeral_5m_input: 3 },
  })
  expect(thoughts).toEqual([{ content: 'Hm, so.', source: 'thinking' }])
})

it.each<[string, Wire, object, string | undefined, string | undefined]>([
  ['AG-31', 'chat', { messages: [{ role: 'user', content: 'Hi' }] }, 'Hi', undefined],
  [
    'AG-31',
    'chat',
    {
      messages: [
        { role: 'user', content: 'before' },
        {
          role: 'user',
          content: [{ type: 'text', text: 'one' }, { type: 'text', text: 'two' }, { type: 'image_url' }],
        },
      ],
    },
    'two',
    undefined,
  ],
  [
    'AG-31',
    'chat',
    {
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'system', content: 'x' },
      ],
    },
    undefined,
    undefined,
  ],
  [
    'AG-31',
    'chat',
    { messages: [{ role: 'tool', tool_call_id: 'call-1', content: 'x' }] },
    undefined,
    'call-1',
  ],
  ['AG-37', 'responses', { input: 'Hi' }, 'Hi', undefined],
  [
    'AG-37',
    'responses',
    {
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'one' },
            { type: 'input_image' },
            { type: 'input_text', text: 'two' },
          ],
        },
      ],
    },
    'one\ntwo',
    undefined,
  ],
  ['AG-37', 'responses', { input: [{ role: 'user', content: 'Hi' }] }, 'Hi', undefined],
  [
    'AG-37',
    'responses',
    { input: [{ type: 'custom_tool_call_output', call_id: 'call-2', output: 'x' }] },
    undefined,
    'call-2',
  ],
  [
    'AG-37',
    'responses',
    {
      input: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'x' },
      ],
    },
    undefined,
    undefined,
  ],
  [
    'AG-37',
    'responses',
    { input: [{ type: 'function_call_output', call_id: 'call-1', output: 'x' }] },
    undefined,
    'call-1',
  ],
  ['AG-44', 'messages', { messages: [{ role: 'user', content: 'Hi' }] }, 'Hi', undefined],
  [
    'AG-44',
    'messages',
    {
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'system', content: 'x' },
      ],
    },
    'Hi',
    undefined,
  ],
  [
    'AG-44',
    'messages',
    {
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'x' },
      ],
    },
    undefined,
    undefined,
  ],
  [
    'AG-44',
    'messages',
    {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'one' },
            { type: 'tool_result', tool_use_id: 'two' },
            { type: 'text', text: 'go' },
            { type: 'text', text: 'on' },
          ],
        },
      ],
    },
    'on',
    'two',
  ],
])('%s: what the user says, and which call is answered, of %s: %j', (_rule, wire, body, prompt, call) => {
  expect(facts(wire, body)).toEqual([prompt, call])
})

it('AG-B4: an event without an end takes no more than so much room, and what follows it is read', () => {
  const usage = (tokens: number) => `"choices":[],"usage":{"prompt_tokens":${tokens},"completion_tokens":1}}`
  const lines = `data: ${' '.repeat(8 * 1024 * 1024)}\n`.repeat(4)
  const spaces = Array(70_000).fill(' ')
  for (const pieces of [
    ['data: {"id":"a",\n', lines, `data: ${usage(5)}\n\n`],
    ['data: {"id":"a",', ...spaces, `${usage(5)}\n\n`],
  ]) {
    const observer = observerOf('chat', 'text/event-stream')
    for (const piece of pieces) observer.push(Buffer.from(piece))
    expect(observer.observation().usage).toBeUndefined()
    observer.push(Buffer.from(`data: {"id":"b",${usage(7)}\n\n`))
    expect(observer.observation()).toMatchObject({ responseId: 'b', usage: { input: 7, output: 1 } })
  }
})

it('AG-24: a stream under a wrong type of content is counted, and so is a whole answer', () => {
  const usage = { prompt_tokens: 7, completion_tokens: 1 }
  const stream = event({ id: 'a', choices: [{ finish_reason: 'stop' }], usage })
  const whole = JSON.stringify({ id: 'a', choices: [], usage })
  for (const contentType of ['', 'text/plain', 'application/json', 'application/octet-stream'])
    for (const body of [stream, `: hello\n\n${stream}`, `\n\n${stream}`, whole, ` \n${whole}`])
      expect(seen('chat', contentType, body), `${contentType}: ${body}`).toMatchObject({
        responseId: 'a',
        usage: { input: 7, output: 1 },
        complete: true,
      })
  expect(seen('chat', '', '').complete).toBe(false)
})

it.each<[Wire, object, string, string]>([
  ['chat', { error: { code: 'overloaded_error', message: 'No' } }, 'overloaded_error', 'No'],
  ['chat', { error: 'No' }, '', 'No'],
  ['chat', { choices: [{ message: {}, error: { code: 502, message: 'No' } }] }, '', 'No'],
  [
    'messages',
    { type: 'error', error: { type: 'overloaded_error', message: 'No' } },
    'overloaded_error',
    'No',
  ],
])(
  'AG-82: an answer of %s that has failed with a good status is a failure: %j',
  (wire, body, type, message) => {
    const observer = observerOf(wire, 'application/json')
    observer.push(Buffer.from(JSON.stringify(body)))
    expect(observer.observation().error).toEqual({ type, message })
  },
)

it('AG-46: a tool may be given all of its input at once', () => {
  const observer = observerOf('messages', 'text/event-stream')
  const block = (input: object) => ({ type: 'tool_use', id: 't', name: 'ls', input })
  for (const [index, input] of [{ path: '.' }, {}].entries())
    observer.push(
      Buffer.from(
        `data: ${JSON.stringify({ type: 'content_block_start', index, content_block: block(input) })}\n\n`,
      ),
    )
  expect(observer.observation().tools.map(({ input }) => input)).toEqual(['{"path":"."}', '{}'])
})

it('AG-51: an error in the middle of a chat may be a text', () => {
  const observer = observerOf('chat', 'text/event-stream')
  observer.push(Buffer.from('data: {"id":"1","choices":[]}\n\ndata: {"error":"No"}\n\n'))
  expect(observer.observation().error).toEqual({ type: '', message: 'No' })
})

it('AG-21: only true asks for a stream', () => {
  for (const [stream, streamed] of [
    [true, true],
    [false, false],
    ['true', false],
    [1, false],
    [null, false],
  ] as const)
    expect(
      requestFacts('chat', '/v1/chat/completions', Buffer.from(JSON.stringify({ stream })))?.stream,
    ).toBe(streamed)
})
