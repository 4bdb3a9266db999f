import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import {
  type AIKeyStrategy,
  type AIProvider,
  type AIProviderRouting,
  updateAIProviderRouting,
} from '@slipway/contract'
import { providersQuery } from '../ai-providers/queries.ts'
import { api, queries } from '../api/client.ts'
import { SettingState } from '../chats/settings/setting-state.tsx'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { ChoiceField, NumberField } from './fields.tsx'
import { routingQuery } from './queries.ts'
import {
  isSameRouting,
  kindred,
  type RoutingDraft,
  routingDraft,
  routingFaults,
  routingOf,
  TIMEOUTS,
  type Timeout,
} from './routing-draft.ts'
import { RoutingTargets } from './routing-targets.tsx'

const STRATEGIES: readonly { readonly value: AIKeyStrategy; readonly label: string }[] = [
  { value: 'primary', label: 'In order' },
  { value: 'round_robin', label: 'Round robin' },
  { value: 'least_busy', label: 'Least busy' },
]
const STRATEGY_HELP: Readonly<Record<AIKeyStrategy, string>> = {
  primary: 'The next key is tried when one is rate limited or refused.',
  round_robin:
    'New sessions rotate through the keys. Each stays with its key, which keeps prompt caches warm.',
  least_busy: 'New sessions use the key with the fewest requests. Each stays with its key.',
}
const TIMEOUT_WORDS: Readonly<Record<Timeout, { readonly label: string; readonly help: string }>> = {
  connect_timeout_ms: { label: 'Connect', help: 'Until connected.' },
  first_byte_timeout_ms: { label: 'First byte', help: 'Until the answer starts.' },
  idle_timeout_ms: { label: 'Idle', help: 'Between two parts of an answer.' },
  total_timeout_ms: { label: 'Total', help: 'From the request to the end of the answer.' },
}

/** By which way requests to a provider go: its keys, other providers, how long they may take (AG-B10, AG-B11). */
export function RoutingSection({ provider }: { readonly provider: AIProvider }) {
  const routing = useQuery(routingQuery(provider.id))
  const providers = useQuery(providersQuery)
  return (
    <SettingState query={routing} failure="The routing could not be read">
      {(stored) => (
        <Form provider={provider} stored={stored} others={kindred(provider, providers.data ?? [])} />
      )}
    </SettingState>
  )
}

function Form({
  provider,
  stored,
  others,
}: {
  readonly provider: AIProvider
  readonly stored: AIProviderRouting
  readonly others: readonly AIProvider[]
}) {
  const online = useOnline()
  const saved = routingDraft(stored)
  const [draft, setDraft] = useState(saved)
  const [attempted, setAttempted] = useState(false)
  const same = isSameRouting(draft, saved)
  const faults = routingFaults(draft)
  const count = Object.keys(faults).length
  const save = useMutation({
    mutationFn: () =>
      api.call(updateAIProviderRouting, { params: { idOrName: provider.id }, body: routingOf(draft) }),
    onSuccess: (next) => {
      queries.setQueryData(routingQuery(provider.id).queryKey, next)
      setDraft(routingDraft(next))
      setAttempted(false)
      toasts.done(`The routing of ${provider.display_name} was saved`)
    },
  })
  const form = useInvalidFocus(save.error)
  const edit = (patch: Partial<RoutingDraft>) => {
    setDraft({ ...draft, ...patch })
    if (save.isError) save.reset()
  }
  const fault = (name: string) => (attempted ? faults[name] : undefined)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (count > 0)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    else if (!save.isPending) save.mutate()
  }
  return (
    <Section
      title="Routing"
      help="Which key and provider a request goes to. Streams under way are not affected."
    >
      <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-6">
        <ErrorNotice error={save.error} title="The routing was not saved" />
        {attempted && count > 0 ? (
          <p role="alert" className="text-sm text-bad">
            {count === 1 ? 'One field needs another value.' : `${count} fields need another value.`}
          </p>
        ) : null}
        {provider.api_keys.length > 1 || draft.key_strategy !== 'primary' ? (
          <ChoiceField
            label="Choice of key"
            help={STRATEGY_HELP[draft.key_strategy]}
            value={draft.key_strategy}
            options={STRATEGIES}
            onChange={(key_strategy) => edit({ key_strategy })}
          />
        ) : null}
        <RoutingTargets
          kind="fallbacks"
          title="Fallbacks"
          help="Tried in this order when the provider cannot be reached, limits requests, or fails before it answers. Never used with users’ own keys."
          none="None: requests fail with the provider’s error."
          targets={draft.fallbacks}
          others={others}
          fault={fault}
          onChange={(fallbacks) => edit({ fallbacks })}
        />
        <RoutingTargets
          kind="balance"
          title="Load sharing"
          help="New sessions are distributed by weight. Each stays where it started."
          none="None: all requests go to this provider."
          targets={draft.balance}
          others={others}
          fault={fault}
          onChange={(balance) => edit({ balance })}
        >
          <NumberField
            label={`Weight of ${provider.display_name}`}
            value={draft.weight}
            error={fault('weight')}
            onChange={(weight) => edit({ weight })}
          />
        </RoutingTargets>
        <fieldset className="min-w-0 border-t border-line pt-4">
          <legend className="float-left mb-3 w-full text-sm font-semibold">Timeouts</legend>
          <div className="clear-both grid gap-x-5 gap-y-4 sm:grid-cols-2">
            {TIMEOUTS.map((name) => (
              <NumberField
                key={name}
                {...TIMEOUT_WORDS[name]}
                unit="s"
                placeholder="default"
                value={draft[name]}
                error={fault(name)}
                onChange={(text) => edit({ [name]: text })}
              />
            ))}
          </div>
        </fieldset>
        <div className="flex justify-end gap-2">
          {same ? null : (
            <Button
              onClick={() => {
                setDraft(saved)
                setAttempted(false)
                save.reset()
              }}
            >
              Discard changes
            </Button>
          )}
          <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || same}>
            Save routing
          </Button>
        </div>
      </form>
    </Section>
  )
}
