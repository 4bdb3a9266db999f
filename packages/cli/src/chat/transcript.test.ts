import { beforeEach, expect, it } from 'vitest'

import type { ChatMessage, ChatMessagePart, ChatStreamEvent } from '@slipway/contract'
import { Transcript } from './transcript.ts'

const CHAT = '0b3f0000-0000-4000-8000-000000000000'
const NOW = '2026-01-31T00:00:00Z'

let shown: string
let transcript: Transcript

beforeEach(() => {
  shown = ''
  transcript = new Transcript((text) => {
    shown += text
  })
})

function take(...events: readonly Omit<ChatStreamEvent, 'chat_id'>[]): void {
  for (const event of events) transcript.take({ ...event, chat_id: CHAT })
}

function message(id: number, role: ChatMessage['role'], ...content: ChatMessagePart[]) {
  return { type: 'message', message: { id, chat_id: CHAT, role, content, created_at: NOW } } as const
}

function piece(part: ChatMessagePart) {
  const of = { history_version: 1, generation_attempt: 1, seq: 1 }
  return { type: 'message_part', message_part: { role: 'assistant', part, ...of } } as const
}

const says = (text: string): ChatMessagePart => ({ type: 'text', text })

it('CH-908: an answer is shown as it comes, and the message that takes its place adds nothing', () => {
  take(piece(says('He')), piece(says('llo')))
  expect(shown).toBe('Hello')
  take(
    message(2, 'assistant', says('Hello')),
    { type: 'preview_reset' },
    message(2, 'assistant', says('Hello')),
  )
  expect(shown).toBe('Hello\n')
})

it('CH-905: an answer that comes again on another connection is not shown again', () => {
  take(piece(says('Hello ')), { type: 'preview_reset' }, piece(says('Hel')), piece(says('lo there')))
  expect(shown).toBe('Hello there')
  take(message(2, 'assistant', says('Hello there, you.')))
  expect(shown).toBe('Hello there, you.\n')
})

it('CH-721: another try is told, and its answer begins on a line of its own', () => {
  const retry = {
    attempt: 1,
    delay_ms: 1_500,
    error: 'overloaded',
    kind: 'overloaded',
    retrying_at: NOW,
  } as const
  take(piece(says('Hel')), { type: 'retry', retry }, { type: 'preview_reset' }, piece(says('Good day')))
  expect(shown).toBe('Hel\n(try 1 failed: overloaded; again in 2 s)\nGood day')
})

it('CH-904: after a change of the past all of it is shown', () => {
  take(message(1, 'user', says('one')), message(2, 'assistant', says('two')))
  take({ type: 'history_reset' }, message(1, 'user', says('one')), message(3, 'user', says('three')))
  expect(shown).toMatch(
    /^\n> one\n\ntwo\n\n\(The conversation was changed[^\n]+\n\n\n> one\n\n\n> three\n\n$/,
  )
})

it('a message that waits is told, and the answer goes on behind that', () => {
  const waiting = [{ id: 1, chat_id: CHAT, content: [says('x')], created_at: NOW }]
  take(piece(says('Hel')), { type: 'queue_update', queued_messages: waiting }, piece(says('lo')))
  take(message(2, 'assistant', says('Hello')))
  expect(shown).toBe('Hel\n(1 queued)\nlo\n')
})

it('tools are shown with what they are about, and their failures', () => {
  const call = { type: 'tool-call', tool_call_id: 'a', tool_name: 'edit_files' } as const
  take(piece(says('Look:')), piece({ ...call, args_delta: '{"fi' }))
  const args = { files: [{ path: '/a' }, { path: '/b' }] }
  take(piece({ ...call, args }), message(2, 'assistant', says('Look:'), { ...call, args }))
  take(
    message(3, 'tool', {
      type: 'tool-result',
      tool_call_id: 'a',
      result: { error: 'no match' },
      is_error: true,
    }),
  )
  expect(shown).toBe('Look:\n→ edit_files: /a /b\n  failed: no match\n')
})

it('questions of a model are shown with what to choose from', () => {
  const options = [{ label: 'Red', description: 'warm' }, { label: 'Blue' }]
  const args = { questions: [{ header: 'Colour', question: 'Which?', options }] }
  take(
    message(2, 'assistant', { type: 'tool-call', tool_call_id: 'a', tool_name: 'ask_user_question', args }),
  )
  expect(shown).toBe('→ ask_user_question: \n  Which?\n    1. Red: warm\n    2. Blue\n')
})

it('what a model writes does nothing to the terminal', () => {
  take(piece(says('\u001b[2J\u001b]0;owned\u0007red\u202e')), piece(says('\r\u0008\tx\n')))
  expect(shown).toBe('[2J]0;ownedred\tx\n')
})
