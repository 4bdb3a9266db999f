import { useMutation, useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleOff, Cpu, Plus, Unplug } from 'lucide-react'
import { useState } from 'react'

import { type AIProvider, type ChatModelConfig, updateChatModelConfig } from '@slipway/contract'
import { api } from '../api/client.ts'
import { tokens } from '../chats/model-choice.ts'
import { modelConfigsQuery, refreshModels } from '../chats/queries.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { StateBadge, type StateLook } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { toasts } from '../ui/toast.tsx'
import { AiTabs } from './ai-tabs.tsx'
import { DeleteModelDialog } from './delete-model-dialog.tsx'
import { Gate } from './gate.tsx'
import { modelTitle } from './model-title.ts'
import { providersQuery } from './queries.ts'

/** `/ai/settings/models`: what agents think with (UI-1303). */
export function AiModelsPage() {
  return (
    <Gate what="manage models" permission="editDeploymentConfig">
      {() => <Models />}
    </Gate>
  )
}

function Models() {
  const go = useGo()
  const online = useOnline()
  const models = useQuery(modelConfigsQuery)
  const providers = useQuery(providersQuery)
  const [doomed, setDoomed] = useState<ChatModelConfig>()
  const change = useMutation({
    mutationFn: ({
      id,
      body,
    }: {
      readonly id: string
      readonly body: { enabled?: boolean; is_default?: boolean }
    }) => api.call(updateChatModelConfig, { params: { modelConfig: id }, body }),
    onSuccess: refreshModels,
    onError: (error) => toasts.failed('The model was not changed', error),
  })
  const none = providers.data?.some(({ enabled }) => enabled) === false
  const create = none ? (
    <AppLink href={paths.newAiProvider()} className={buttonClass({ tone: 'primary' })}>
      <Plus className="size-4" aria-hidden="true" /> New provider
    </AppLink>
  ) : (
    <AppLink href={paths.newAiModel()} className={buttonClass({ tone: 'primary' })}>
      <Plus className="size-4" aria-hidden="true" /> New model
    </AppLink>
  )
  return (
    <Page>
      <PageHeader
        title="Models"
        documentTitle="Models - AI"
        context="The models that agents can use"
        actions={create}
      />
      <AiTabs />
      {models.isError && models.data === undefined ? (
        <ErrorNotice
          error={models.error}
          title="The models could not be read"
          onRetry={() => void models.refetch()}
        />
      ) : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Models"
            columns={columnsOf(providers.data ?? [])}
            rows={models.data}
            rowKey={(row) => row.id}
            rowLabel={modelTitle}
            actions={(row) => (
              <Menu
                label={`Actions for ${modelTitle(row)}`}
                groups={[
                  [
                    { id: 'open', label: 'Edit', onSelect: () => go(paths.aiModel(row.id)) },
                    {
                      id: 'duplicate',
                      label: 'Duplicate',
                      onSelect: () => go(paths.newAiModel({ duplicate: row.id })),
                    },
                    {
                      id: 'default',
                      label: 'Make default',
                      disabled: !online || row.is_default || !row.enabled,
                      onSelect: () => change.mutate({ id: row.id, body: { is_default: true } }),
                    },
                    {
                      id: 'turn',
                      label: row.enabled ? 'Turn off' : 'Turn on',
                      disabled: !online,
                      onSelect: () => change.mutate({ id: row.id, body: { enabled: !row.enabled } }),
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
              <EmptyState icon={Cpu} title="No models yet" action={create}>
                {none
                  ? 'First add a provider, then choose which of its models agents may use.'
                  : 'Choose which models of your providers agents may use. The first one becomes the default.'}
              </EmptyState>
            }
          />
        </div>
      )}
      {doomed === undefined ? null : (
        <DeleteModelDialog model={doomed} onClose={() => setDoomed(undefined)} />
      )}
    </Page>
  )
}

function lookOf(model: ChatModelConfig, provider: AIProvider | undefined): StateLook {
  if (!model.enabled) return { label: 'Off', tone: 'off', icon: CircleOff }
  return provider?.status === 'disabled' || provider?.status === 'error'
    ? {
        label: provider.status === 'disabled' ? 'Provider off' : 'Provider failing',
        tone: 'warn',
        icon: Unplug,
      }
    : { label: 'On', tone: 'ok', icon: CircleCheck }
}

function columnsOf(providers: readonly AIProvider[]): readonly Column<ChatModelConfig>[] {
  const providerOf = (model: ChatModelConfig) => providers.find(({ id }) => id === model.ai_provider_id)
  return [
    {
      id: 'model',
      header: 'Model',
      cell: (row) => (
        <span className="block min-w-0 py-1.5">
          <span className="flex min-w-0 items-center gap-2">
            <AppLink href={paths.aiModel(row.id)} className="truncate font-medium hover:text-accent">
              <bdi>{modelTitle(row)}</bdi>
            </AppLink>
            {row.is_default ? <Mark>Default</Mark> : null}
          </span>
          <span className="block truncate text-xs text-ink-2">
            {providerOf(row)?.display_name ?? 'Provider deleted'} · <code>{row.model}</code>
          </span>
        </span>
      ),
    },
    {
      id: 'state',
      header: 'State',
      className: '@max-xl:pl-4',
      cell: (row) => <StateBadge look={lookOf(row, providerOf(row))} />,
    },
    {
      id: 'context',
      header: 'Context',
      align: 'end',
      from: 'md',
      cell: (row) => tokens(row.context_limit),
    },
    {
      id: 'threshold',
      header: 'Compacts at',
      align: 'end',
      from: 'lg',
      cell: (row) => (row.compression_threshold >= 100 ? 'Never' : `${row.compression_threshold} %`),
    },
    {
      id: 'effort',
      header: 'Efforts',
      from: 'xl',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          {row.reasoning_efforts === undefined || row.reasoning_efforts.length === 0
            ? '–'
            : `up to ${row.reasoning_efforts.at(-1)}`}
        </span>
      ),
    },
  ]
}
