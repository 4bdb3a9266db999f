import { expect, it } from 'vitest'

import type { ChatMessage } from '@slipway/contract'
import { findInRows, rowOfMessage } from './find-in-rows.ts'
import type { Row } from './rows.ts'

const message: ChatMessage = {
  id: 7,
  chat_id: 'c',
  role: 'user',
  created_at: '2026-11-28T20:00:00Z',
  content: [{ type: 'text', text: 'Fix the Login, then log in' }],
}
const rows: readonly Row[] = [
  { kind: 'user', key: 'm7', message },
  { kind: 'text', key: 'm8:0', text: 'The login works.', live: false },
  {
    kind: 'tools',
    key: 't:1',
    calls: [
      {
        id: '1',
        name: 'execute',
        call: { type: 'tool-call', args: { command: 'npm run login' } },
        result: { type: 'tool-result', result: { output: 'login ok\nlogin done' } },
      },
    ],
  },
  { kind: 'end', key: 'm9:end', turn: { text: '', last: { ...message, id: 9 }, outputTokens: 0 } },
]

it('finds every place, whatever its case, in what was said and in commands and their output', () => {
  expect(findInRows(rows, 'LOGIN')).toEqual([
    { row: 'm7', nth: 0 },
    { row: 'm8:0', nth: 0 },
    { row: 't:1', nth: 0 },
    { row: 't:1', nth: 1 },
    { row: 't:1', nth: 2 },
  ])
  expect(findInRows(rows, '')).toEqual([])
  expect(findInRows(rows, 'nowhere')).toEqual([])
})

it('a link to a message leads to its first row', () => {
  expect(rowOfMessage(rows, 7)).toBe(0)
  expect(rowOfMessage(rows, 8)).toBe(1)
  expect(rowOfMessage(rows, 9)).toBe(3)
  expect(rowOfMessage(rows, 10)).toBe(-1)
})
