import { expect, it } from 'vitest'

import { nextLength } from './use-revealed.ts'

it('UI-1129: text comes steadily, never more than 120 characters late, and never ahead', () => {
  expect(nextLength(0, 10)).toBeGreaterThan(0)
  expect(nextLength(0, 1000)).toBe(880)
  expect(nextLength(880, 1000)).toBe(901)
  expect(nextLength(999, 1000)).toBe(1000)
  expect(nextLength(1000, 1000)).toBe(1000)
})
