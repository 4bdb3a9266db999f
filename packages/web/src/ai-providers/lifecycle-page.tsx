import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'

import { updateChatAutoArchiveDays, updateChatRetentionDays, updateChatWorkspaceTtl } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { describeError } from '../api/errors.ts'
import { SettingState } from '../chats/settings/setting-state.tsx'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { SettingsPage } from './settings-page.tsx'
import { lifecycleQuery } from './settings-queries.ts'

const HOUR_MS = 3_600_000
const MOST_DAYS = 3650
const MOST_HOURS = 720

/** `/ai/settings/lifecycle`: how long chats are kept, and how long their workspaces run (CH-5.1). */
export function LifecyclePage() {
  const lifecycle = useQuery(lifecycleQuery)
  return (
    <SettingsPage title="Lifecycle" context="How long chats are kept, and how long their workspaces run">
      <SettingState query={lifecycle} failure="The times could not be read">
        {(saved) => (
          <>
            <Setting
              title="Auto-archive"
              help="Chats without activity for this long are archived; pinned ones stay. 0 (the default) archives none."
              label="Days without activity"
              unit="days"
              saved={saved.auto_archive_days}
              most={MOST_DAYS}
              save={(days) => api.call(updateChatAutoArchiveDays, { body: { auto_archive_days: days } })}
            />
            <Setting
              title="Retention"
              help="Archived chats and their files are deleted for good after this long. 0 keeps them; the default is 30."
              label="Days in the archive"
              unit="days"
              saved={saved.retention_days}
              most={MOST_DAYS}
              save={(days) => api.call(updateChatRetentionDays, { body: { retention_days: days } })}
            />
            <Setting
              title="Workspaces"
              help="Workspaces that agents create stop after this long, whatever their template says. 0 (the default) leaves it to the template. Applies to new workspaces."
              label="Hours until they stop"
              unit="hours"
              saved={saved.workspace_ttl_ms / HOUR_MS}
              most={MOST_HOURS}
              fractions
              save={(hours) =>
                api.call(updateChatWorkspaceTtl, { body: { workspace_ttl_ms: Math.round(hours * HOUR_MS) } })
              }
            />
          </>
        )}
      </SettingState>
    </SettingsPage>
  )
}

function Setting({
  title,
  help,
  label,
  unit,
  saved,
  most,
  fractions = false,
  save: send,
}: {
  readonly title: string
  readonly help: ReactNode
  readonly label: string
  readonly unit: string
  readonly saved: number
  readonly most: number
  readonly fractions?: boolean
  readonly save: (value: number) => Promise<unknown>
}) {
  const online = useOnline()
  const [typed, setTyped] = useState<string>()
  const text = typed ?? String(saved)
  const value = Number(text)
  const valid =
    text.trim() !== '' &&
    value >= 0 &&
    value <= most &&
    (fractions ? Number.isFinite(value) : Number.isInteger(value))
  const save = useMutation({
    mutationFn: () => send(value),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: lifecycleQuery.queryKey })
      setTyped(undefined)
      toasts.done(`${title}: saved`)
    },
  })
  const refused = save.error === null ? undefined : describeError(save.error).validations[0]?.detail
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (valid && !save.isPending) save.mutate()
  }
  return (
    <Section title={title} help={help}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        {refused === undefined ? <ErrorNotice error={save.error} title="Nothing was saved" /> : null}
        <Field
          label={label}
          error={
            valid
              ? refused
              : `A ${fractions ? 'number' : 'whole number'} from 0 to ${most.toLocaleString('en-US')}.`
          }
        >
          {(field) => (
            <div className="flex items-center gap-2">
              <div className="w-28">
                <TextInput
                  {...field}
                  inputMode={fractions ? 'decimal' : 'numeric'}
                  autoComplete="off"
                  className="tabular-nums"
                  value={text}
                  onChange={(event) => {
                    setTyped(event.target.value)
                    if (save.isError) save.reset()
                  }}
                />
              </div>
              <span className="flex-1 text-sm text-ink-2">{unit}</span>
              {typed === undefined || (valid && value === saved) ? null : (
                <>
                  <Button onClick={() => setTyped(undefined)}>Discard</Button>
                  <Button type="submit" tone="primary" busy={save.isPending} disabled={!valid || !online}>
                    Save
                  </Button>
                </>
              )}
            </div>
          )}
        </Field>
      </form>
    </Section>
  )
}
