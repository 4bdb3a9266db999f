import { expect, it } from 'vitest'

import { matches } from './matches.ts'

it('WS-121: expressions of templates are those of RE2, and of JavaScript where they look around', () => {
  expect(matches('^[a-z]+$', 'abc')).toBe(true)
  expect(matches('^[a-z]+$', 'ab1')).toBe(false)
  expect(matches('(?i)^ABC\\z', 'abc')).toBe(true)
  expect(matches('^(?!main$).+', 'main')).toBe(false)
  expect(matches('^(?!main$).+', 'mine')).toBe(true)
  expect(() => matches('(', 'a')).toThrow()
})

it('WS-121: what goes back and forth in JavaScript takes no time', () => {
  expect(matches('^(a+)+$', `${'a'.repeat(60_000)}b`)).toBe(false)
})

it('WS-121: the work for one value is bounded', () => {
  expect(() => matches('^(([a-z]{1,30})*){1,30}$', `${'a'.repeat(60_000)}1`)).toThrow(/too long/)
  expect(() => matches('^(?=(a+)+$)', `${'a'.repeat(40)}b`)).toThrow(/timed out/)
})
