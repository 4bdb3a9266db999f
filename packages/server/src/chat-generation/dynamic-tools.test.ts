import { afterAll, beforeAll, expect, it } from 'vitest'

import { type ChatToolResult, submitChatToolResults } from '@slipway/contract'
import { callsTools, says } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork
let now = Date.now()
let passed: () => void = () => undefined

beforeAll(async () => {
  at = await ChatsAtWork.start({
    clock: { now: () => new Date(now) },
    chatExtension: {
      tools: () => [
        {
          name: 'local',
          description: 'Runs on the server.',
          inputSchema: { type: 'object' },
          run: async () => ({ result: 'from the server' }),
        },
      ],
      timings: {
        pause: (ms, signal) =>
          new Promise((resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason), { once: true })
            passed = () => {
              now += ms
              resolve()
            }
          }),
      },
    },
  })
})
afterAll(() => at[Symbol.asyncDispose]())

const declared = {
  unsafe_dynamic_tools: [
    { name: 'ask_client', description: 'Asks.', input_schema: { type: 'object', properties: {} } },
    // The name is taken by a tool of the server, which wins.
    { name: 'local' },
  ],
}

function submit(chat: string, results: readonly ChatToolResult[]) {
  return at.owner.call(submitChatToolResults, { params: { chat }, body: { results: [...results] } })
}

it('T-32, CH-1501: local tools run first, then the client answers its calls, all of them and nothing else', async () => {
  at.provider.play(
    callsTools({ id: 'd1', name: 'ask_client', args: { q: 1 } }, { id: 'l1', name: 'local' }),
    says('Thanks'),
  )
  const chat = await at.create('Ask me', declared)
  await at.reaches(chat.id, 'requires_action')
  expect((await at.transcript(chat.id)).at(-1)).toBe('tool: [local → "from the server"]')
  const good = { tool_call_id: 'd1', output: { answer: 42 } }
  const refused = async (...results: readonly ChatToolResult[]): Promise<string> => {
    const error: unknown = await submit(chat.id, results).catch((fault: unknown) => fault)
    return `${Object(error).status} ${Object(error).message}`
  }
  expect(await refused()).toBe('400 Missing tool result.')
  expect(await refused(good, good)).toBe('400 Duplicate tool result.')
  expect(await refused(good, { tool_call_id: 'other', output: 1 })).toBe('400 Unexpected tool result.')
  expect(await refused({ tool_call_id: 'd1', output: 'x'.repeat(256 * 1024) })).toMatch(/^413 /)
  // Of two who answer at the same time one does.
  const both = await Promise.allSettled([submit(chat.id, [good]), submit(chat.id, [good])])
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { status: 409 } })
  await at.reaches(chat.id, 'waiting')
  const transcript = await at.transcript(chat.id)
  expect(transcript.slice(-2)).toEqual(['tool: [ask_client → {"answer":42}]', 'assistant: Thanks'])
  await expect(submit(chat.id, [good])).rejects.toMatchObject({ status: 409 })
})

it('T-32: after five minutes the calls are cancelled and the run goes on', async () => {
  at.provider.play(callsTools({ id: 'd2', name: 'ask_client' }), says('Then without'))
  const chat = await at.create('Ask me', declared)
  await at.reaches(chat.id, 'requires_action')
  const before = now
  passed()
  await at.reaches(chat.id, 'waiting')
  expect(now - before).toBeGreaterThan(290_000)
  const results = (await at.messages(chat.id)).filter((message) => message.role === 'tool')
  expect(results.map(({ content }) => content[0]?.is_error)).toEqual([true])
  await expect(submit(chat.id, [{ tool_call_id: 'd2', output: 1 }])).rejects.toMatchObject({ status: 409 })
})

it('CH-205: a message that interrupts the wait cancels the calls and is answered', async () => {
  at.provider.play(callsTools({ id: 'd3', name: 'ask_client' }), says('Never mind then'))
  const chat = await at.create('Ask me', declared)
  await at.reaches(chat.id, 'requires_action')
  at.provider.play(says('To the second'))
  await at.send(chat.id, 'Forget it', 'interrupt')
  await at.reaches(chat.id, 'waiting')
  const transcript = await at.transcript(chat.id)
  expect(transcript.filter((line) => line.startsWith('user:'))).toEqual(['user: Ask me', 'user: Forget it'])
})
