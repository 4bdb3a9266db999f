import fc from 'fast-check'
import { expect, it } from 'vitest'

import { filterValue, withFilterValue, withQuotedTimes } from './filter-words.ts'

it('UI-501: a menu changes its own key of the text and leaves the rest as it is', () => {
  const filter = 'deploy username:ada date_from:2026-01-31'
  expect(filterValue(filter, 'username')).toBe('ada')
  expect(withFilterValue(filter, 'username', 'grace')).toBe('deploy date_from:2026-01-31 username:grace')
  expect(withFilterValue(filter, 'username', undefined)).toBe('deploy date_from:2026-01-31')
  expect(withFilterValue('', 'action', undefined)).toBe('')
})

it('UI-501: values with spaces and colons are quoted, and quotes are no part of the value', () => {
  const filter = withFilterValue('', 'organization', 'a b:c')
  expect(filter).toBe('organization:"a b:c"')
  expect(filterValue(filter, 'organization')).toBe('a b:c')
  expect(withFilterValue(`${filter} x`, 'organization', undefined)).toBe('x')
})

it('UI-501: what is written is read again', () => {
  const words = fc.stringMatching(/^[a-z0-9 :_-]*[a-z0-9]$/)
  fc.assert(
    fc.property(words, words, (first, second) => {
      const filter = withFilterValue(withFilterValue('', 'one', first), 'two', second)
      expect([filterValue(filter, 'one'), filterValue(filter, 'two')]).toEqual([first, second])
    }),
  )
})

it('UI-501: times may be written as they are', () => {
  expect(withQuotedTimes('connected_after:2026-01-31T00:00:00Z type:ssh')).toBe(
    'connected_after:"2026-01-31T00:00:00Z" type:ssh',
  )
  for (const fine of [
    'connected_after:"2026-01-31T00:00:00Z"',
    'date_from:2026-01-31',
    '2026-01-31T00:00:00Z',
  ])
    expect(withQuotedTimes(fine)).toBe(fine)
})
