import { expect, it } from 'vitest'

import type { ChatMessage, ChatMessagePart, ChatStreamEvent } from '@slipway/contract'
import {
  applyEvents,
  type ChatState,
  EMPTY_CHAT,
  reopened,
  withOlder,
  withoutQueued,
  withQueue,
} from './chat-store.ts'

const CHAT = '11111111-1111-4111-8111-111111111111'
const AT = '2026-01-01T00:00:00Z'

function message(id: number, role: ChatMessage['role'], text: string): ChatMessage {
  return { id, chat_id: CHAT, role, created_at: AT, content: [{ type: 'text', text }] }
}

const committed = (...args: Parameters<typeof message>): ChatStreamEvent => ({
  type: 'message',
  chat_id: CHAT,
  message: message(...args),
})

function piece(seq: number, part: ChatMessagePart, version = 1, attempt = 1): ChatStreamEvent {
  return {
    type: 'message_part',
    chat_id: CHAT,
    message_part: { role: 'assistant', part, seq, history_version: version, generation_attempt: attempt },
  }
}

const text = (seq: number, value: string) => piece(seq, { type: 'text', text: value })
const event = (type: ChatStreamEvent['type'], more: Partial<ChatStreamEvent> = {}): ChatStreamEvent => ({
  type,
  chat_id: CHAT,
  ...more,
})
const after = (events: readonly ChatStreamEvent[], state: ChatState = EMPTY_CHAT) =>
  applyEvents(state, events, CHAT)
const shown = ({ preview }: ChatState) => preview.parts.map((part) => part.text)
const ids = ({ messages }: ChatState) => messages.map(({ id }) => id)

it('UI-1128: pieces of an answer are put together, and the committed answer takes their place', () => {
  const live = after([event('preview_reset'), text(1, 'He'), text(2, 'llo')])
  expect(shown(live)).toEqual(['Hello'])
  const done = after([committed(7, 'assistant', 'Hello')], live)
  expect(shown(done)).toEqual([])
  expect(done.previewOf.get(7)).toBe(live.previewKey)
})

it('CH-906: a piece that came before changes nothing; a missing one asks for a new stream', () => {
  const live = after([text(1, 'a'), text(2, 'b')])
  expect(after([text(2, 'b')], live)).toBe(live)
  const broken = after([text(4, 'd')], live)
  expect(broken.gap).toBe(true)
  expect(shown(after([text(5, 'e')], broken))).toEqual(['ab'])
  const back = reopened(broken)
  expect(shown(back)).toEqual(['ab'])
  expect(shown(after([event('preview_reset'), text(1, 'abcd')], back))).toEqual(['abcd'])
})

it('CH-906: a newer attempt starts anew, an older one is over', () => {
  const live = after([text(1, 'first')])
  const second = after([piece(1, { type: 'text', text: 'second' }, 1, 2)], live)
  expect(shown(second)).toEqual(['second'])
  expect(after([text(2, ' late')], second)).toBe(second)
  expect(after([piece(2, { type: 'text', text: 'x' }, 2, 1)], second).gap).toBe(true)
})

it('CH-908: arguments and results arrive in pieces', () => {
  const state = after([
    piece(1, { type: 'tool-call', tool_call_id: 'a', tool_name: 'execute', args_delta: '{"comm' }),
    piece(2, { type: 'tool-call', tool_call_id: 'a', tool_name: 'execute', args_delta: 'and":"ls"}' }),
    piece(3, { type: 'tool-call', tool_call_id: 'a', tool_name: 'execute', args: { command: 'ls' } }),
    piece(4, { type: 'tool-result', tool_call_id: 'a', tool_name: 'execute', result_delta: 'x' }),
    piece(5, { type: 'tool-result', tool_call_id: 'a', result_delta: 'y', result_reset: true }),
  ])
  expect(state.preview.parts).toMatchObject([
    { type: 'tool-call', args_delta: '{"command":"ls"}', args: { command: 'ls' } },
    { type: 'tool-result', tool_name: 'execute', result_delta: 'y' },
  ])
})

it('UI-1128: pieces after the chat waits are dropped', () => {
  const state = after([event('status', { status: { status: 'waiting' } }), text(1, 'late')])
  expect(shown(state)).toEqual([])
})

it('UI-1128: a history that is sent anew is swapped in as a whole', () => {
  const before = after([committed(1, 'user', 'a'), committed(2, 'assistant', 'b')])
  const half = after([event('history_reset'), committed(3, 'user', 'c')], before)
  expect(ids(half)).toEqual([1, 2])
  const more = after([committed(4, 'assistant', 'd')], half)
  expect(ids(more)).toEqual([1, 2])
  const swapped = after([event('queue_update')], more)
  expect(ids(swapped)).toEqual([3, 4])
})

it('UI-1128: messages are kept by id, a newer version replaces the older', () => {
  const state = after([committed(5, 'user', 'a'), committed(6, 'assistant', 'b'), committed(5, 'user', 'A')])
  expect(ids(state)).toEqual([5, 6])
  expect(state.messages[0]?.content[0]?.text).toBe('A')
  expect(ids(withOlder(state, [message(1, 'user', 'x')], false))).toEqual([1, 5, 6])
})

it('UI-1131: retry and error go with the state that they belong to', () => {
  const retry = { attempt: 2, delay_ms: 4000, error: 'busy', kind: 'overloaded', retrying_at: AT } as const
  const waiting = after([event('status', { status: { status: 'running' } }), event('retry', { retry })])
  expect(waiting.retry).toEqual(retry)
  expect(after([text(1, 'again')], waiting).retry).toBeUndefined()
  const error = { message: 'no', kind: 'auth', retryable: false } as const
  const failed = after([event('status', { status: { status: 'error' } }), event('error', { error })], waiting)
  expect(failed).toMatchObject({ error, retry: undefined, status: 'error' })
  expect(after([event('status', { status: { status: 'running' } })], failed).error).toBeUndefined()
})

it('UI-1135: a message that was taken out of the queue does not come back with a late update', () => {
  const queued = { id: 9, chat_id: CHAT, content: [{ type: 'text', text: 'later' }], created_at: AT } as const
  const list = [{ ...queued, content: [...queued.content] }]
  const gone = withoutQueued(withQueue(EMPTY_CHAT, list), 9)
  expect(after([event('queue_update', { queued_messages: list })], gone).queue).toEqual([])
})

it('what was sent shows once, also when the stream is faster than the answer', () => {
  const sending = { ...EMPTY_CHAT, pending: [{ key: 'p', text: 'hi', files: 0 }] }
  expect(after([committed(1, 'user', 'hi')], sending).pending).toEqual([])
  expect(after([committed(1, 'user', 'other')], sending).pending).toHaveLength(1)
})

it('events of other chats tell only what those do', () => {
  const other = '22222222-2222-4222-8222-222222222222'
  const state = after([{ type: 'status', chat_id: other, status: { status: 'running' } }])
  expect(state.others.get(other)).toBe('running')
  expect(state.status).toBeUndefined()
})
