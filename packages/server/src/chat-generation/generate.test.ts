import { afterAll, beforeAll, expect, it } from 'vitest'

import { says } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork

beforeAll(async () => {
  at = await ChatsAtWork.start()
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
