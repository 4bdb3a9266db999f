import { useQuery } from '@tanstack/react-query'
import { Waypoints } from 'lucide-react'
import { useState } from 'react'

import type { UserAIProviderKey } from '@slipway/contract'
import { sessionsQuery } from '../ai-sessions/queries.ts'
import { daysAgo } from '../ai-sessions/range-menu.tsx'
import { sessionColumns } from '../ai-sessions/session-columns.tsx'
import { GATEWAY_ENABLED } from '../chats/gateway.ts'
import { ownKeysQuery } from '../chats/settings/queries.ts'
import { SettingState } from '../chats/settings/setting-state.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { CopyButton } from '../ui/copyable.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { Pagination } from '../ui/pagination.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Table } from '../ui/table.tsx'
import { Together } from '../ui/together.tsx'
import { ownSpendQuery } from './queries.ts'
import { SpendMeter } from './spend-meter.tsx'
import { periodWords, renewalWords } from './spend-words.ts'
import { providerNames, type ToolId, toolSetups } from './tool-setups.ts'

/** `/settings/ai`: what the viewer has spent of their budget, their sessions, and how tools use the gateway. */
export function OwnUsagePage() {
  const spend = useQuery(ownSpendQuery)
  const keys = useQuery(ownKeysQuery)
  return (
    <Together queries={[spend, keys]}>
      <div className="flex flex-col gap-4">
        {GATEWAY_ENABLED ? null : (
          <Notice tone="info" title="The gateway is turned off">
            Models cannot be reached through this deployment. An operator can turn it on with the option{' '}
            <code>--ai-gateway-enabled</code>.
          </Notice>
        )}
        <Section title="AI spend" help="What your use of models has cost, in tools and in chats.">
          <SettingState query={spend} failure="Your spend could not be read">
            {(status) => (
              <div className="flex max-w-md flex-col gap-1">
                <span className="text-xs text-ink-2">
                  Spent {periodWords(status.period_start, status.period_end)}
                </span>
                <SpendMeter
                  wide
                  label="Your budget"
                  spent={status.current_spend_micros}
                  limit={status.effective_budget?.spend_limit_micros ?? null}
                />
                <span className="text-xs text-ink-2">
                  {status.effective_budget === null
                    ? 'No budget limits what you spend.'
                    : [
                        status.effective_budget.limit_source === 'user_override'
                          ? 'Your own budget'
                          : 'Your group’s budget',
                        status.current_spend_micros < status.effective_budget.spend_limit_micros
                          ? undefined
                          : 'It is used up: requests may be refused',
                        renewalWords(status.period_start, status.period_end),
                      ]
                        .filter((part) => part !== undefined)
                        .join('. ')}
                </span>
              </div>
            )}
          </SettingState>
        </Section>
        <ConnectTool keys={keys.data} />
        <OwnSessions />
      </div>
    </Together>
  )
}

function ConnectTool({ keys }: { readonly keys: readonly UserAIProviderKey[] | undefined }) {
  const names = providerNames(keys ?? [])
  const setups = toolSetups(location.origin, names)
  const [id, setId] = useState<ToolId>('claude-code')
  const setup = setups.find((one) => one.id === id)
  return (
    <Section
      title="Connect a tool"
      help="Tools use models through the gateway, with your token instead of a provider’s key."
      actions={
        <AppLink href={paths.newToken({ for: 'ai' })} className={buttonClass({ size: 'dense' })}>
          New token
        </AppLink>
      }
    >
      <div className="flex min-w-0 flex-col gap-3">
        <Segmented label="Tool" options={setups} value={id} onChange={setId} />
        {setup === undefined ? null : (
          <>
            <p className="text-sm text-ink-2">{setup.how}</p>
            <div className="flex min-w-0 items-start gap-1 rounded-control border border-line bg-bg py-1 pl-2.5 pr-1">
              <pre
                // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
                tabIndex={0}
                className="min-w-0 flex-1 overflow-x-auto py-1 text-sm"
              >
                <code>{setup.code}</code>
              </pre>
              <CopyButton text={setup.code} label="Copy the settings" />
            </div>
            {keys === undefined ? null : <Choice names={names[setup.api]} />}
          </>
        )}
      </div>
    </Section>
  )
}

/** Which providers the settings of a tool may name. */
function Choice({ names: [first, ...others] }: { readonly names: readonly string[] }) {
  const mayAdd = usePermissions()?.viewAnyAIProvider === true
  if (first === undefined)
    return (
      <p className="text-xs text-warn">
        No provider of this deployment speaks what the tool does.{' '}
        {mayAdd ? (
          <AppLink href={paths.newAiProvider()} className="link">
            Add one
          </AppLink>
        ) : (
          'An administrator can add one.'
        )}
      </p>
    )
  return (
    <p className="text-xs text-ink-2 [overflow-wrap:anywhere]">
      <code>{first}</code> is the name of the provider.
      {others.length === 0 ? null : (
        <>
          {' '}
          The tool can also use{' '}
          {others.map((name, index) => (
            <span key={name}>
              {index === 0 ? '' : ', '}
              <code>{name}</code>
            </span>
          ))}
          .
        </>
      )}
    </p>
  )
}

function OwnSessions() {
  const address = useListAddress()
  const list = useQuery(
    sessionsQuery({
      filter: `initiator:me started_after:"${daysAgo(30)}"`,
      page: address.page,
    }),
  )
  return (
    <Section title="Sessions" help="The last 30 days." flush>
      {list.isError ? (
        <div className="p-4">
          <ErrorNotice
            error={list.error}
            title="Your sessions could not be read"
            onRetry={() => void list.refetch()}
          />
        </div>
      ) : null}
      {list.isError && list.data === undefined ? null : (
        <>
          <Table
            label="Your sessions"
            columns={sessionColumns({ from: { filter: '', page: 1 }, own: true })}
            rows={list.data?.sessions}
            rowKey={(row) => row.id}
            rowLabel={(row) => row.last_prompt ?? row.id}
            stale={list.isPlaceholderData}
            empty={
              <EmptyState icon={Waypoints} title="No sessions">
                You have not used a model in this time, or your organization does not show members their
                records.
              </EmptyState>
            }
          />
          <Pagination page={address.page} count={list.data?.count ?? 0} onPage={address.setPage} />
        </>
      )}
    </Section>
  )
}
