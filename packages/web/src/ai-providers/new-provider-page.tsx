import { useMutation, useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'

import { type AIProviderType, createAIProvider } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { toasts } from '../ui/toast.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { Gate } from './gate.tsx'
import { isSameProvider, newProvider, providerCreation } from './provider-draft.ts'
import { ProviderForm } from './provider-form.tsx'
import { ProviderIcon } from './provider-icon.tsx'
import { PROVIDER_KINDS, providerKind } from './provider-types.ts'
import { providerQuery, providersQuery, refreshProviders } from './queries.ts'

/** `/ai/settings/providers/add?type=`. */
export function NewAiProviderPage() {
  const [{ type }] = useAddress()
  const chosen = PROVIDER_KINDS.find((kind) => kind.type === type)
  return (
    <Gate what="add model providers" permission="viewAnyAIProvider">
      {() => (
        <Page width="narrow">
          <div className="pb-3">
            <Breadcrumbs
              above={[{ label: 'Model providers', href: paths.aiProviders() }]}
              here="New provider"
            />
          </div>
          <PageHeader
            title={chosen === undefined ? 'New provider' : `New provider: ${chosen.label}`}
            documentTitle="New provider - Model providers"
            context={chosen === undefined ? 'Choose whose models, or which API' : chosen.about}
          />
          {chosen === undefined ? <Kinds /> : <WithNames key={chosen.type} type={chosen.type} />}
        </Page>
      )}
    </Gate>
  )
}

function Kinds() {
  return (
    <ul className="grid gap-3 sm:grid-cols-2">
      {PROVIDER_KINDS.map(({ type, label, about }) => (
        <li key={type}>
          <AppLink
            href={paths.newAiProvider({ type })}
            className="flex h-full min-h-16 items-center gap-3 rounded-card border border-line bg-surface px-3 py-2.5 transition-colors duration-(--fast) hover:border-line-strong hover:bg-hover"
          >
            <ProviderIcon provider={{ icon: '', type }} className="size-9" />
            <span className="min-w-0">
              <span className="block text-sm font-medium">{label}</span>
              <span className="block text-xs text-ink-2">{about}</span>
            </span>
          </AppLink>
        </li>
      ))}
    </ul>
  )
}

/** The name that is offered is one that is free, as far as can be known. */
function WithNames({ type }: { readonly type: AIProviderType }) {
  const providers = useQuery(providersQuery)
  if (providers.isPending) return null
  return <NewProvider type={type} taken={(providers.data ?? []).map(({ name }) => name)} />
}

function NewProvider({ type, taken }: { readonly type: AIProviderType; readonly taken: readonly string[] }) {
  const go = useGo()
  const [first] = useState(() => newProvider(type, taken))
  const [draft, setDraft] = useState(first)
  const changed = useRef(false)
  const create = useMutation({
    mutationFn: () => api.call(createAIProvider, { body: providerCreation(draft) }),
    onSuccess: (made) => {
      changed.current = false
      queries.setQueryData(providerQuery(made.name).queryKey, made)
      void refreshProviders()
      toasts.done(`The provider ${made.display_name} was created`)
      go(paths.aiProvider(made.name), { replace: true })
    },
  })
  return (
    <>
      {providerKind(type).forAgents ? null : (
        <div className="pb-4">
          <Notice tone="info" title="Agents cannot use this type">
            The gateway offers it to external clients, with users’ own credentials.
          </Notice>
        </div>
      )}
      <ProviderForm
        draft={draft}
        onChange={(patch) => {
          const next = { ...draft, ...patch }
          setDraft(next)
          changed.current = !isSameProvider(first, next)
        }}
        stored={undefined}
        verb="Create provider"
        failure="The provider was not created"
        busy={create.isPending}
        error={create.error}
        cancel={
          <>
            <AppLink href={paths.newAiProvider()} className={buttonClass({ tone: 'quiet' })}>
              Another type
            </AppLink>
            <Button onClick={() => go(paths.aiProviders())}>Cancel</Button>
          </>
        }
        onSubmit={() => create.mutate()}
      />
      <UnsavedChanges changed={changed} what="the new provider" />
    </>
  )
}
