import { describe, expect, it } from 'vitest'

import { csvText } from './csv.ts'
import { daysOf, insightsRange, lastDays } from './range.ts'

const now = Date.parse('2026-03-20T15:50:00Z')

describe('UI-1008: the range of insights', () => {
  it('is thirty days up to the hour that is under way', () => {
    expect(insightsRange({}, now, 60)).toEqual({
      startDate: '2026-02-19',
      endDate: '2026-03-20',
      interval: 'day',
      startTime: '2026-02-19T00:00:00+01:00',
      endTime: '2026-03-20T17:00:00+01:00',
      partial: true,
    })
  })

  it('never ends in the future, also where hours begin in the middle of ours', () => {
    // Twenty past nine in the evening; the server takes nothing after half past nine.
    expect(insightsRange({}, now, 330).endTime).toBe('2026-03-20T21:00:00+05:30')
    expect(insightsRange({}, Date.parse('2026-03-20T15:10:00Z'), 330).endTime).toBe(
      '2026-03-20T21:00:00+05:30',
    )
    const before = insightsRange({ startDate: '2026-03-01', endDate: '2027-01-01' }, now, 0)
    expect(before).toMatchObject({ endDate: '2026-03-20', endTime: '2026-03-20T16:00:00Z' })
    // The last hour of a day ends with the next one.
    expect(insightsRange({}, Date.parse('2026-03-20T22:30:00Z'), 60).endTime).toBe(
      '2026-03-21T00:00:00+01:00',
    )
  })

  it('is whole days of the address, in one offset', () => {
    expect(insightsRange({ startDate: '2026-01-10', endDate: '2026-01-12' }, now, -480)).toMatchObject({
      startTime: '2026-01-10T00:00:00-08:00',
      endTime: '2026-01-13T00:00:00-08:00',
      partial: false,
    })
  })

  it.each([
    [{ startDate: '2026-03-10', endDate: '2026-03-01' }, '2026-03-01', '2026-03-01'],
    [{ startDate: 'x', endDate: '2026-02-31' }, '2026-02-19', '2026-03-20'],
    [{ startDate: '1999-01-01' }, '2025-03-20', '2026-03-20'],
  ])('%j becomes one that is possible', (search, startDate, endDate) => {
    expect(insightsRange(search, now, 0)).toMatchObject({ startDate, endDate })
  })

  it('has whole weeks', () => {
    const range = insightsRange({ interval: 'week', startDate: '2026-03-10', endDate: '2026-03-19' }, now, 0)
    expect(range).toMatchObject({ startDate: '2026-03-06', endDate: '2026-03-19', interval: 'week' })
    expect(daysOf(range)).toBe(14)
    expect(daysOf(insightsRange(lastDays(7, now, 0), now, 0))).toBe(7)
  })
})

it('UI-1008: files hold what a table shows, and nothing that a spreadsheet would run', () => {
  expect(
    csvText(
      ['user', 'hours'],
      [
        ['ada', 1.5],
        ['=1+1', 2],
        ['a "b", c', 0],
      ],
    ),
  ).toBe(`user,hours\r\nada,1.5\r\n'=1+1,2\r\n"a ""b"", c",0\r\n`)
})
