import { expect, it } from 'vitest'

import { duration } from './duration.ts'
import { startTime } from './start-time.ts'

it('OP-§17.2: --start-at reads a time of day, days and a time zone', () => {
  expect(startTime('9:30AM Mon-Fri Europe/Berlin')).toBe('CRON_TZ=Europe/Berlin 30 9 * * 1-5')
  expect(startTime('12am sun,wednesday UTC')).toBe('CRON_TZ=UTC 0 0 * * 0,3')
  expect(startTime('12:05pm UTC')).toBe('CRON_TZ=UTC 5 12 * * *')
  expect(startTime('21:00 * America/New_York')).toBe('CRON_TZ=America/New_York 0 21 * * *')
  expect(startTime('7:00')).toMatch(/^CRON_TZ=\S+ 0 7 \* \* \*$/)
})

it.each(['', '9', '25:00', '13pm', '9:60', '9am Mon Tue', '9am Mon-Tue-Wed UTC'])(
  'OP-§17.2: --start-at refuses %j and shows how it is written',
  (text) => {
    expect(() => startTime(text)).toThrow(/--start-at must be such as/)
  },
)

it('OP-§17.2: --start-at names a time zone that there is not', () => {
  expect(() => startTime('9am Mon Mars/Base')).toThrow(/no time zone "Mars\/Base"/)
})

it('OP-§17.2: times are written as 1h30m or 30d', () => {
  expect(duration('1h30m', '--x')).toBe(5_400_000)
  expect(duration('30d', '--x')).toBe(2_592_000_000)
  expect(duration('200ms', '--x')).toBe(200)
  for (const text of ['', '5', 'h', '1h 30m', '-1s', '1w'])
    expect(() => duration(text, '--stop-after')).toThrow(/--stop-after must be a time/)
})
