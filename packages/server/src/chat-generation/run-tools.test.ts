import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { type ChatStreamEvent, streamChat } from '@slipway/contract'
import { callsTools, Gate, says, until } from '@slipway/testkit'
import type { ChatTool, ToolOutcome } from '../chat-tools/index.ts'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork
let slow = new Gate()
const order: string[] = []

function tool(name: string, run: () => Promise<ToolOutcome>, more: Partial<ChatTool> = {}): ChatTool {
  return {
    name,
    description: name,
    inputSchema: { type: 'object', properties: { n: { type: 'number' } } },
    run: async () => {
      order.push(`${name} begins`)
      const outcome = await run()
      order.push(`${name} ends`)
      return outcome
    },
    ...more,
  }
}

const tools: readonly ChatTool[] = [
  tool('slow', async () => {
    await slow.opened
    return { result: 'slow is done' }
  }),
  tool('failing', async () => {
    throw new Error('it broke')
  }),
  tool('first_serial', async () => ({ result: 1 }), { serial: true }),
  tool('second_serial', async () => ({ result: 2 }), { serial: true }),
  tool('alone', async () => ({ result: 'alone' }), { exclusive: true }),
  tool('huge', async () => ({ result: { content: 'ä'.repeat(5 * 1024 * 1024), ok: true } })),
  tool('stop', async () => ({ result: 'stopped' }), { stopsTurn: true }),
  tool('unstorable', async () => ({ result: { 'a\0b': 'c\0d \uD800' } })),
  {
    ...tool('telling', async () => ({ result: '' })),
    run: async (_args, call) => {
      call.progress('half ')
      await slow.opened
      call.progress('done')
      return { result: 'half done' }
    },
  },
]

beforeAll(async () => {
  at = await ChatsAtWork.start({ chatExtension: { tools: () => tools } })
})
afterAll(() => at[Symbol.asyncDispose]())

it('T-29, CH-707: calls run at the same time, results commit in one step in the order of the calls', async () => {
  slow = new Gate()
  order.length = 0
  at.provider.play(
    callsTools({ id: 'a', name: 'slow' }, { id: 'b', name: 'failing' }, { id: 'c', name: 'nonsense' }),
    says('Seen'),
  )
  const chat = await at.create('Work')
  await until('both tools', () => order.includes('failing begins') && order.includes('slow begins'))
  expect((await at.messages(chat.id)).map((message) => message.role)).toEqual(['user', 'assistant'])
  slow.open()
  await at.reaches(chat.id, 'waiting')
  const transcript = await at.transcript(chat.id)
  expect(transcript[1]).toBe('assistant: [slow({})] [failing({})] [nonsense({})]')
  expect(transcript[2]).toBe('tool: [slow → "slow is done"]')
  expect(transcript[3]).toMatch(/^tool: \[failing → .*fault.* !\]$/)
  expect(transcript[4]).toMatch(/^tool: \[nonsense → .*no tool named nonsense.* !\]$/)
  expect(transcript[5]).toBe('assistant: Seen')
  const last = at.provider.requests.at(-1)?.text ?? ''
  expect(last).toContain('slow is done')
  expect(last).toContain('no tool named nonsense')
})

it('CH-707: serial tools run after the others, in the order of the calls', async () => {
  slow = new Gate()
  slow.open()
  order.length = 0
  at.provider.play(
    callsTools({ name: 'second_serial' }, { name: 'first_serial' }, { name: 'slow' }),
    says('ok'),
  )
  const chat = await at.create('Work')
  await at.reaches(chat.id, 'waiting')
  expect(order).toEqual([
    'slow begins',
    'slow ends',
    'second_serial begins',
    'second_serial ends',
    'first_serial begins',
    'first_serial ends',
  ])
})

it('CH-709: an exclusive tool that is called with others runs as little as they do', async () => {
  order.length = 0
  at.provider.play(callsTools({ name: 'alone' }, { name: 'first_serial' }), says('ok'))
  const chat = await at.create('Work')
  await at.reaches(chat.id, 'waiting')
  expect(order).toEqual([])
  const results = (await at.messages(chat.id)).filter((message) => message.role === 'tool')
  expect(results.map(({ content }) => content[0]?.is_error)).toEqual([true, true])
})

it('T-30, CH-708: a result of 5 MiB is shortened to the limit of the model, visibly and in whole characters', async () => {
  at.provider.play(callsTools({ name: 'huge' }), says('ok'))
  const chat = await at.create('Work')
  await at.reaches(chat.id, 'waiting')
  const part = (await at.messages(chat.id)).find((message) => message.role === 'tool')?.content[0]
  const stored = JSON.stringify(part?.result)
  expect(Buffer.byteLength(stored)).toBeLessThanOrEqual(128_000)
  expect(Buffer.byteLength(stored)).toBeGreaterThan(120_000)
  expect(stored).toContain('bytes are left out')
  expect(stored).toContain('"ok":true')
  expect(stored).not.toContain('\uFFFD')
})

it('CH-700: a success of a tool that stops the turn ends it without another call of the model', async () => {
  at.provider.play(callsTools({ name: 'stop' }))
  const chat = await at.create('Work')
  await at.reaches(chat.id, 'waiting')
  expect((await at.transcript(chat.id)).at(-1)).toBe('tool: [stop → "stopped"]')
  expect(at.provider.left).toBe(0)
})

