import { expect, it } from 'vitest'

import { backOffMs } from './back-off.ts'

it('AC-§3.4: pauses double from a quarter of a second up to ten seconds', () => {
  const longest = Array.from({ length: 9 }, (_, i) => backOffMs(i + 1, 1))
  expect(longest).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000])
  expect(backOffMs(1_000_000, 1)).toBe(10_000)
  expect(backOffMs(0, 1)).toBe(250)
})

it('AC-§3.4: half of a pause is random, so that agents do not come back at the same moment', () => {
  expect(backOffMs(3, 0)).toBe(500)
  expect(backOffMs(3, 0.5)).toBe(750)
  const pauses = Array.from({ length: 200 }, () => backOffMs(20))
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5_000)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(10_000)
  expect(new Set(pauses).size).toBeGreaterThan(100)
})
