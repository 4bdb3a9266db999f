import { expect, it } from 'vitest'

import { dayLabel, monthBounds, periodWords, policyWords, renewalWords, totals } from './spend-words.ts'

it('AG-B14: a period is called by its length', () => {
  const at = (day: string) => `2026-${day}T00:00:00Z`
  expect(periodWords(at('03-01'), at('04-01'))).toBe('this month')
  expect(periodWords(at('02-01'), at('03-01'))).toBe('this month')
  expect(periodWords(at('03-02'), at('03-09'))).toBe('this week')
  expect(periodWords(at('03-02'), at('03-03'))).toBe('today')
  expect(periodWords('1970-01-01T00:00:00Z', '9999-12-31T00:00:00Z')).toBe('in all')
  expect(renewalWords(at('03-01'), at('04-01'))).toBe('Resets on 1 Apr (UTC)')
  expect(renewalWords('1970-01-01T00:00:00Z', '9999-12-31T00:00:00Z')).toBeUndefined()
})

it('AG-117: exports are of whole months of UTC', () => {
  const now = Date.parse('2026-01-15T23:00:00Z')
  expect(monthBounds(now, 0)).toEqual({ from: '2026-01-01T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z' })
  expect(monthBounds(now, 1)).toEqual({ from: '2025-12-01T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' })
  expect(dayLabel('2026-03-12')).toBe('12 Mar')
})

it('AG-B9: says what a model policy comes to', () => {
  expect(policyWords(null)).toBe('All models')
  expect(policyWords({ allow: [], deny: ['gpt-*'], aliases: { fast: 'x' } })).toBe(
    'All models, 1 denied, 1 alias',
  )
  expect(policyWords({ allow: ['claude-*'], deny: [], aliases: {} })).toBe('Only claude-*')
  expect(policyWords({ allow: ['a', 'b'], deny: [], aliases: {} })).toBe('2 allowed')
})

it('adds up days', () => {
  const day = {
    day: '2026-03-01',
    requests: 2,
    input_tokens: 10,
    output_tokens: 5,
    cache_read_tokens: 1,
    cache_write_tokens: 0,
    cost_micros: 300,
    unpriced_requests: 1,
  }
  expect(totals([day, day])).toMatchObject({ requests: 4, cost_micros: 600, unpriced_requests: 2 })
  expect(totals([])).toMatchObject({ requests: 0, cost_micros: 0 })
})
