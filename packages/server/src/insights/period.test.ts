import { describe, expect, it } from 'vitest'

import { ApiError } from '../errors/index.ts'
import { formatTime, intervalsOf, readPeriod } from './period.ts'

/** A quarter to nine in the evening in Kolkata. */
const now = new Date('2026-03-20T15:15:00Z')

function faultOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof ApiError && error.status === 400)
      return `${error.message} ${error.detail ?? ''} ${JSON.stringify(error.validations)}`
    throw error
  }
  return 'none'
}

describe('WS-272: the time that a report is of', () => {
  it.each([
    ['2026-03-01T00:00:00Z', '2026-03-20T00:00:00Z'],
    ['2026-03-01T00:00:00+05:30', '2026-03-20T00:00:00+05:30'],
    ['2026-03-01T00:00:00-08:00', '2026-03-20T00:00:00-08:00'],
    // Of today the hour that has begun.
    ['2026-03-20T00:00:00Z', '2026-03-20T16:00:00Z'],
    ['2026-03-20T00:00:00+05:30', '2026-03-20T21:00:00+05:30'],
    ['2026-03-20T00:00:00Z', '2026-03-20T00:00:00Z'],
    ['2026-03-19T00:00:00.000z', '2026-03-20T00:00:00Z'],
  ])('from %s to %s is good', (start_time, end_time) => {
    const period = readPeriod({ start_time, end_time }, now)
    expect(period.start).toEqual(new Date(start_time.toUpperCase()))
    expect(period.end).toEqual(new Date(end_time))
  })

  it.each([
    ['2026-03-01', '2026-03-20T00:00:00Z', /start_time.*must be a time with an offset/],
    ['2026-03-01T00:00:00', '2026-03-20T00:00:00Z', /start_time.*must be a time with an offset/],
    ['2026-02-31T00:00:00Z', '2026-03-99T00:00:00Z', /end_time.*must be a time with an offset/],
    ['0001-01-01T00:00:00Z', '2026-03-20T00:00:00Z', /start_time.*must not be zero/],
    ['2026-03-01T00:00:00Z', '2026-03-20T17:00:00Z', /end_time.*must not be in the future/],
    ['2026-03-21T00:00:00Z', '2026-03-20T00:00:00Z', /start_time.*must not be in the future/],
    ['2026-03-01T01:00:00Z', '2026-03-20T00:00:00Z', /start_time.*clock set to 00:00:00/],
    ['2026-03-20T01:00:00Z', '2026-03-20T02:00:00Z', /start_time.*clock set to 00:00:00/],
    ['2026-03-01T00:00:00Z', '2026-03-19T12:00:00Z', /end_time.*clock set to 00:00:00/],
    ['2026-03-01T00:00:00Z', '2026-03-20T12:30:00Z', /end_time.*full hour/],
    // Midnight in UTC is none in Kolkata.
    ['2026-03-01T05:30:00+05:30', '2026-03-20T00:00:00Z', /start_time.*clock set to 00:00:00/],
    ['2026-03-19T00:00:00Z', '2026-03-18T00:00:00Z', /end_time.*equal or greater/],
    ['2006-03-19T00:00:00Z', '2026-03-18T00:00:00Z', /start_time.*at most/],
  ])('from %s to %s is refused', (start_time, end_time, fault) => {
    expect(faultOf(() => readPeriod({ start_time, end_time }, now))).toMatch(fault)
  })

  const of = (start_time: string, end_time: string) => readPeriod({ start_time, end_time }, now)

  it('is divided into days and weeks, of which the last may be shorter', () => {
    const days = intervalsOf(of('2026-03-18T00:00:00+02:00', '2026-03-20T17:00:00+02:00'), 'day')
    expect(days.map(({ start, end }) => [formatTime(start, 120), formatTime(end, 120)])).toEqual([
      ['2026-03-18T00:00:00+02:00', '2026-03-19T00:00:00+02:00'],
      ['2026-03-19T00:00:00+02:00', '2026-03-20T00:00:00+02:00'],
      ['2026-03-20T00:00:00+02:00', '2026-03-20T17:00:00+02:00'],
    ])
    const weeks = intervalsOf(of('2026-03-01T00:00:00Z', '2026-03-14T00:00:00Z'), 'week')
    expect(weeks.map(({ start }) => formatTime(start, 0))).toEqual([
      '2026-03-01T00:00:00Z',
      '2026-03-08T00:00:00Z',
    ])
    expect(intervalsOf(of('2026-03-14T00:00:00Z', '2026-03-14T00:00:00Z'), 'week')).toEqual([])
  })

  it('has no last week of less than six days, and no other intervals', () => {
    const week = of('2026-03-01T00:00:00Z', '2026-03-13T00:00:00Z')
    expect(faultOf(() => intervalsOf(week, 'week'))).toMatch(
      /Last report interval should have at least six days/,
    )
    expect(faultOf(() => intervalsOf(week, 'month'))).toMatch(/interval.*must be one of day, week/)
  })
})

it('times are told in the offset that was asked with', () => {
  const time = new Date('2026-01-01T00:00:00Z')
  expect([0, 330, -210].map((offset) => formatTime(time, offset))).toEqual([
    '2026-01-01T00:00:00Z',
    '2026-01-01T05:30:00+05:30',
    '2025-12-31T20:30:00-03:30',
  ])
})
