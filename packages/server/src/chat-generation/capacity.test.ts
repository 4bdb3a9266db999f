import { afterAll, beforeAll, expect, it } from 'vitest'

import { createChat, interruptChat } from '@slipway/contract'
import { Gate, says, until } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork

beforeAll(async () => {
  at = await ChatsAtWork.start({ env: { CODER_CHAT_MAX_CONCURRENT_ROOTS: '5' } })
})
afterAll(() => at[Symbol.asyncDispose]())

it('T-22, CH-607, B-3: of six chats five run; the sixth waits, can be interrupted, and else starts when one ends', async () => {
  const gates = new Map<string, Gate>()
  const asked = new Set<string>()
  at.provider.answer = (request) => {
    const name = /question-\d/.exec(request.text)?.[0] ?? ''
    asked.add(name)
    const gate = gates.get(name)
    return gate === undefined ? says('free') : { steps: [{ wait: gate.opened }, 'done'] }
  }
  for (let n = 1; n <= 7; n += 1) gates.set(`question-${n}`, new Gate())
  const chats = []
  for (let n = 1; n <= 5; n += 1) chats.push(await at.create(`question-${n}`))
  await until('five that run', () => asked.size === 5)
  const sixth = await at.create('question-6')
  await until('the sixth to wait', async () => (await at.get(sixth.id)).queued_for_capacity === true)
  const seventh = await at.create('question-7')
  await at.owner.call(interruptChat, { params: { chat: seventh.id } })
  await at.reaches(seventh.id, 'waiting')
  expect(asked.size).toBe(5)
  gates.get('question-1')?.open()
  await until('the sixth', () => asked.has('question-6'), 5_000)
  for (const gate of gates.values()) gate.open()
  for (const { id } of [...chats, sixth]) await at.reaches(id, 'waiting')
})

it('T-22, CH-607, L-45: without a cap all run, and none is said to wait', async () => {
  await using free = await ChatsAtWork.start()
  const gate = new Gate()
  const asked = new Set<string>()
  free.provider.answer = ({ text }) => {
    asked.add(/question-\d/.exec(text)?.[0] ?? '')
    return { steps: [{ wait: gate.opened }, 'done'] }
  }
  const chats = []
  for (let n = 1; n <= 6; n += 1) chats.push(await free.create(`question-${n}`))
  await until('six that run', () => asked.size === 6)
  for (const { id } of chats) expect((await free.get(id)).queued_for_capacity).toBeUndefined()
  gate.open()
  for (const { id } of chats) await free.reaches(id, 'waiting')
})

it('B-4: owners take turns, however many chats of one of them wait', async () => {
  await using one = await ChatsAtWork.start({ env: { CODER_CHAT_MAX_CONCURRENT_ROOTS: '1' } })
  const second = await one.server.user('second', ['owner'])
  const gates = new Map(['a1', 'a2', 'a3', 'b1', 'b2'].map((name) => [name, new Gate()]))
  const asked: string[] = []
  one.provider.answer = ({ streaming, text }) => {
    const name = /question-(..)/.exec(text)?.[1] ?? ''
    const gate = gates.get(name)
    if (!streaming || gate === undefined) return says('free')
    asked.push(name)
    return { steps: [{ wait: gate.opened }, 'done'] }
  }
  for (const name of gates.keys()) {
    const client = name.startsWith('a') ? one.owner : second
    await client.call(createChat, {
      body: {
        organization_id: one.organizationId,
        model_config_id: one.model.id,
        content: [{ type: 'text', text: `question-${name}` }],
      },
    })
    if (name === 'a1') await until('the first to run', () => asked.length === 1)
  }
  for (let n = 1; n <= 5; n += 1) {
    await until(`${n} that were asked`, () => asked.length === n)
    gates.get(asked[n - 1] ?? '')?.open()
  }
  expect(asked).toEqual(['a1', 'b1', 'a2', 'b2', 'a3'])
})