it('CH-1101: arguments that do not fit, or are no JSON, are the result of their call and fail nothing', async () => {
  order.length = 0
  at.provider.play(
    callsTools({ id: 'x', name: 'slow', args: { n: 'three' } }, { id: 'y', name: 'slow', args: '{"n":' }),
    says('ok'),
  )
  const chat = await at.create('Work')
  await at.reaches(chat.id, 'waiting')
  const results = (await at.messages(chat.id)).filter((message) => message.role === 'tool')
  expect(results.map(({ content }) => content[0]?.is_error)).toEqual([true, true])
  expect(JSON.stringify(results[0]?.content[0]?.result)).toContain('Invalid arguments for slow')
  expect(order).toEqual([])
})

it('CH-704: a provider that gives ids again still gets each result for its own call', async () => {
  slow = new Gate()
  slow.open()
  at.provider.play(
    callsTools({ id: 'same', name: 'slow' }, { id: 'same', name: 'first_serial' }),
    callsTools({ id: 'same', name: 'second_serial' }),
    says('ok'),
  )
  const chat = await at.create('Work')
  await at.reaches(chat.id, 'waiting')
  const parts = (await at.messages(chat.id)).flatMap((message) => message.content)
  const calls = parts.filter((part) => part.type === 'tool-call').map((part) => part.tool_call_id)
  expect(new Set(calls).size).toBe(3)
  const results = parts.filter((part) => part.type === 'tool-result')
  expect(results.map((part) => part.tool_call_id).toSorted()).toEqual(calls.toSorted())
  expect(results.map((part) => part.result)).toEqual(['slow is done', 1, 2])
})

it('CH-1101: arguments that are nested without end are no arguments', async () => {
  const nested = (depth: number) => `{"m":${'['.repeat(depth)}${']'.repeat(depth)}}`
  at.provider.play(
    callsTools(
      { id: 'flat', name: 'first_serial', args: nested(200) },
      { id: 'deep', name: 'first_serial', args: nested(3_000) },
    ),
    says('ok'),
  )
  const chat = await at.create('Work')
  await at.reaches(chat.id, 'waiting')
  const results = (await at.messages(chat.id)).filter((message) => message.role === 'tool')
  expect(results.map(({ content }) => [content[0]?.tool_call_id, content[0]?.is_error])).toEqual([
    ['flat', undefined],
    ['deep', true],
  ])
})

it('CH-704: ids of any length and kind are taken, and each call keeps its own', async () => {
  slow = new Gate()
  slow.open()
  const long = 'x'.repeat(2_000)
  at.provider.play(
    callsTools({ id: `${long}1`, name: 'slow' }, { id: `${long}2`, name: 'first_serial' }),
    says('ok'),
  )
  const chat = await at.create('Work')
  await at.reaches(chat.id, 'waiting')
  const results = (await at.messages(chat.id)).filter((message) => message.role === 'tool')
  expect(results.map(({ content }) => content[0]?.result)).toEqual(['slow is done', 1])
})

it('CH-908: what a tool says on its way, and its result, are shown before the step is committed', async () => {
  slow = new Gate()
  at.provider.play(callsTools({ id: 'p', name: 'telling' }), says('Told'))
  const chat = await at.create('Tell me')
  const events: ChatStreamEvent[] = []
  const url = at.owner.address(streamChat, { params: { chat: chat.id } }).replace('http', 'ws')
  const socket = new WebSocket(url, { headers: at.owner.headers })
  socket.on('message', (frame) => events.push(...JSON.parse(String(frame))))
  const told = (): unknown[] =>
    events.flatMap(({ message_part: shown }) =>
      shown?.role === 'tool' ? [shown.part.result_delta ?? shown.part.result] : [],
    )
  await until('the first half', () => told().length > 0)
  expect(events.some(({ message }) => message?.role === 'tool')).toBe(false)
  slow.open()
  await until('the end', () => events.some(({ status }) => status?.status === 'waiting'))
  expect(told()).toEqual(['half ', 'done', 'half done'])
  socket.terminate()
})

it('CH-606: what no column takes ends no turn: NUL characters and halves of pairs are replaced', async () => {
  at.provider.play(
    callsTools({ id: 'x\0y', name: 'unstorable', args: { text: 'n\0 \uDC00' } }),
    says('An\0swer \uD800.'),
  )
  const chat = await at.create('Say what cannot be stored')
  await at.reaches(chat.id, 'waiting')
  expect(await at.transcript(chat.id)).toEqual([
    'user: Say what cannot be stored',
    'assistant: [unstorable({"text":"n\uFFFD \uFFFD"})]',
    'tool: [unstorable → {"a\uFFFDb":"c\uFFFDd \uFFFD"}]',
    'assistant: An\uFFFDswer \uFFFD.',
  ])
  at.provider.play({ status: 400, message: 'no\0t so' })
  await at.send(chat.id, 'Again')
  const { last_error } = await at.reaches(chat.id, 'error')
  expect(last_error?.detail).toBe('no\uFFFDt so')
})
