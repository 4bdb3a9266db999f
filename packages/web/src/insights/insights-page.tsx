import { useQuery } from '@tanstack/react-query'
import { ChartColumn } from 'lucide-react'
import { useState } from 'react'

import type { TemplateInsightsIntervalReport } from '@slipway/contract'
import { useAddress } from '../navigation/address.ts'
import { useTemplate } from '../templates/template-context.ts'
import { BarChart } from '../ui/bar-chart.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { saveCsv } from './csv.ts'
import { AppTable, ParameterTable, UserTable } from './insights-tables.tsx'
import { insightsQuery } from './queries.ts'
import { dayLabel, daysOf, type InsightsRange, insightsRange, lastDays } from './range.ts'
import { SaveButton } from './save-button.tsx'

const RANGES = [
  { id: '7', label: '7 days' },
  { id: '30', label: '30 days' },
  { id: '84', label: '12 weeks' },
  { id: 'custom', label: 'Custom' },
] as const
const INTERVALS = [
  { id: 'day', label: 'Days' },
  { id: 'week', label: 'Weeks' },
] as const
const VIEWS = [
  { id: 'chart', label: 'Chart' },
  { id: 'table', label: 'Table' },
] as const

/** `/templates/{template}/insights`: who uses a template, with what, and how far away (UI-1008). */
export function InsightsPage() {
  const { template, mayReadInsights } = useTemplate()
  const [search] = useAddress()
  // One moment and one offset for all that is shown: what is under way would be asked for again and again.
  const [{ now, offset }] = useState(() => ({ now: Date.now(), offset: -new Date().getTimezoneOffset() }))
  const range = insightsRange(search, now, offset)
  const insights = useQuery({ ...insightsQuery(template.id, range), enabled: mayReadInsights === true })
  if (mayReadInsights === false)
    return <NoPermission what="see how this template is used" permission="template:view_insights" />
  const { data } = insights
  return (
    <div className="flex flex-col gap-4">
      <RangeBar range={range} now={now} offset={offset} />
      {insights.isError ? (
        <ErrorNotice
          error={insights.error}
          title="The insights could not be read"
          onRetry={() => void insights.refetch()}
        />
      ) : null}
      {data === undefined ? (
        insights.isError ? null : (
          <AfterDelay>
            <div className="flex flex-col gap-4" aria-busy="true">
              <div className="skeleton h-64 rounded-card" />
              <div className="skeleton h-48 rounded-card" />
            </div>
          </AfterDelay>
        )
      ) : data.users.length === 0 && (data.report?.parameters_usage.length ?? 0) === 0 ? (
        <div className="rounded-card border border-line bg-surface">
          <EmptyState icon={ChartColumn} title="There is not enough data yet">
            Nobody has used this template in this time. Use is counted while somebody works in a workspace,
            and shows here some minutes later.
          </EmptyState>
        </div>
      ) : (
        <div className="flex flex-col gap-4" aria-busy={insights.isPlaceholderData}>
          <ActiveUsers intervals={data.intervals} range={range} total={data.report?.active_users ?? 0} />
          <AppTable apps={data.report?.apps_usage ?? []} />
          <UserTable users={data.users} latencies={data.latencies} />
          <ParameterTable parameters={data.report?.parameters_usage ?? []} />
        </div>
      )}
    </div>
  )
}

/** Which days, and whether they are told one by one or by the week. */
function RangeBar({
  range,
  now,
  offset,
}: {
  readonly range: InsightsRange
  readonly now: number
  readonly offset: number
}) {
  const [, change] = useAddress()
  const [asked, setAsked] = useState(false)
  const days = String(daysOf(range))
  const known = range.partial ? RANGES.find(({ id }) => id === days)?.id : undefined
  const chosen = asked ? 'custom' : (known ?? 'custom')
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Segmented
        label="Range"
        options={RANGES}
        value={chosen}
        onChange={(id) => {
          setAsked(id === 'custom')
          if (id !== 'custom')
            change({ ...lastDays(Number(id), now, offset), interval: id === '84' ? 'week' : undefined })
        }}
      />
      {chosen === 'custom' ? (
        <span className="inline-flex flex-wrap items-center gap-1.5 text-xs text-ink-2">
          <input
            type="date"
            aria-label="First day"
            value={range.startDate}
            max={range.endDate}
            onChange={(event) => change({ startDate: event.target.value, endDate: range.endDate })}
            className={DAY}
          />
          to
          <input
            type="date"
            aria-label="Last day"
            value={range.endDate}
            max={insightsRange({}, now, offset).endDate}
            onChange={(event) => change({ startDate: range.startDate, endDate: event.target.value })}
            className={DAY}
          />
        </span>
      ) : null}
      <span className="sm:ml-auto">
        <Segmented
          label="Interval"
          options={INTERVALS}
          value={range.interval}
          onChange={(id) => change({ interval: id === 'week' ? id : undefined })}
        />
      </span>
    </div>
  )
}

const DAY =
  'h-8 rounded-control border border-line-strong bg-surface px-2 text-xs text-ink hover:border-ink-3 focus-visible:outline-offset-0 pointer-coarse:h-10'

/** How many people used the template in each day or week, as bars or as a table. */
function ActiveUsers({
  intervals,
  range,
  total,
}: {
  readonly intervals: readonly TemplateInsightsIntervalReport[]
  readonly range: InsightsRange
  readonly total: number
}) {
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const week = range.interval === 'week'
  const title = week ? 'Active users by week' : 'Active users by day'
  const labelOf = (report: TemplateInsightsIntervalReport, index: number): string => {
    const label = week ? `Week of ${dayLabel(report.start_time)}` : dayLabel(report.start_time)
    return range.partial && index === intervals.length - 1 ? `${label}, until now` : label
  }
  const rows = intervals.map((report, index) => ({ ...report, label: labelOf(report, index) }))
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { id: 'day', header: week ? 'Week' : 'Day', cell: (row) => row.label },
    {
      id: 'users',
      header: 'Active users',
      align: 'end',
      cell: (row) => row.active_users.toLocaleString('en-US'),
    },
  ]
  return (
    <Section
      title={title}
      help={`${total === 1 ? 'One user' : `${total.toLocaleString('en-US')} users`} in all`}
      flush={view === 'table'}
      actions={
        <span className="flex flex-wrap items-center gap-2">
          <SaveButton
            onSave={() =>
              saveCsv(
                'active-users.csv',
                ['from', 'to', 'active_users'],
                intervals.map((one) => [one.start_time, one.end_time, one.active_users]),
              )
            }
            what={title}
          />
          <Segmented label="Show as" options={VIEWS} value={view} onChange={setView} />
        </span>
      }
    >
      {view === 'chart' ? (
        <BarChart
          label={title}
          bars={rows.map((row) => ({ id: row.start_time, label: row.label, value: row.active_users }))}
          format={(value) => (Number.isInteger(value) ? value.toLocaleString('en-US') : '')}
        />
      ) : (
        <Table
          label={title}
          columns={columns}
          rows={rows.toReversed()}
          rowKey={(row) => row.start_time}
          rowLabel={(row) => row.label}
          dense
          empty={null}
        />
      )}
    </Section>
  )
}
