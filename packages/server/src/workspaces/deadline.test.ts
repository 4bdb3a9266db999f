import { expect, it } from 'vitest'

import { stopTimes } from './deadline.ts'

const HOUR = 3_600_000
const MONDAY = 0b0000001
const SATURDAY = 0b0100000
const EVERY_DAY = 0b1111111

const utc = { zone: 'UTC', hour: 0, minute: 0 }

function maximum(
  completedAt: string,
  required: { readonly days: number; readonly weeks?: number; readonly quietHours?: typeof utc },
): string | undefined {
  const { maxDeadline } = stopTimes(
    { ttlMs: 0, autostart: undefined, required: { weeks: 1, quietHours: utc, ...required } },
    new Date(completedAt),
  )
  return maxDeadline?.toISOString()
}

it('WS-231: a workspace stops in the quiet hour of the first day that the template requires', () => {
  // 2026-11-25 is a Wednesday.
  expect(maximum('2026-11-25T10:00:00Z', { days: SATURDAY })).toBe('2026-11-28T00:00:00.000Z')
  expect(maximum('2026-11-25T10:00:00Z', { days: EVERY_DAY })).toBe('2026-11-26T00:00:00.000Z')
  expect(maximum('2026-11-25T10:00:00Z', { days: 0 })).toBeUndefined()
  const evening = { zone: 'UTC', hour: 20, minute: 30 }
  expect(maximum('2026-11-25T10:00:00Z', { days: EVERY_DAY, quietHours: evening })).toBe(
    '2026-11-25T20:30:00.000Z',
  )
})

it('WS-231: one that has just started is left alone until the day after', () => {
  const evening = { zone: 'UTC', hour: 20, minute: 30 }
  expect(maximum('2026-11-25T18:31:00Z', { days: EVERY_DAY, quietHours: evening })).toBe(
    '2026-11-26T20:30:00.000Z',
  )
  // Within two hours of midnight the day after counts from the start.
  expect(maximum('2026-11-25T23:30:00Z', { days: EVERY_DAY })).toBe('2026-11-27T00:00:00.000Z')
  expect(maximum('2026-11-27T22:30:00Z', { days: SATURDAY })).toBe('2026-12-05T00:00:00.000Z')
})

it('WS-231: days and hours are those of the zone of the owner, also when clocks change', () => {
  const sydney = { zone: 'Australia/Sydney', hour: 2, minute: 0 }
  // Friday evening in London is Saturday morning in Sydney: 02:00 there has passed.
  expect(maximum('2026-11-27T20:00:00Z', { days: SATURDAY, quietHours: sydney })).toBe(
    '2026-12-04T15:00:00.000Z',
  )
  expect(maximum('2026-11-26T20:00:00Z', { days: SATURDAY, quietHours: sydney })).toBe(
    '2026-11-27T15:00:00.000Z',
  )
  const berlin = { zone: 'Europe/Berlin', hour: 3, minute: 0 }
  expect(maximum('2026-10-23T12:00:00Z', { days: EVERY_DAY, quietHours: berlin })).toBe(
    '2026-10-24T01:00:00.000Z',
  )
  expect(maximum('2026-10-24T12:00:00Z', { days: EVERY_DAY, quietHours: berlin })).toBe(
    '2026-10-25T02:00:00.000Z',
  )
})

it('WS-231: with several weeks it is the next one that their number divides', () => {
  // Weeks from 2023-01-02: the one of 2026-11-23 is number 203, that of 2026-11-30 number 204.
  expect(maximum('2026-11-25T10:00:00Z', { days: MONDAY, weeks: 2 })).toBe('2026-11-30T00:00:00.000Z')
  expect(maximum('2026-11-25T10:00:00Z', { days: SATURDAY, weeks: 2 })).toBe('2026-12-05T00:00:00.000Z')
  expect(maximum('2026-12-01T10:00:00Z', { days: MONDAY, weeks: 2 })).toBe('2026-12-14T00:00:00.000Z')
})

it('WS-230: the earlier of the own time and the required stop counts', () => {
  const required = { days: SATURDAY, weeks: 1, quietHours: utc }
  const end = new Date('2026-11-25T10:00:00Z')
  const at = (ttlMs: number) => stopTimes({ ttlMs, autostart: undefined, required }, end)
  const maxDeadline = new Date('2026-11-28T00:00:00Z')
  expect(at(0)).toEqual({ deadline: maxDeadline, maxDeadline })
  expect(at(HOUR)).toEqual({ deadline: new Date(end.getTime() + HOUR), maxDeadline })
  expect(at(100 * HOUR)).toEqual({ deadline: maxDeadline, maxDeadline })
  expect(stopTimes({ ttlMs: 0, autostart: undefined, required: undefined }, end)).toEqual({
    deadline: null,
    maxDeadline: null,
  })
})
