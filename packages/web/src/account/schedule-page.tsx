import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { getQuietHours, type UserQuietHoursScheduleResponse, updateQuietHours } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Select, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { describeTime, useNow } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'

const KEY = ['quiet-hours']
const OWN_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone
const ZONES = [...new Set([OWN_ZONE, 'UTC', ...Intl.supportedValuesOf('timeZone')])]

/** `/settings/schedule`: when workspaces may be restarted (UI-1507, WS-231). */
export function SchedulePage() {
  const hours = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => api.call(getQuietHours, { params: { user: 'me' }, signal }),
  })
  return (
    <Section
      title="Quiet hours"
      help="When a template requires restarts, your workspaces wait for this time of day, so that nothing stops while you work."
    >
      {hours.data !== undefined ? (
        <QuietHours key={hours.data.raw_schedule} hours={hours.data} />
      ) : hours.isError ? (
        <ErrorNotice
          error={hours.error}
          title="The quiet hours could not be read"
          onRetry={() => void hours.refetch()}
        />
      ) : (
        <AfterDelay>
          <div className="flex flex-col gap-4" aria-busy="true">
            <div className="skeleton h-12" />
            <div className="skeleton h-8 w-60" />
          </div>
        </AfterDelay>
      )}
    </Section>
  )
}

function QuietHours({ hours }: { readonly hours: UserQuietHoursScheduleResponse }) {
  const online = useOnline()
  const [time, setTime] = useState(hours.time)
  const [zone, setZone] = useState(hours.timezone)
  const save = useMutation({
    mutationFn: (schedule: string) =>
      api.call(updateQuietHours, { params: { user: 'me' }, body: { schedule } }),
    onSuccess: (saved) => {
      queries.setQueryData(KEY, saved)
      toasts.done(saved.user_set ? 'Quiet hours saved' : 'You use the deployment’s quiet hours again')
    },
  })
  if (!hours.user_can_set)
    return (
      <div className="flex flex-col gap-4">
        <Notice tone="info" title="This deployment sets the same quiet hours for everybody">
          They begin at {hours.time} in {hours.timezone}.
        </Notice>
        <Next next={hours.next} zone={hours.timezone} />
      </div>
    )
  const changed = time !== hours.time || zone !== hours.timezone
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const [hour, minute] = time.split(':').map(Number)
    if (!save.isPending) save.mutate(`CRON_TZ=${zone} ${minute} ${hour} * * *`)
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-5">
      <ErrorNotice error={save.error} title="The quiet hours were not saved" />
      <div className="flex flex-wrap gap-4">
        <Field label="Start at">
          {(field) => (
            <TextInput
              {...field}
              type="time"
              required
              className="w-32"
              value={time}
              onChange={(event) => setTime(event.target.value)}
            />
          )}
        </Field>
        <div className="min-w-48 flex-1">
          <Field label="Time zone" error={fieldError(save.error, 'schedule')}>
            {(field) => (
              <Select
                {...field}
                value={zone}
                options={(ZONES.includes(zone) ? ZONES : [zone, ...ZONES]).map((one) => ({
                  value: one,
                  label: one === OWN_ZONE ? `${one} (yours)` : one,
                }))}
                onChange={(event) => setZone(event.target.value)}
              />
            )}
          </Field>
        </div>
      </div>
      {changed ? null : <Next next={hours.next} zone={hours.timezone} />}
      <div className="flex flex-wrap items-center justify-end gap-2">
        <p className="mr-auto text-sm text-ink-2">
          {hours.user_set ? 'You have your own quiet hours.' : 'You use the deployment’s default.'}
        </p>
        {hours.user_set ? (
          <Button disabled={!online || save.isPending} onClick={() => save.mutate('')}>
            Use the deployment’s default
          </Button>
        ) : null}
        <Button
          type="submit"
          tone="primary"
          busy={save.isPending}
          disabled={!online || (!changed && hours.user_set) || time === ''}
        >
          Save quiet hours
        </Button>
      </div>
    </form>
  )
}

/** The next time, in the zone of the schedule and in the viewer's own (UI-1705). */
function Next({ next, zone }: { readonly next: string; readonly zone: string }) {
  const now = useNow()
  const format = (timeZone: string) =>
    new Intl.DateTimeFormat(undefined, {
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      timeZone,
      timeZoneName: 'short',
    }).format(new Date(next))
  return (
    <p className="text-sm text-ink-2">
      Next: <span className="tabular-nums text-ink">{format(zone)}</span>
      {zone === OWN_ZONE ? null : <>, {format(OWN_ZONE)} here</>} ({describeTime(Date.parse(next), now)})
    </p>
  )
}
