import { describe, expect, it } from 'vitest'

import { formatSchedule, nextRuns, parseSchedule } from './weekly-schedule.ts'

describe('UI-742: schedules', () => {
  it.each([
    [
      'CRON_TZ=Europe/Berlin 30 9 * * 1-5',
      { zone: 'Europe/Berlin', hour: 9, minute: 30, days: [1, 2, 3, 4, 5] },
    ],
    ['0 8 * * *', { zone: 'UTC', hour: 8, minute: 0, days: [0, 1, 2, 3, 4, 5, 6] }],
    ['CRON_TZ=UTC 5 0 * * 7,2', { zone: 'UTC', hour: 0, minute: 5, days: [0, 2] }],
  ])('reads %s', (text, expected) => {
    expect(parseSchedule(text)).toEqual(expected)
    expect(parseSchedule(formatSchedule(expected))).toEqual(expected)
  })

  it.each(['', '*/5 * * * *', '0 9 1 * *', '0 25 * * 1', 'CRON_TZ=UTC 0 9 * * MON'])(
    'leaves %j alone',
    (text) => {
      expect(parseSchedule(text)).toBeUndefined()
    },
  )

  it('shows the next runs across a change of the clocks', () => {
    // Clocks in Berlin went forward on 2026-03-29.
    const schedule = { zone: 'Europe/Berlin', hour: 9, minute: 0, days: [6, 0, 1] }
    const runs = nextRuns(schedule, Date.parse('2026-03-28T00:00:00Z'), 3).map((at) =>
      new Date(at).toISOString(),
    )
    expect(runs).toEqual(['2026-03-28T08:00:00.000Z', '2026-03-29T07:00:00.000Z', '2026-03-30T07:00:00.000Z'])
  })

  it('counts a run of today only while it lies ahead', () => {
    const schedule = { zone: 'UTC', hour: 9, minute: 0, days: [1] }
    expect(nextRuns(schedule, Date.parse('2026-06-01T09:00:00Z'), 1)).toEqual([
      Date.parse('2026-06-08T09:00:00Z'),
    ])
    expect(nextRuns(schedule, Date.parse('2026-06-01T08:59:59Z'), 1)).toEqual([
      Date.parse('2026-06-01T09:00:00Z'),
    ])
  })
})
