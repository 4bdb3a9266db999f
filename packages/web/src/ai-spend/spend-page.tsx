import { useQuery } from '@tanstack/react-query'
import { ChartColumn, Download } from 'lucide-react'
import type { ReactNode } from 'react'

import { exportOrganizationAISpend, type OrganizationAISpendDaily } from '@slipway/contract'
import { shortCount } from '../ai-gateway/money.ts'
import { requestPath } from '../api/http.ts'
import { dollars } from '../chats/chat-words.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationPage } from '../organizations/organization-page.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Menu } from '../ui/menu.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { DailyChart } from './daily-chart.tsx'
import { dailySpendQuery } from './queries.ts'
import { ModelTable, UserTable } from './spend-tables.tsx'
import { monthBounds, totals } from './spend-words.ts'

const RANGES = [
  { id: '7', label: '7 days' },
  { id: '30', label: '30 days' },
  { id: '90', label: '90 days' },
] as const

/** `/organizations/{org}/ai-spend`: what models have cost, by day, model and user (AG-116, AG-117). */
export function SpendPage() {
  const { organization, may } = useOrganization()
  const [search, change] = useAddress()
  const range = RANGES.find(({ id }) => id === search.days)?.id ?? '30'
  const spend = useQuery({
    ...dailySpendQuery(organization.id, Number(range)),
    enabled: may.viewGroupMembers,
  })
  return (
    <OrganizationPage
      page="ai-spend"
      lack={
        may.viewGroupMembers ? undefined : { what: 'see what models cost', permission: 'group_member:read' }
      }
      actions={<Export organization={organization.id} />}
    >
      <div className="flex flex-col gap-4">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <Segmented
            label="Range"
            options={RANGES}
            value={range}
            onChange={(next) => change({ days: next === '30' ? undefined : next })}
          />
          <p className="text-xs text-ink-2">Days are in UTC.</p>
        </div>
        {spend.isError ? (
          <ErrorNotice
            error={spend.error}
            title="The spend could not be read"
            onRetry={() => void spend.refetch()}
          />
        ) : null}
        {spend.data !== undefined ? (
          <Spend spend={spend.data} />
        ) : spend.isError ? null : (
          <AfterDelay>
            <div className="flex flex-col gap-4" aria-busy="true">
              <div className="skeleton h-20 rounded-card" />
              <div className="skeleton h-64 rounded-card" />
              <div className="skeleton h-48 rounded-card" />
            </div>
          </AfterDelay>
        )}
      </div>
    </OrganizationPage>
  )
}

function Spend({ spend }: { readonly spend: OrganizationAISpendDaily }) {
  const { organization } = useOrganization()
  const [search, change] = useAddress()
  const mayFix = usePermissions()?.editDeploymentConfig === true
  const sum = totals(spend.days)
  if (sum.requests === 0)
    return (
      <div className="rounded-card border border-line bg-surface">
        <EmptyState
          icon={ChartColumn}
          title="Nobody has used a model in this time"
          action={
            <AppLink href={paths.settings('ai')} className={buttonClass({})}>
              How to use the gateway
            </AppLink>
          }
        >
          What members of this organization use through the gateway is counted here.
        </EmptyState>
      </div>
    )
  const priced = sum.requests - sum.unpriced_requests
  return (
    <>
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-card border border-line bg-line lg:grid-cols-4">
        <Figure
          label="Cost"
          note={priced > 0 ? `${dollars(sum.cost_micros / priced)} per request` : undefined}
        >
          {dollars(sum.cost_micros)}
        </Figure>
        <Figure label="Requests">{sum.requests.toLocaleString('en-US')}</Figure>
        <Figure label="Tokens in" note={`${shortCount(sum.cache_read_tokens)} from the cache`}>
          {shortCount(sum.input_tokens + sum.cache_read_tokens + sum.cache_write_tokens)}
        </Figure>
        <Figure label="Tokens out">{shortCount(sum.output_tokens)}</Figure>
      </dl>
      {sum.unpriced_requests === 0 ? null : (
        <Notice
          tone="info"
          title={
            sum.unpriced_requests === 1
              ? 'One request has no price'
              : `${sum.unpriced_requests.toLocaleString('en-US')} requests have no price`
          }
          {...(mayFix
            ? {
                action: (
                  <AppLink href={paths.aiModelPrices()} className={buttonClass({ size: 'dense' })}>
                    Set prices
                  </AppLink>
                ),
              }
            : {})}
        >
          The price of {sum.unpriced_requests === 1 ? 'its' : 'their'} model is not known, so{' '}
          {sum.unpriced_requests === 1 ? 'its' : 'their'} cost is missing from totals and budgets.
        </Notice>
      )}
      <DailyChart spend={spend} />
      <Section title="Models" flush>
        <ModelTable spend={spend} chosen={search.model} onChoose={(model) => change({ model })} />
      </Section>
      <Section
        title="Users"
        help="Highest spend first."
        flush
        actions={
          <AppLink
            href={paths.organizationPage(organization.name, 'ai-limits')}
            className={buttonClass({ size: 'dense' })}
          >
            Budgets
          </AppLink>
        }
      >
        <UserTable users={spend.users} />
      </Section>
    </>
  )
}

function Figure({
  label,
  note,
  children,
}: {
  readonly label: string
  readonly note?: string | undefined
  readonly children: ReactNode
}) {
  return (
    <div className="flex min-w-0 flex-col bg-surface px-4 py-3">
      <dt className="text-xs text-ink-2">{label}</dt>
      <dd className="text-xl font-semibold tabular-nums tracking-[-0.012em]">
        {children}
        {note === undefined ? null : (
          <span className="block text-xs font-normal tracking-normal text-ink-2">{note}</span>
        )}
      </dd>
    </div>
  )
}

/** A file of a month for spreadsheets: each user, model and provider in a line (AG-117). */
function Export({ organization }: { readonly organization: string }) {
  const download = (back: 0 | 1) => {
    const { from, to } = monthBounds(Date.now(), back)
    const link = document.createElement('a')
    link.href = requestPath(
      exportOrganizationAISpend.path,
      { organization },
      // Without bounds it is this month, as far as records are kept.
      back === 0 ? {} : { period_start: from, period_end: to },
    )
    link.download = ''
    link.click()
  }
  return (
    <Menu
      label="Export"
      trigger={<Button icon={<Download className="size-3.5" />}>Export</Button>}
      groups={[
        [
          { id: 'this', label: 'This month', hint: 'CSV, until now', onSelect: () => download(0) },
          { id: 'last', label: 'Last month', hint: 'CSV, the whole of it', onSelect: () => download(1) },
        ],
      ]}
    />
  )
}
