import { expect, it } from 'vitest'

import { AIProviderType } from '@slipway/contract'
import { inlineImageLimit } from '../../chat-files/index.ts'
import type { Part } from '../../chats/index.ts'
import type { History, HistoryMessage } from '../history.ts'
import { type Conversion, convert } from './convert.ts'

const base: Conversion = {
  transport: 'openai-chat',
  modelConfigId: 'm1',
  providerOf: (id) => ({ m1: 'p1', m2: 'p1', m3: 'p2' })[id],
  loadFile: async () => undefined,
  imageLimit: undefined,
}

let id = 0
function message(role: HistoryMessage['row']['role'], parts: readonly Part[], model = 'm1'): HistoryMessage {
  id += 1
  return {
    parts,
    row: {
      id,
      chat_id: 'c',
      created_at: new Date(),
      created_by: null,
      role,
      content: [],
      content_version: 1,
      visibility: 'both',
      model_config_id: model,
      reasoning_effort: null,
      compressed: false,
      deleted: false,
      revision: 1,
      runtime_ms: null,
      input_tokens: null,
      output_tokens: null,
      total_tokens: null,
      reasoning_tokens: null,
      cache_creation_tokens: null,
      cache_read_tokens: null,
      context_limit: null,
    },
  }
}

const historyOf = (...messages: readonly HistoryMessage[]): History => ({ system: [], messages })
const text = (value: string): Part => ({ type: 'text', text: value })
const at = '2026-01-01T00:00:00.000Z'
const call = (name: string, toolId: string, more: object = {}): Part => ({
  type: 'tool-call',
  tool_call_id: toolId,
  tool_name: name,
  args: {},
  created_at: at,
  ...more,
})
const result = (name: string, toolId: string, value: string, more: object = {}): Part => ({
  type: 'tool-result',
  tool_call_id: toolId,
  tool_name: name,
  result: value,
  created_at: at,
  ...more,
})

it('CH-704: lines of a file become text between fences that the text cannot end', async () => {
  const part: Part = {
    type: 'file-reference',
    file_name: 'a.md',
    start_line: 3,
    end_line: 5,
    content: '```js\nx\n```',
  }
  const { prompt } = await convert(['You help.'], historyOf(message('user', [part])), base)
  expect(prompt[0]).toMatchObject({ role: 'system', content: 'You help.' })
  expect(prompt[1]).toEqual({
    role: 'user',
    content: [{ type: 'text', text: '[file-reference] a.md:3-5\n````\n```js\nx\n```\n````' }],
  })
})

it('CH-704, UI-1122: a file that is only named is told without lines that nobody quoted', async () => {
  const named = (start: number, end: number): Part => ({
    type: 'file-reference',
    file_name: '/w/a.md',
    start_line: start,
    end_line: end,
    content: '',
  })
  const said = message('user', [{ type: 'text', text: 'see' }, named(0, 0), named(3, 5)])
  const { prompt } = await convert([], historyOf(said), base)
  expect(prompt.at(-1)).toEqual({
    role: 'user',
    content: [
      { type: 'text', text: 'see' },
      { type: 'text', text: '[file-reference] /w/a.md' },
      { type: 'text', text: '[file-reference] /w/a.md:3-5' },
    ],
  })
})

it('CH-704, CH-444, B-7: text goes into the prompt, images as they are, and what cannot go leaves a note and a warning', async () => {
  const files = new Map([
    ['t', { name: 'notes.md', mediaType: 'text/markdown', data: Buffer.from('# Hi') }],
    [
      'p',
      { name: 'pasted-text-2026-01-02-03-04-05.txt', mediaType: 'text/plain', data: Buffer.from('pasted') },
    ],
    ['i', { name: 'a.png', mediaType: 'image/png', data: Buffer.alloc(10) }],
    ['big', { name: 'big.png', mediaType: 'image/png', data: Buffer.alloc(6 * 1024 * 1024) }],
    ['d', { name: 'd.pdf', mediaType: 'application/pdf', data: Buffer.alloc(10) }],
  ])
  const file = (fileId: string): Part => ({ type: 'file', file_id: fileId, media_type: 'x/y', name: fileId })
  const { prompt, warnings } = await convert(
    [],
    historyOf(message('user', ['t', 'p', 'i', 'big', 'd', 'gone'].map(file))),
    {
      ...base,
      transport: 'openai-compatible',
      imageLimit: 5 * 1024 * 1024,
      loadFile: async (fileId) => files.get(fileId),
    },
  )
  const [user] = prompt
  const content = user?.role === 'user' ? user.content : []
  expect(content.map((part) => part.type)).toEqual(['text', 'text', 'file', 'text', 'text', 'text'])
  expect(content[0]).toMatchObject({ text: '[file] notes.md\n```\n# Hi\n```' })
  expect(content[1]).toMatchObject({ text: 'pasted' })
  expect(warnings).toHaveLength(3)
  expect(JSON.stringify(content[5])).toContain('not available any more')
  // Which providers have a limit.
  const limited = AIProviderType.enum.filter((type) => inlineImageLimit(type) !== undefined)
  expect(limited.toSorted()).toEqual(['anthropic', 'bedrock'])
  expect(limited.map(inlineImageLimit)).toEqual([5 * 1024 * 1024, 5 * 1024 * 1024])
})

