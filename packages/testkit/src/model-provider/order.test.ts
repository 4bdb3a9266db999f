import { expect, test } from 'vitest'

import { FakeModelProvider } from '../fake-model-provider.ts'
import { anthropic, eventsOf, MESSAGES, openai, post } from './ask.fixture.ts'
import type { Turn } from './turn.ts'

const EVERYTHING: Turn = {
  steps: [
    { reasoning: 'one' },
    { reasoning: ' two' },
    'text',
    { redactedReasoning: 'opaque' },
    { reasoning: 'three', signature: 'proof' },
    { reasoning: 'four', signature: 'proof' },
    'a',
    'b',
    { call: { name: 'ls' } },
    'c',
    { call: { name: 'ls' } },
  ],
}
const KINDS = ['r', 't', 'x', 'r', 'r', 't', 'c', 't', 'c']

test('CH-1805: blocks of messages are opened and closed one after the other', async () => {
  await using provider = await FakeModelProvider.start()
  provider.play(EVERYTHING, EVERYTHING)
  const events = await eventsOf(await post(provider, '/v1/messages', { model: 'm', stream: true }))
  const blocks = events.filter(({ type }) => /^content_block_st/.test(String(type)))
  expect(blocks.map(({ type, index }) => `${type} ${index}`)).toEqual(
    KINDS.flatMap((_, index) => [`content_block_start ${index}`, `content_block_stop ${index}`]),
  )
  const types = { thinking: 'r', text: 't', redacted_thinking: 'x', tool_use: 'c' }
  const whole = await anthropic(provider).messages.create({ model: 'm', messages: MESSAGES, max_tokens: 3 })
  expect(whole.content.map(({ type }) => Object(types)[type])).toEqual(KINDS)
  expect(
    blocks.flatMap(({ content_block: block }) => (block === undefined ? [] : [Object(block).type])),
  ).toEqual(whole.content.map(({ type }) => type))
  expect(events.at(-1)).toEqual({ type: 'message_stop' })
})

test('CH-1805: items of responses too, numbered, and as they are in the end', async () => {
  await using provider = await FakeModelProvider.start()
  provider.play(EVERYTHING, EVERYTHING)
  const events = await eventsOf(await post(provider, '/v1/responses', { model: 'm', stream: true }))
  expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index))
  const items = events.filter(({ type }) => /^response\.output_item/.test(String(type)))
  expect(items.map(({ type, output_index: index }) => `${type} ${index}`)).toEqual(
    KINDS.flatMap((_, index) => [
      `response.output_item.added ${index}`,
      `response.output_item.done ${index}`,
    ]),
  )
  const done = items.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)
  expect(Object(events.at(-1)?.response).output).toEqual(done)
  const whole = await openai(provider).responses.create({ model: 'm', input: 'x' })
  const withoutIds = (output: readonly unknown[]) =>
    output.map((item) => ({ ...Object(item), id: '', call_id: '' }))
  expect(withoutIds(whole.output)).toEqual(withoutIds(done))
})
