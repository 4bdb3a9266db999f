import { describe, expect, it } from 'vitest'

import { daysUntil, lifetimeChoices, lifetimeNs } from './token-lifetime.ts'

describe('UI-1502: lifetimes of tokens', () => {
  it.each([
    [365, [7, 30, 60, 90], 30],
    // T-44: a longest lifetime of 20 days.
    [20, [7], 7],
    [60, [7, 30, 60], 30],
    [3, [3], 3],
  ])('at most %i days offers %j, %i chosen', (max, days, chosen) => {
    expect(lifetimeChoices(lifetimeNs(max))).toEqual({ days, chosen, maxDays: max })
  })

  it('without a limit offers all', () => {
    expect(lifetimeChoices(0).days).toEqual([7, 30, 60, 90])
  })

  it('a date counts with its last second', () => {
    expect(daysUntil('2026-03-11', new Date('2026-03-10T12:00:00').getTime())).toBe(2)
  })
})
