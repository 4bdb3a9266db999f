import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'

import { type AIGatewaySettings, updateAIGatewaySettings } from '@slipway/contract'
import { SettingsPage } from '../ai-providers/settings-page.tsx'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { SettingState } from '../chats/settings/setting-state.tsx'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { toasts } from '../ui/toast.tsx'
import { Together } from '../ui/together.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { type GatewayDraft, gatewayChange, gatewayDraft, gatewayFaults } from './gateway-draft.ts'
import { GatewayOptions } from './gateway-options.tsx'
import { BudgetSection, GuardrailSection, LoadSection, RecordSection } from './gateway-sections.tsx'
import { gatewaySettingsQuery } from './queries.ts'

/** `/ai/settings/governance`: rules of the gateway for the whole deployment (AG-B12 to AG-B23). */
export function GatewayPage() {
  const settings = useQuery(gatewaySettingsQuery)
  return (
    <SettingsPage
      title="Governance"
      context="Budgets, guardrails, load and records of the AI gateway, for the whole deployment"
    >
      <SettingState query={settings} failure="The settings of the gateway could not be read">
        {(stored) => <Form key={stored.updated_at ?? 'new'} stored={stored} />}
      </SettingState>
      <Together queries={[settings]}>
        <GatewayOptions />
      </Together>
    </SettingsPage>
  )
}

function Form({ stored }: { readonly stored: AIGatewaySettings }) {
  const online = useOnline()
  const [draft, setDraft] = useState(() => gatewayDraft(stored))
  const [attempted, setAttempted] = useState(false)
  const changed = useRef(false)
  const change = gatewayChange(draft, stored)
  const same = Object.keys(change).length === 0
  const faults = gatewayFaults(draft)
  const count = Object.keys(faults).length
  const save = useMutation({
    mutationFn: () => api.call(updateAIGatewaySettings, { body: change }),
    onSuccess: (next) => {
      changed.current = false
      queries.setQueryData(gatewaySettingsQuery.queryKey, next)
      toasts.done('The settings of the gateway were saved')
    },
  })
  const form = useInvalidFocus(save.error)
  const edit = (patch: Partial<GatewayDraft>) => {
    const next = { ...draft, ...patch }
    setDraft(next)
    changed.current = Object.keys(gatewayChange(next, stored)).length > 0
    if (save.isError) save.reset()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (count > 0)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    else if (!same && !save.isPending) save.mutate()
  }
  const fault = (name: keyof GatewayDraft) =>
    (attempted ? faults[name] : undefined) ??
    fieldError(save.error, name) ??
    fieldError(save.error, `guardrails.${name}`)
  const parts = { draft, edit, fault }
  return (
    <form
      ref={form}
      onSubmit={submit}
      noValidate
      // What takes the focus must not lie under the bar at the bottom.
      className="flex flex-col gap-4 [&_:is(input,textarea,select,button)]:scroll-mb-24"
    >
      <ErrorNotice error={save.error} title="The settings were not saved" />
      {attempted && count > 0 ? (
        <p role="alert" className="text-sm text-bad">
          {count === 1 ? 'One field needs another value.' : `${count} fields need another value.`}
        </p>
      ) : null}
      <BudgetSection {...parts} />
      <GuardrailSection {...parts} />
      <LoadSection {...parts} />
      <RecordSection {...parts} />
      <div className="sticky bottom-0 -mx-1 flex flex-wrap items-center justify-end gap-2 border-t border-line bg-bg px-1 py-3">
        <span className="mr-auto text-xs text-ink-2">
          {same ? 'Changes apply at once, on every replica.' : 'Not saved yet.'}
        </span>
        {same ? null : (
          <Button
            onClick={() => {
              setDraft(gatewayDraft(stored))
              setAttempted(false)
              changed.current = false
              save.reset()
            }}
          >
            Discard changes
          </Button>
        )}
        <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || same}>
          Save settings
        </Button>
      </div>
      <UnsavedChanges changed={changed} what="the settings of the gateway" />
    </form>
  )
}
