import { useMutation, useQuery } from '@tanstack/react-query'
import { Plug, Plus, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'

import { type AIProvider, updateAIProvider } from '@slipway/contract'
import { gatewayAddress } from '../ai-gateway/addresses.ts'
import { routingQuery } from '../ai-gateway/queries.ts'
import { RoutingSection } from '../ai-gateway/routing-section.tsx'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { GATEWAY_ENABLED } from '../chats/gateway.ts'
import { modelConfigsQuery } from '../chats/queries.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { CopyableCode } from '../ui/copyable.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Page, Section } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { toasts } from '../ui/toast.tsx'
import { Together } from '../ui/together.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { DeleteProviderDialog } from './delete-provider-dialog.tsx'
import { Gate } from './gate.tsx'
import { isSameProvider, providerChange, providerDraft } from './provider-draft.ts'
import { ProviderForm } from './provider-form.tsx'
import { ProviderIcon } from './provider-icon.tsx'
import { ProviderTest } from './provider-test.tsx'
import { providerKind } from './provider-types.ts'
import { providerLook } from './provider-words.ts'
import { providerQuery, refreshProviders } from './queries.ts'
import { useTurnProvider } from './use-turn-provider.tsx'

/** `/ai/settings/providers/{name or id}`: how a provider does, its models, and what is said about it. */
export function AiProviderPage() {
  return (
    <Gate what="see model providers" permission="viewAnyAIProvider">
      {() => <Loaded />}
    </Gate>
  )
}

function Loaded() {
  const provider = useQuery(providerQuery(useRouteParam('provider')))
  if (provider.data !== undefined) return <Provider key={provider.data.id} provider={provider.data} />
  if (!provider.isError) return <PageSkeleton />
  const status = statusOf(provider.error)
  if (status !== 404 && status !== 400)
    return (
      <ErrorPage
        title="The provider could not be read"
        error={provider.error}
        onRetry={() => void provider.refetch()}
      />
    )
  return (
    <EmptyState
      page
      icon={Plug}
      title="There is no such provider"
      action={
        <AppLink href={paths.aiProviders()} className={buttonClass({ tone: 'primary' })}>
          All providers
        </AppLink>
      }
    >
      It was deleted, or the address is wrong.
    </EmptyState>
  )
}

function Provider({ provider }: { readonly provider: AIProvider }) {
  const go = useGo()
  const online = useOnline()
  const [doomed, setDoomed] = useState(false)
  const { turn, pending, question } = useTurnProvider()
  const kind = providerKind(provider.type)
  const parts = [useQuery(routingQuery(provider.id)), useQuery(modelConfigsQuery)]
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs
          above={[{ label: 'Model providers', href: paths.aiProviders() }]}
          here={provider.display_name}
        />
      </div>
      <PageHeader
        title={provider.display_name}
        documentTitle={`${provider.display_name} - Model providers`}
        lead={<ProviderIcon provider={provider} className="size-11" />}
        badge={<StateBadge look={providerLook(provider)} />}
        context={`${kind.label} at ${URL.parse(provider.base_url)?.host ?? provider.base_url}`}
        actions={
          <>
            <Button disabled={!online} busy={pending} onClick={() => turn(provider)}>
              {provider.enabled ? 'Turn off' : 'Turn on'}
            </Button>
            <Button icon={<Trash2 className="size-4" strokeWidth={1.75} />} onClick={() => setDoomed(true)}>
              Delete
            </Button>
          </>
        }
      />
      <div className="flex flex-col gap-4">
        <ProviderTest provider={provider} />
        {GATEWAY_ENABLED ? <AtGateway provider={provider} /> : null}
        <Together queries={parts}>
          {kind.forAgents ? <Models provider={provider} /> : null}
          <RoutingSection key={provider.id} provider={provider} />
          <Edit provider={provider} />
        </Together>
      </div>
      {question}
      {doomed ? (
        <DeleteProviderDialog
          provider={provider}
          onClose={() => setDoomed(false)}
          onDeleted={() => go(paths.aiProviders(), { replace: true })}
        />
      ) : null}
    </Page>
  )
}

/** What tools of people get as its address. */
function AtGateway({ provider }: { readonly provider: AIProvider }) {
  return (
    <Section
      title="Address at the gateway"
      help="The base URL for tools, with a token of this deployment as their key."
      actions={
        <AppLink href={paths.settings('ai')} className={buttonClass({ size: 'dense' })}>
          How to connect a tool
        </AppLink>
      }
    >
      <CopyableCode code={gatewayAddress(location.origin, provider)} label="Copy the address" />
    </Section>
  )
}

function Models({ provider }: { readonly provider: AIProvider }) {
  const models = useQuery(modelConfigsQuery)
  const own = (models.data ?? []).filter(({ ai_provider_id: id }) => id === provider.id)
  return (
    <Section
      title="Models"
      help={own.length === 0 ? 'Agents can use this provider once it has a model.' : undefined}
      flush={own.length > 0}
      actions={
        provider.enabled ? (
          <AppLink
            href={paths.newAiModel({ provider: provider.name })}
            className={buttonClass({ size: 'dense', tone: own.length === 0 ? 'primary' : 'secondary' })}
          >
            <Plus className="size-3.5" aria-hidden="true" /> Add model
          </AppLink>
        ) : null
      }
    >
      {own.length === 0 ? (
        <p className="text-sm text-ink-2">
          {provider.enabled ? 'None yet.' : 'Turn the provider on to add one.'}
        </p>
      ) : (
        <ul>
          {own.map((model) => (
            <li
              key={model.id}
              className="flex min-h-10 items-center gap-2 border-b border-line px-4 text-sm last:border-b-0"
            >
              <AppLink
                href={paths.aiModel(model.id)}
                className="min-w-0 truncate font-medium hover:text-accent"
              >
                {model.display_name || model.model}
              </AppLink>
              {model.is_default ? <Mark>Default</Mark> : null}
              {model.enabled ? null : <Mark>Off</Mark>}
              <code className="ml-auto min-w-0 truncate text-xs text-ink-2">{model.model}</code>
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}

function Edit({ provider }: { readonly provider: AIProvider }) {
  const saved = providerDraft(provider)
  const [draft, setDraft] = useState(saved)
  const changed = useRef(false)
  const same = isSameProvider(saved, { ...draft, enabled: saved.enabled })
  const save = useMutation({
    mutationFn: () => {
      // Whether it is on is changed beside the form.
      const { enabled, ...change } = providerChange(draft, provider)
      return api.call(updateAIProvider, { params: { idOrName: provider.id }, body: change })
    },
    onSuccess: async (next) => {
      changed.current = false
      setDraft(providerDraft(next))
      queries.setQueryData(providerQuery(next.name).queryKey, next)
      toasts.done(`The provider ${next.display_name} was saved`)
      await refreshProviders()
    },
  })
  return (
    <>
      <ProviderForm
        draft={draft}
        onChange={(patch) => {
          const next = { ...draft, ...patch }
          setDraft(next)
          changed.current = !isSameProvider(saved, next)
        }}
        stored={provider}
        verb="Save provider"
        failure="The provider was not saved"
        busy={save.isPending}
        error={save.error}
        cancel={
          same ? null : (
            <Button
              onClick={() => {
                setDraft(saved)
                changed.current = false
                save.reset()
              }}
            >
              Discard changes
            </Button>
          )
        }
        onSubmit={() => save.mutate()}
      />
      <UnsavedChanges changed={changed} what={provider.display_name} />
    </>
  )
}
