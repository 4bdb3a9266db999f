import { expect, it } from 'vitest'

import { chatOf } from './chat.fixture.ts'
import { chatNote, dollars, fileSize, needsViewer, shortAge } from './chat-words.ts'

it('tells ages in few letters', () => {
  const ages = [5, 60, 3599, 3600, 86_399, 86_400, 604_800, 40 * 86_400]
  expect(ages.map((age) => shortAge(0, age * 1000))).toEqual([
    'now',
    '1m',
    '59m',
    '1h',
    '23h',
    '1d',
    '1w',
    '5w',
  ])
  expect(shortAge(5000, 0)).toBe('now')
})

it('tells money and sizes', () => {
  expect([0, 12_345_678, 123_456, 12_345, 12].map(dollars)).toEqual([
    '$0.00',
    '$12.35',
    '$0.12',
    '$0.0123',
    '$0.000012',
  ])
  expect([12, 2048, 1_500_000, 250 * 1024].map(fileSize)).toEqual(['12 B', '2 KiB', '1.4 MiB', '250 KiB'])
})

it('UI-B16: a chat needs its owner when it asks, and not while it is archived', () => {
  expect(needsViewer(chatOf({ id: 'a', status: 'requires_action' }))).toBe(true)
  expect(needsViewer(chatOf({ id: 'a', last_turn_summary: 'Waiting for user input' }))).toBe(true)
  expect(needsViewer(chatOf({ id: 'a', last_turn_summary: 'Finished latest turn' }))).toBe(false)
  expect(needsViewer(chatOf({ id: 'a', status: 'requires_action', archived: true }))).toBe(false)
})

it('UI-1105: under the title stands why it failed, else how the last turn went', () => {
  const failed = chatOf({
    id: 'a',
    status: 'error',
    last_turn_summary: 'Done',
    last_error: { message: 'The key was refused', kind: 'auth', retryable: false },
  })
  expect(chatNote(failed)).toBe('The key was refused')
  expect(chatNote({ ...failed, status: 'running' })).toBe('Done')
})
