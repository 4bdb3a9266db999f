import { expect, it } from 'vitest'

import { chatOf } from './chat.fixture.ts'
import { moveIn, rowsOf, sectionsOf } from './chat-sections.ts'

const NOW = new Date(2026, 10, 28, 12)
const at = (day: number, hour = 9) => new Date(2026, 10, day, hour).toISOString()
const names = (sections: ReturnType<typeof sectionsOf>) =>
  sections.map(({ label, chats }) => [label, ...chats.map(({ id }) => id)])

it('UI-1105: pinned first in their order, the others by the day in the viewer’s zone', () => {
  const chats = [
    chatOf({ id: 'old', updated_at: at(1) }),
    chatOf({ id: 'week', updated_at: at(23) }),
    chatOf({ id: 'yesterday', updated_at: at(27, 23) }),
    chatOf({ id: 'today', updated_at: at(28, 0) }),
    chatOf({ id: 'today 2', updated_at: at(28, 8) }),
    chatOf({ id: 'pin 2', pin_order: 2, updated_at: at(28) }),
    chatOf({ id: 'pin 1', pin_order: 1, updated_at: at(2) }),
  ]
  expect(names(sectionsOf(chats, 'date', NOW))).toEqual([
    ['Pinned', 'pin 1', 'pin 2'],
    ['Today', 'today 2', 'today'],
    ['Yesterday', 'yesterday'],
    ['This week', 'week'],
    ['Older', 'old'],
  ])
})

it('UI-1105: grouped by what they do', () => {
  const chats = [
    chatOf({ id: 'idle' }),
    chatOf({ id: 'works', status: 'running' }),
    chatOf({ id: 'stops', status: 'interrupting', updated_at: at(21) }),
    chatOf({ id: 'asks', status: 'requires_action' }),
    chatOf({ id: 'question', last_turn_summary: 'Waiting for user input', updated_at: at(2) }),
  ]
  expect(names(sectionsOf(chats, 'chat_status', NOW))).toEqual([
    ['Needs you', 'asks', 'question'],
    ['Working', 'stops', 'works'],
    ['Idle', 'idle'],
  ])
})

it('UI-1106: those inside show only where their chat is open, and arrows walk the tree', () => {
  const child = { ...chatOf({ id: 'child', root_chat_id: 'root', parent_chat_id: 'root' }), children: [] }
  const chats = [chatOf({ id: 'root', children: [child], updated_at: at(28) }), chatOf({ id: 'last' })]
  const sections = sectionsOf(chats, 'date', NOW)
  const folded = rowsOf(sections, new Set())
  expect(folded.map(({ key }) => key)).toEqual(['section Today', 'root', 'section Older', 'last'])
  const open = rowsOf(sections, new Set(['root', 'last']))
  expect(open.map(({ key }) => key)).toEqual(['section Today', 'root', 'child', 'section Older', 'last'])
  expect(moveIn(open, 'root', 'ArrowRight')).toBe('child')
  expect(moveIn(open, 'child', 'ArrowLeft')).toBe('root')
  expect(moveIn(open, 'child', 'ArrowDown')).toBe('last')
  expect(moveIn(open, 'last', 'ArrowDown')).toBe('last')
  expect(moveIn(open, undefined, 'ArrowUp')).toBe('root')
  expect(moveIn(folded, 'root', 'ArrowRight')).toBe('root')
})
