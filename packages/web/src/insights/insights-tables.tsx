import type { TemplateAppUsage, TemplateParameterUsage, UserActivity, UserLatency } from '@slipway/contract'
import { Section } from '../ui/page.tsx'
import { Person } from '../ui/person.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { saveCsv } from './csv.ts'
import { SaveButton } from './save-button.tsx'

/** Up to which distances, in milliseconds, work feels immediate or at least bearable. */
const NEAR_MS = 150
const FAR_MS = 300

/** Hours for people; what is not zero does not look like it. */
function hours(seconds: number): string {
  const value = seconds / 3_600
  if (value > 0 && value < 0.1) return '< 0.1 h'
  return `${value.toLocaleString('en-US', { maximumFractionDigits: 1 })} h`
}

function Share({ value, most }: { readonly value: number; readonly most: number }) {
  return (
    <span className="block h-1.5 w-28 overflow-hidden rounded-full bg-line" aria-hidden="true">
      <span
        className="block h-full rounded-full bg-accent"
        style={{ width: `${most === 0 ? 0 : (value / most) * 100}%` }}
      />
    </span>
  )
}

/** How long each way to work and each app was used, the longest first. */
export function AppTable({ apps }: { readonly apps: readonly TemplateAppUsage[] }) {
  const used = apps.filter(({ seconds }) => seconds > 0).toSorted((one, other) => other.seconds - one.seconds)
  const most = Math.max(0, ...used.map(({ seconds }) => seconds))
  const nameOf = (app: TemplateAppUsage): string => (app.display_name === '' ? app.slug : app.display_name)
  const columns: readonly Column<TemplateAppUsage>[] = [
    {
      id: 'app',
      header: 'App',
      cell: (row) => (
        <span className="flex min-w-0 items-center gap-2.5">
          <ThingIcon src={row.icon} className="size-4 shrink-0" />
          <bdi className="truncate font-medium">{nameOf(row)}</bdi>
        </span>
      ),
    },
    { id: 'share', header: 'Share', from: 'md', cell: (row) => <Share value={row.seconds} most={most} /> },
    {
      id: 'times',
      header: 'Times used',
      align: 'end',
      from: 'sm',
      // How often the built-in ones were begun to be used is not known.
      cell: (row) => (row.type === 'app' ? row.times_used.toLocaleString('en-US') : '–'),
    },
    {
      id: 'time',
      header: 'Time',
      align: 'end',
      className: '@max-xl:pl-11',
      cell: (row) => <span className="whitespace-nowrap">{hours(row.seconds)}</span>,
    },
  ]
  return (
    <Section
      title="Use by app"
      help="All users together"
      flush
      actions={
        <SaveButton
          what="Use by app"
          onSave={() =>
            saveCsv(
              'apps.csv',
              ['app', 'slug', 'seconds', 'times_used'],
              used.map((app) => [
                nameOf(app),
                app.slug,
                app.seconds,
                app.type === 'app' ? app.times_used : '',
              ]),
            )
          }
        />
      }
    >
      <Table
        label="Use by app"
        columns={columns}
        rows={used}
        rowKey={(row) => `${row.type} ${row.slug} ${row.display_name}`}
        rowLabel={nameOf}
        dense
        empty={<p className="px-4 py-6 text-center text-sm text-ink-2">No app was used.</p>}
      />
    </Section>
  )
}

type User = UserActivity & { readonly latency: UserLatency['latency_ms'] | undefined }

