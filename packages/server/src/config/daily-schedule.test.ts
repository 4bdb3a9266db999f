import { expect, it } from 'vitest'

import { formatDailySchedule, parseDailySchedule } from './daily-schedule.ts'
import { refusal, start } from './testing.ts'

it('WS-231: a daily schedule is read with its zone, UTC without one, and written back', () => {
  expect(parseDailySchedule('CRON_TZ=America/Chicago 30 2 * * *')).toEqual({
    ok: true,
    value: { zone: 'America/Chicago', hour: 2, minute: 30 },
  })
  expect(parseDailySchedule('5 14 * * *')).toEqual({ ok: true, value: { zone: 'UTC', hour: 14, minute: 5 } })
  expect(formatDailySchedule({ zone: 'UTC', hour: 14, minute: 5 })).toBe('CRON_TZ=UTC 5 14 * * *')
})

it('WS-231: a deployment whose default quiet hours cannot be read does not start', () => {
  const flag = '--default-quiet-hours-schedule'
  expect(refusal({ argv: [`${flag}=0 0 * * 1-5`] }).join()).toContain(`${flag}: must be daily`)
  expect(refusal({ argv: [`${flag}=CRON_TZ=Moon/Base 0 0 * * *`] }).join()).toContain('known time zone')
  expect(refusal({ argv: [`${flag}=0 * * * *`] }).join()).toContain('single time')
  expect(start({ env: { CODER_QUIET_HOURS_DEFAULT_SCHEDULE: '' } }).config.quietHoursDefaultSchedule).toBe(
    'CRON_TZ=UTC 0 0 * * *',
  )
})
