import { useQuery } from '@tanstack/react-query'
import { Plug, Plus } from 'lucide-react'
import { useState } from 'react'

import type { AIProvider, ChatModelConfig } from '@slipway/contract'
import { modelConfigsQuery } from '../chats/queries.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Menu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { AiTabs } from './ai-tabs.tsx'
import { DeleteProviderDialog } from './delete-provider-dialog.tsx'
import { Gate } from './gate.tsx'
import { ProviderIcon } from './provider-icon.tsx'
import { providerKind } from './provider-types.ts'
import { problemsOf, providerLook } from './provider-words.ts'
import { providersQuery } from './queries.ts'
import { useTurnProvider } from './use-turn-provider.tsx'

/** `/ai/settings/providers`: where models come from (UI-1303). */
export function AiProvidersPage() {
  return (
    <Gate what="see model providers" permission="viewAnyAIProvider">
      {() => <Providers />}
    </Gate>
  )
}

function Providers() {
  const go = useGo()
  const online = useOnline()
  const providers = useQuery(providersQuery)
  const models = useQuery(modelConfigsQuery)
  const [doomed, setDoomed] = useState<AIProvider>()
  const { turn, question } = useTurnProvider()
  const create = (
    <AppLink href={paths.newAiProvider()} className={buttonClass({ tone: 'primary' })}>
      <Plus className="size-4" aria-hidden="true" /> New provider
    </AppLink>
  )
  return (
    <Page>
      <PageHeader
        title="Model providers"
        documentTitle="Model providers - AI"
        context="Where the models for agents and the gateway come from"
        actions={create}
      />
      <AiTabs />
      {providers.isError && providers.data === undefined ? (
        <ErrorNotice
          error={providers.error}
          title="The providers could not be read"
          onRetry={() => void providers.refetch()}
        />
      ) : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Model providers"
            columns={columnsOf(models.data)}
            rows={providers.data}
            rowKey={(row) => row.id}
            rowLabel={(row) => row.display_name}
            actions={(row) => (
              <Menu
                label={`Actions for ${row.display_name}`}
                groups={[
                  [
                    { id: 'open', label: 'Open', onSelect: () => go(paths.aiProvider(row.name)) },
                    {
                      id: 'model',
                      label: 'Add a model',
                      disabled: !row.enabled || !providerKind(row.type).forAgents,
                      onSelect: () => go(paths.newAiModel({ provider: row.name })),
                    },
                    {
                      id: 'turn',
                      label: row.enabled ? 'Turn off' : 'Turn on',
                      disabled: !online,
                      onSelect: () => turn(row),
                    },
                  ],
                  [
                    {
                      id: 'delete',
                      label: 'Delete',
                      danger: true,
                      disabled: !online,
                      onSelect: () => setDoomed(row),
                    },
                  ],
                ]}
              />
            )}
            empty={
              <EmptyState icon={Plug} title="No model providers yet" action={create}>
                Agents use models from Anthropic, OpenAI, Google and others, or from your own server. Add a
                provider, then choose its models.
              </EmptyState>
            }
          />
        </div>
      )}
      {question}
      {doomed === undefined ? null : (
        <DeleteProviderDialog provider={doomed} onClose={() => setDoomed(undefined)} />
      )}
    </Page>
  )
}

/** Where a provider is, or what requests have found wrong with it. */
function SecondLine({ provider }: { readonly provider: AIProvider }) {
  const [problem] = provider.enabled ? problemsOf(provider) : []
  return problem === undefined ? (
    <span className="block truncate text-xs text-ink-2">{provider.base_url}</span>
  ) : (
    <span className="block truncate text-xs text-warn" title={problem.text}>
      {problem.text}
    </span>
  )
}

function columnsOf(models: readonly ChatModelConfig[] | undefined): readonly Column<AIProvider>[] {
  return [
    {
      id: 'provider',
      header: 'Provider',
      cell: (row) => (
        <span className="flex min-w-0 items-center gap-3 py-1.5">
          <ProviderIcon provider={row} className="size-7" />
          <span className="min-w-0">
            <AppLink
              href={paths.aiProvider(row.name)}
              className="block truncate font-medium hover:text-accent"
            >
              <bdi>{row.display_name}</bdi>
            </AppLink>
            {row.status === 'error' && row.status_detail !== '' ? (
              <span className="block truncate text-xs text-bad" title={row.status_detail}>
                {row.status_detail}
              </span>
            ) : (
              <SecondLine provider={row} />
            )}
          </span>
        </span>
      ),
    },
    {
      id: 'state',
      header: 'State',
      className: '@max-xl:pl-14',
      cell: (row) => <StateBadge look={providerLook(row)} />,
    },
    {
      id: 'type',
      header: 'Type',
      from: 'md',
      cell: (row) => <span className="whitespace-nowrap text-ink-2">{providerKind(row.type).label}</span>,
    },
    {
      id: 'keys',
      header: 'Keys',
      align: 'end',
      from: 'lg',
      cell: (row) => (providerKind(row.type).credentials === 'keys' ? row.api_keys.length : ''),
    },
    {
      id: 'models',
      header: 'Models',
      align: 'end',
      from: 'lg',
      cell: (row) => models?.filter(({ ai_provider_id: id }) => id === row.id).length ?? '',
    },
    {
      id: 'tested',
      header: 'Tested',
      from: 'xl',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          <TimeAgo time={row.last_check?.checked_at} />
        </span>
      ),
    },
  ]
}
