import { describe, expect, it } from 'vitest'

import { describeError } from './errors.ts'
import { ApiError, NetworkError } from './http.ts'
import { isReadAgain, pauseBefore } from './patience.ts'

const refused = (status: number, retryAfter?: number, detail?: string) =>
  new ApiError({
    status,
    message: 'No.',
    detail,
    validations: [],
    requestId: undefined,
    retryAfter,
    body: undefined,
  })

describe('UI-2104: a query that is refused for want of room', () => {
  it('waits as long as the server asks, within bounds', () => {
    expect(isReadAgain(0, refused(429, 7))).toBe(true)
    expect(pauseBefore(0, refused(429, 7), 0)).toBe(7000)
    expect(pauseBefore(3, refused(429, 7), 1)).toBeCloseTo(7700)
    expect(pauseBefore(0, refused(429, 0), 0)).toBe(250)
    expect(pauseBefore(0, refused(429, 86_400), 0)).toBe(60_000)
  })

  it('waits longer each time when it is not told, and ends some time', () => {
    expect([0, 1, 2].map((attempt) => pauseBefore(attempt, refused(429), 0))).toEqual([1000, 2000, 4000])
    expect(isReadAgain(8, refused(429, 1))).toBe(false)
  })

  it('UI-5: no other answer that will not change is asked for again', () => {
    for (const status of [400, 401, 403, 404, 409, 500])
      expect(isReadAgain(0, refused(status, 1))).toBe(false)
    for (const error of [refused(503), new NetworkError('cut')]) {
      expect(isReadAgain(2, error)).toBe(true)
      expect(isReadAgain(3, error)).toBe(false)
    }
  })
})

describe('UI-2104: an action that came too soon', () => {
  it('says when to try again', () => {
    expect(describeError(refused(429, 12)).detail).toBe('Try again in 12 s.')
    expect(describeError(refused(429, 0.2, 'Slowly.')).detail).toBe('Slowly. Try again in 1.0 s.')
    expect(describeError(refused(429)).detail).toBeUndefined()
    expect(describeError(refused(503, 12)).detail).toBeUndefined()
  })
})