it('CH-704: a long text is cut at 128 KiB, in whole characters, with a note', async () => {
  const data = Buffer.from('ä'.repeat(100_000))
  const { prompt } = await convert(
    [],
    historyOf(message('user', [{ type: 'file', file_id: 'f', media_type: 'text/plain' }])),
    { ...base, loadFile: async () => ({ name: 'a.txt', mediaType: 'text/plain', data }) },
  )
  const told = JSON.stringify(prompt)
  expect(told).toContain('[cut: 68928 of 200000 bytes are left out]')
  expect(told).not.toContain('\uFFFD')
})

it('CH-704: ids of calls are made of what providers take, and results find their calls', async () => {
  const long = 'call.with:strange/characters-and-more-than-forty-of-them-1'
  const { prompt } = await convert(
    [],
    historyOf(
      message('user', [text('go')]),
      message('assistant', [call('a', long), call('b', `${long}2`)]),
      message('tool', [result('a', long, '1')]),
      message('tool', [result('b', `${long}2`, '2')]),
    ),
    base,
  )
  const [, assistant, tool] = prompt
  const calls = assistant?.role === 'assistant' ? assistant.content : []
  const ids = calls.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : []))
  expect(new Set(ids).size).toBe(2)
  for (const one of ids) expect(one).toMatch(/^[a-zA-Z0-9_-]{1,40}$/)
  const results = tool?.role === 'tool' ? tool.content : []
  expect(results.flatMap((part) => (part.type === 'tool-result' ? [part.toolCallId] : []))).toEqual(ids)
})

it('CH-704: thoughts go back to the model that had them, and calls of a provider become text for another one', async () => {
  const parts: readonly Part[] = [
    { type: 'reasoning', text: 'hm', provider_metadata: { anthropic: { signature: 's' } } },
    call('web_search', 'w', { provider_executed: true }),
    result('web_search', 'w', 'found', { provider_executed: true }),
    text('Answer'),
  ]
  const told = async (model: string) => {
    const { prompt } = await convert([], historyOf(message('assistant', parts, model)), base)
    const [assistant] = prompt
    return assistant?.role === 'assistant' ? assistant.content : []
  }
  expect((await told('m1')).map((part) => part.type)).toEqual([
    'reasoning',
    'tool-call',
    'tool-result',
    'text',
  ])
  expect((await told('m2')).map((part) => part.type)).toEqual(['tool-call', 'tool-result', 'text'])
  const foreign = await told('m3')
  expect(foreign.map((part) => part.type)).toEqual(['text', 'text', 'text'])
  expect(JSON.stringify(foreign)).toContain('found')
})

it('CH-704: arguments that were no JSON still go back as an object, and errors as errors', async () => {
  const { prompt } = await convert(
    [],
    historyOf(
      message('assistant', [call('a', 'x', { args: '{"n":' })]),
      message('tool', [result('a', 'x', 'bad', { is_error: true })]),
    ),
    base,
  )
  expect(prompt).toMatchObject([
    { role: 'assistant', content: [{ input: { invalid_arguments: '{"n":' } }] },
    { role: 'tool', content: [{ output: { type: 'error-text', value: 'bad' } }] },
  ])
})

it('CH-704: what never changes and the end of the conversation are marked for the cache of Anthropic', async () => {
  const { prompt } = await convert(['one', 'two'], historyOf(message('user', [text('hi')])), {
    ...base,
    transport: 'anthropic',
  })
  expect(prompt.map((part) => part.providerOptions !== undefined)).toEqual([false, true, true])
})
