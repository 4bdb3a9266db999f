import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { setAutostart, setTtl, type Workspace } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, Select, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshWorkspace } from './queries.ts'
import { formatSchedule, nextRuns, parseSchedule, type WeeklySchedule } from './weekly-schedule.ts'
import { useWorkspace } from './workspace-context.ts'

/** `/@owner/workspace/schedule`: when it starts and stops by itself (UI-742). */
export function SchedulePage() {
  const { workspace } = useWorkspace()
  return (
    <div className="flex max-w-3xl flex-col gap-4">
      <Autostart key={`start ${workspace.autostart_schedule}`} workspace={workspace} />
      <Autostop key={`stop ${workspace.ttl_ms}`} workspace={workspace} />
    </div>
  )
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
/** Weeks begin on Monday here. */
const WEEK = [1, 2, 3, 4, 5, 6, 0]
const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone
const ZONES = [...new Set([OWN_ZONE, 'UTC', ...Intl.supportedValuesOf('timeZone')])]
const PREVIEW = 3

function Autostart({ workspace }: { readonly workspace: Workspace }) {
  const text = workspace.autostart_schedule ?? ''
  const parsed = parseSchedule(text)
  const online = useOnline()
  const [on, setOn] = useState(text !== '')
  const [schedule, setSchedule] = useState<WeeklySchedule>(
    parsed ?? { zone: OWN_ZONE, hour: 9, minute: 0, days: [1, 2, 3, 4, 5] },
  )
  const save = useMutation({
    mutationFn: () =>
      api.call(setAutostart, {
        params: { workspace: workspace.id },
        body: { schedule: wanted },
      }),
    onSuccess: () => {
      toasts.done(on ? 'Autostart saved' : 'Autostart is off')
      refreshWorkspace(workspace)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending && changed && !noDay) save.mutate()
  }
  const wanted = on ? formatSchedule(schedule) : ''
  const changed = wanted !== (parsed === undefined ? text : formatSchedule(parsed))
  const noDay = on && schedule.days.length === 0
  return (
    <Section title="Autostart" help="Have it running before you start work.">
      <form onSubmit={submit} className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="Autostart was not saved" />
        {text !== '' && parsed === undefined ? (
          <Notice tone="warn" title="The current schedule was set elsewhere and says more than this form can">
            <code>{text}</code>
          </Notice>
        ) : null}
        <LabelledToggle kind="switch" label="Start on a schedule" checked={on} onChange={setOn} />
        {on ? (
          <>
            <Field label="Days" error={noDay ? 'Choose at least one day.' : undefined}>
              {(field) => (
                <fieldset
                  id={field.id}
                  aria-describedby={field['aria-describedby']}
                  className="flex min-w-0 flex-wrap gap-1.5"
                >
                  {WEEK.map((day) => {
                    const chosen = schedule.days.includes(day)
                    return (
                      <button
                        key={day}
                        type="button"
                        aria-pressed={chosen}
                        onClick={() =>
                          setSchedule({
                            ...schedule,
                            days: chosen
                              ? schedule.days.filter((one) => one !== day)
                              : [...schedule.days, day],
                          })
                        }
                        className={classNames(
                          'h-8 w-12 rounded-control border text-sm font-medium transition-colors duration-(--fast) pointer-coarse:h-10',
                          chosen
                            ? 'border-accent bg-accent-wash text-accent'
                            : 'border-line-strong bg-surface text-ink-2 hover:text-ink',
                        )}
                      >
                        {DAYS[day]}
                      </button>
                    )
                  })}
                </fieldset>
              )}
            </Field>
            <div className="flex flex-wrap gap-4">
              <Field label="Time">
                {(field) => (
                  <TextInput
                    {...field}
                    type="time"
                    required
                    className="w-32"
                    value={`${String(schedule.hour).padStart(2, '0')}:${String(schedule.minute).padStart(2, '0')}`}
                    onChange={(event) => {
                      const [hour, minute] = event.target.value.split(':').map(Number)
                      if (hour !== undefined && minute !== undefined)
                        setSchedule({ ...schedule, hour, minute })
                    }}
                  />
                )}
              </Field>
              <div className="min-w-48 flex-1">
                <Field label="Time zone" error={fieldError(save.error, 'schedule')}>
                  {(field) => (
                    <Select
                      {...field}
                      value={schedule.zone}
                      options={(ZONES.includes(schedule.zone) ? ZONES : [schedule.zone, ...ZONES]).map(
                        (zone) => ({
                          value: zone,
                          label: zone === OWN_ZONE ? `${zone} (yours)` : zone,
                        }),
                      )}
                      onChange={(event) => setSchedule({ ...schedule, zone: event.target.value })}
                    />
                  )}
                </Field>
              </div>
            </div>
            <Preview schedule={schedule} />
          </>
        ) : null}
        <div className="flex justify-end">
          <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || !changed || noDay}>
            Save autostart
          </Button>
        </div>
      </form>
    </Section>
  )
}

function Preview({ schedule }: { readonly schedule: WeeklySchedule }) {
  const runs = nextRuns(schedule, Date.now(), PREVIEW)
  if (runs.length === 0) return null
  const format = (zone: string) =>
    new Intl.DateTimeFormat(undefined, {
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      timeZone: zone,
      timeZoneName: 'short',
    })
  return (
    <div className="text-sm">
      <div className="text-ink-2">Next starts</div>
      <ul className="tabular-nums">
        {runs.map((at) => (
          <li key={at}>
            {format(schedule.zone).format(at)}
            {schedule.zone === OWN_ZONE ? null : (
              <span className="text-ink-3"> ({format(OWN_ZONE).format(at)} here)</span>
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}

const HOUR_MS = 3_600_000
const LONGEST_HOURS = 720

const shownHours = (milliseconds: number): string => String(Math.round((milliseconds / HOUR_MS) * 100) / 100)

function Autostop({ workspace }: { readonly workspace: Workspace }) {
  const online = useOnline()
  const present = workspace.ttl_ms ?? 0
  const [on, setOn] = useState(present > 0)
  const [hours, setHours] = useState(present > 0 ? shownHours(present) : '8')
  const wanted = on ? Math.round(Number(hours) * 60) * 60_000 : 0
  // A length that the field rounds is not a change of it.
  const changed = on !== present > 0 || (on && hours !== shownHours(present))
  const wrong = on && !(Number(hours) > 0 && Number(hours) < LONGEST_HOURS)
  const save = useMutation({
    mutationFn: () =>
      api.call(setTtl, {
        params: { workspace: workspace.id },
        body: { ttl_ms: wanted },
      }),
    onSuccess: () => {
      toasts.done(on ? 'Autostop saved' : 'Autostop is off')
      refreshWorkspace(workspace)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending && changed && !wrong) save.mutate()
  }
  return (
    <Section title="Autostop" help="Activity in the workspace postpones it.">
      <form onSubmit={submit} className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="Autostop was not saved" />
        <LabelledToggle kind="switch" label="Stop after some time" checked={on} onChange={setOn} />
        {on ? (
          <Field
            label="Hours after a start"
            help={workspace.latest_build.status === 'running' ? 'Counts from the next start on.' : undefined}
            error={
              wrong
                ? `Give a number of hours above 0 and below ${LONGEST_HOURS}.`
                : fieldError(save.error, 'ttl_ms')
            }
          >
            {(field) => (
              <TextInput
                {...field}
                inputMode="decimal"
                className="max-w-24 tabular-nums"
                value={hours}
                onChange={(event) => setHours(event.target.value)}
              />
            )}
          </Field>
        ) : null}
        <div className="flex justify-end">
          <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || !changed || wrong}>
            Save autostop
          </Button>
        </div>
      </form>
    </Section>
  )
}