/** Users by how long they were active, and how far their workspaces were away. */
export function UserTable({
  users,
  latencies,
}: {
  readonly users: readonly UserActivity[]
  readonly latencies: readonly UserLatency[]
}) {
  const known = new Map(latencies.map(({ user_id, latency_ms }) => [user_id, latency_ms]))
  const rows: readonly User[] = users.map((user) => ({ ...user, latency: known.get(user.user_id) }))
  const most = Math.max(0, ...rows.map(({ seconds }) => seconds))
  const columns: readonly Column<User>[] = [
    {
      id: 'user',
      header: 'User',
      cell: (row) => <Person username={row.username} avatarUrl={row.avatar_url} />,
    },
    { id: 'share', header: 'Share', from: 'lg', cell: (row) => <Share value={row.seconds} most={most} /> },
    {
      id: 'active',
      header: 'Active',
      align: 'end',
      className: '@max-xl:pl-14',
      cell: (row) => <span className="whitespace-nowrap">{hours(row.seconds)}</span>,
    },
    {
      id: 'p50',
      header: 'Latency, median',
      align: 'end',
      className: '@max-xl:pl-14',
      cell: (row) => <Latency ms={row.latency?.p50} />,
    },
    { id: 'p95', header: '95 %', align: 'end', from: 'md', cell: (row) => <Latency ms={row.latency?.p95} /> },
  ]
  return (
    <Section
      title="Users"
      help="The most active first"
      flush
      actions={
        <SaveButton
          what="Users"
          onSave={() =>
            saveCsv(
              'users.csv',
              ['user', 'seconds', 'latency_p50_ms', 'latency_p95_ms'],
              rows.map((row) => [row.username, row.seconds, row.latency?.p50 ?? '', row.latency?.p95 ?? '']),
            )
          }
        />
      }
    >
      <Table
        label="Users"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.user_id}
        rowLabel={(row) => row.username}
        dense
        empty={<p className="px-4 py-6 text-center text-sm text-ink-2">Nobody was active.</p>}
      />
    </Section>
  )
}

/** A distance: its number, in the colour of how that feels. */
function Latency({ ms }: { readonly ms: number | undefined }) {
  if (ms === undefined) return <span className="text-ink-3">–</span>
  const tone = ms < NEAR_MS ? 'text-ok' : ms < FAR_MS ? 'text-warn' : 'text-bad'
  return <span className={`whitespace-nowrap ${tone}`}>{ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms</span>
}

interface ParameterValue {
  readonly key: string
  readonly parameter: string
  readonly value: string
  readonly shown: string
  readonly count: number
}

/** Which values workspaces were started with. */
export function ParameterTable({ parameters }: { readonly parameters: readonly TemplateParameterUsage[] }) {
  const rows: readonly ParameterValue[] = parameters.flatMap((parameter, place) =>
    parameter.values.map(({ value, count }) => ({
      key: `${place} ${value}`,
      parameter: parameter.display_name === '' ? parameter.name : parameter.display_name,
      value,
      shown: parameter.options?.find((option) => option.value === value)?.name ?? value,
      count,
    })),
  )
  const columns: readonly Column<ParameterValue>[] = [
    {
      id: 'parameter',
      header: 'Parameter',
      cell: (row) => <bdi className="font-medium">{row.parameter}</bdi>,
    },
    {
      id: 'value',
      header: 'Value',
      className: '@max-xl:pl-4',
      cell: (row) =>
        row.shown === '' ? (
          <span className="text-ink-3">empty</span>
        ) : (
          <bdi className="block max-w-sm truncate" title={row.value}>
            {row.shown}
          </bdi>
        ),
    },
    {
      id: 'count',
      header: 'Workspaces',
      align: 'end',
      className: '@max-xl:pl-4',
      cell: (row) => (
        <>
          {row.count.toLocaleString('en-US')}
          {/* Where the column has no heading. */}
          <span className="@xl:hidden">{row.count === 1 ? ' workspace' : ' workspaces'}</span>
        </>
      ),
    },
  ]
  return (
    <Section
      title="Parameters"
      help="Of the latest start of each workspace"
      flush
      actions={
        <SaveButton
          what="Parameters"
          onSave={() =>
            saveCsv(
              'parameters.csv',
              ['parameter', 'value', 'workspaces'],
              rows.map((row) => [row.parameter, row.value, row.count]),
            )
          }
        />
      }
    >
      <Table
        label="Parameters"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.key}
        rowLabel={(row) => `${row.parameter}: ${row.shown}`}
        dense
        empty={<p className="px-4 py-6 text-center text-sm text-ink-2">No workspace was started with any.</p>}
      />
    </Section>
  )
}
