import { expect, it } from 'vitest'

import type { ChatMessage, ChatMessagePart } from '@slipway/contract'
import { applyEvents, EMPTY_CHAT, withOlder } from './chat-store.ts'
import { RowBuilder } from './rows.ts'

const CHAT = '11111111-1111-4111-8111-111111111111'
const AT = '2026-01-01T00:00:00Z'
const message = (id: number, role: ChatMessage['role'], ...content: ChatMessagePart[]): ChatMessage => ({
  id,
  chat_id: CHAT,
  role,
  created_at: AT,
  content,
})
const call = (id: string, name: string): ChatMessagePart => ({
  type: 'tool-call',
  tool_call_id: id,
  tool_name: name,
  args: {},
})
const result = (id: string, name: string): ChatMessagePart => ({
  type: 'tool-result',
  tool_call_id: id,
  tool_name: name,
  result: {},
})
const say = (text: string): ChatMessagePart => ({ type: 'text', text })
const chat = (...messages: ChatMessage[]) => withOlder(EMPTY_CHAT, messages, false)

it('UI-1137: reads of files in a row are one row, other calls have their own with their result', () => {
  const rows = new RowBuilder().build(
    chat(
      message(1, 'user', say('go')),
      message(2, 'assistant', call('a', 'read_file')),
      message(3, 'tool', result('a', 'read_file')),
      message(4, 'assistant', call('b', 'read_file'), call('c', 'execute')),
      message(5, 'tool', result('b', 'read_file')),
      message(6, 'tool', result('c', 'execute')),
    ),
    true,
  )
  expect(rows.map((row) => (row.kind === 'tools' ? row.calls.map(({ id }) => id) : row.kind))).toEqual([
    'user',
    ['a', 'b'],
    ['c'],
  ])
  expect(rows[2]).toMatchObject({ calls: [{ result: { tool_call_id: 'c' } }] })
})

it('UI-1905: rows that are settled are the same objects while an answer streams', () => {
  const builder = new RowBuilder()
  const state = chat(message(1, 'user', say('go')), message(2, 'assistant', say('one'), call('a', 'execute')))
  const before = builder.build(state, false)
  const piece = (seq: number, text: string) =>
    ({
      type: 'message_part',
      chat_id: CHAT,
      message_part: {
        role: 'assistant',
        part: say(text),
        seq,
        history_version: 1,
        generation_attempt: 1,
      },
    }) as const
  const live = applyEvents(state, [piece(1, 'two')], CHAT)
  const during = builder.build(live, false)
  expect(during.slice(0, before.length).every((row, index) => row === before[index])).toBe(true)
  const more = builder.build(applyEvents(live, [piece(2, ' three')], CHAT), false)
  expect(more[0]).toBe(during[0])
  expect(more.at(-1)).toMatchObject({ kind: 'text', text: 'two three', live: true })
})

it('an answer keeps the keys of its preview when it is committed', () => {
  const builder = new RowBuilder()
  const part = {
    role: 'assistant',
    part: say('hi'),
    seq: 1,
    history_version: 1,
    generation_attempt: 1,
  } as const
  const live = applyEvents(EMPTY_CHAT, [{ type: 'message_part', chat_id: CHAT, message_part: part }], CHAT)
  const key = builder.build(live, false)[0]?.key
  const committed = message(4, 'assistant', say('hi'))
  const done = applyEvents(live, [{ type: 'message', chat_id: CHAT, message: committed }], CHAT)
  expect(builder.build(done, true).map((row) => row.key)).toEqual([key, 'm4:end'])
})

it('UI-1133: actions stand under the last message of an answer only', () => {
  const rows = new RowBuilder().build(
    chat(
      message(1, 'user', say('a')),
      message(2, 'assistant', say('b'), call('x', 'execute')),
      message(3, 'tool', result('x', 'execute')),
      message(4, 'assistant', say('c')),
      message(5, 'user', say('d')),
    ),
    true,
  )
  const ends = rows.filter(({ kind }) => kind === 'end')
  expect(ends).toMatchObject([{ turn: { text: 'b\n\nc', last: { id: 4 } } }])
})

it('UI-1127: a result whose call is on an older page has its row when that page is there', () => {
  const messages = [message(3, 'tool', result('a', 'execute')), message(4, 'assistant', say('b'))]
  const kinds = (hasOlder: boolean) =>
    new RowBuilder().build(withOlder(EMPTY_CHAT, messages, hasOlder), false).map(({ kind }) => kind)
  expect(kinds(true)).toEqual(['text'])
  expect(kinds(false)).toEqual(['tools', 'text'])
})

it('UI-1137: a result that comes before it is committed belongs to the row of its call', () => {
  const builder = new RowBuilder()
  const asked = chat(
    message(1, 'user', say('go')),
    message(2, 'assistant', call('a', 'execute'), call('b', 'execute')),
  )
  builder.build(asked, false)
  const part = (seq: number, id: string) =>
    ({
      type: 'message_part',
      chat_id: CHAT,
      message_part: {
        role: 'tool',
        part: result(id, 'execute'),
        seq,
        history_version: 1,
        generation_attempt: 1,
      },
    }) as const
  const live = applyEvents(asked, [part(1, 'b')], CHAT)
  const rows = builder.build(live, false)
  expect(rows.map(({ key }) => key)).toEqual(['m1', 't:a', 't:b'])
  expect(rows[2]).toMatchObject({ calls: [{ result: { tool_call_id: 'b' } }] })
  const more = builder.build(applyEvents(live, [part(2, 'a')], CHAT), false)
  expect(more.map(({ key }) => key)).toEqual(['m1', 't:a', 't:b'])
  expect(more[1]).toMatchObject({ calls: [{ result: { tool_call_id: 'a' } }] })
  expect(more[2]).toBe(rows[2])
})
