import { afterAll, beforeAll, expect, it } from 'vitest'

import { says } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork

/** How often the tools of a turn cannot be had. */
let broken = 0
const waited: number[] = []

beforeAll(async () => {
  at = await ChatsAtWork.start({
    chatExtension: {
      tools: () => {
        if (broken === 0) return []
        broken -= 1
        throw new Error('the tools cannot be had')
      },
      timings: { pause: async (ms) => void waited.push(ms) },
    },
  })
})
afterAll(() => at[Symbol.asyncDispose]())

it('CH-700: a new chat is taken up, answered and waits again, with usage and time on the answer', async () => {
  at.provider.play({ ...says('Hello', ' there'), usage: { input: 30, cached: 10, output: 4 } })
  const chat = await at.create('Hi')
  expect(chat.status).toBe('running')
  await at.reaches(chat.id, 'waiting')
  expect(await at.transcript(chat.id)).toEqual(['user: Hi', 'assistant: Hello there'])
  const [, answer] = await at.messages(chat.id)
  expect(answer?.usage).toMatchObject({
    input_tokens: 20,
    cache_read_tokens: 10,
    output_tokens: 4,
    context_limit: 128_000,
  })
})

it('CH-706: usage that no count can be ends no turn', async () => {
  at.provider.play({ ...says('Counted'), usage: { input: 5, cached: 20, output: 1e300 } })
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  const [, answer] = await at.messages(chat.id)
  expect(answer?.usage?.input_tokens).toBeUndefined()
  expect(answer?.usage).toMatchObject({ cache_read_tokens: 20, output_tokens: Number.MAX_SAFE_INTEGER })
})

it('CH-700: what a step depends on is read three times before the turn fails', async () => {
  broken = 2
  at.provider.play(says('After all'))
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  expect(waited).toEqual([200, 400])
  waited.length = 0
  broken = 3
  await at.send(chat.id, 'Again')
  const { last_error } = await at.reaches(chat.id, 'error')
  expect(last_error).toMatchObject({ kind: 'generic', retryable: false })
  expect([broken, waited]).toEqual([0, [200, 400]])
  expect(await at.transcript(chat.id)).toEqual(['user: Hi', 'assistant: After all', 'user: Again'])
})
