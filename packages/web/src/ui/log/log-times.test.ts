import { expect, it } from 'vitest'

import { lineTime } from './log-times.ts'

it('UI-802: a line shows the clock with milliseconds, or the time since the first line', () => {
  const first = '2026-05-04T12:00:00.250Z'
  expect(lineTime('off', first, first)).toBeUndefined()
  expect(lineTime('clock', first, first)).toMatch(/^\d\d:\d\d:00[.,]250$/)
  expect(lineTime('since start', '2026-05-04T12:00:01.500Z', first)).toBe('+1.250')
  expect(lineTime('since start', '2026-05-04T12:02:03.250Z', first)).toBe('+2:03.000')
  // A clock that stepped back is no negative time.
  expect(lineTime('since start', '2026-05-04T11:59:00.000Z', first)).toBe('+0.000')
})
