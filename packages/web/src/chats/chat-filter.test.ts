import fc from 'fast-check'
import { expect, it } from 'vitest'

import {
  chatFilterQuery,
  chatIdOf,
  chatListQuestion,
  chatOfPath,
  chatSearchQuestion,
  hasSearchableWord,
  PR_STATES,
  readChatFilter,
  SOURCES,
} from './chat-filter.ts'

it('UI-1: a filter survives the way through an address', () => {
  fc.assert(
    fc.property(
      fc.record({
        archived: fc.boolean(),
        groupBy: fc.constantFrom('date' as const, 'chat_status' as const),
        prStates: fc.subarray([...PR_STATES]),
        read: fc.constantFrom('unread' as const, 'read' as const, undefined),
        sources: fc.subarray([...SOURCES], { minLength: 1 }),
      }),
      (filter) => {
        expect(readChatFilter(chatFilterQuery(filter))).toEqual(filter)
      },
    ),
  )
})

it('UI-1105: what is usual leaves no trace in the address, and what is unknown counts as left out', () => {
  const usual = readChatFilter({ pr_status: 'merged,purple,draft', chat_status: 'odd', source: 'nobody' })
  expect(usual.prStates).toEqual(['draft', 'merged'])
  expect(chatFilterQuery(usual)).toEqual({ pr_status: 'draft,merged' })
  expect(chatListQuestion(readChatFilter({}))).toBe('')
})

it('CH-411: a filter in the grammar of the server', () => {
  const filter = readChatFilter({
    archived: 'archived',
    chat_status: 'unread',
    pr_status: 'open',
    source: 'created_by_me,shared_with_me',
  })
  expect(chatListQuestion(filter)).toBe(
    'archived:true has_unread:true pr_status:open source:created_by_me,shared_with_me',
  )
})

it('UI-1102: the id of a chat in a link that carries more', () => {
  expect(chatIdOf('0b3f-1?x=1')).toBe('0b3f-1')
  expect(chatIdOf('0b3f see here')).toBe('0b3f')
  expect(chatOfPath('/agents/0b3f')).toBe('0b3f')
  for (const path of ['/agents', '/agents/%E0%A4%A', '/workspaces'])
    expect(chatOfPath(path), path).toBeUndefined()
  for (const text of ['', '../x', 'a/b', '%00', 'ä']) expect(chatIdOf(text), text).toBeUndefined()
})

it('UI-1109: a search takes quotes out, knows links, and is nothing without words and chips', () => {
  const none = { unread: false, archived: false, prState: undefined }
  expect(chatSearchQuestion('  "flaky" login ', none)).toBe('search:"flaky login"')
  expect(chatSearchQuestion('https://git.example/pull/7', none)).toBe('diff_url:"https://git.example/pull/7"')
  expect(chatSearchQuestion(' " ', none)).toBeUndefined()
  expect(chatSearchQuestion('', { ...none, unread: true, prState: 'open' })).toBe(
    'has_unread:true pr_status:open',
  )
  expect(hasSearchableWord('?! …')).toBe(false)
  expect(hasSearchableWord('über')).toBe(true)
})
