import type { OrganizationAISpendDaily } from '@slipway/contract'
import { money, shortCount } from '../ai-gateway/money.ts'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Person } from '../ui/person.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { modelKey } from './spend-words.ts'

type Model = OrganizationAISpendDaily['models'][number]
type Spender = OrganizationAISpendDaily['users'][number]

/** Models by what they cost; each can be picked out in the chart. */
export function ModelTable({
  spend,
  chosen,
  onChoose,
}: {
  readonly spend: OrganizationAISpendDaily
  readonly chosen: string | undefined
  readonly onChoose: (model: string | undefined) => void
}) {
  const most = Math.max(0, ...spend.models.map(({ cost_micros }) => cost_micros))
  const columns: readonly Column<Model>[] = [
    {
      id: 'model',
      header: 'Model',
      cell: (row) => (
        <span className="flex min-w-0 items-baseline gap-2">
          <button
            type="button"
            aria-pressed={chosen === modelKey(row)}
            title="Show its part in the chart"
            onClick={() => onChoose(chosen === modelKey(row) ? undefined : modelKey(row))}
            className="min-w-0 truncate rounded-sm text-left font-mono text-[13px] font-medium hover:text-accent aria-pressed:text-accent pointer-coarse:min-h-10"
          >
            <bdi>{row.model}</bdi>
          </button>
          <span className="shrink-0 truncate text-xs text-ink-2 max-sm:hidden">{row.provider_name}</span>
        </span>
      ),
    },
    {
      id: 'share',
      header: 'Share',
      from: 'lg',
      cell: (row) => (
        <span className="block h-1.5 w-28 overflow-hidden rounded-full bg-line" aria-hidden="true">
          <span
            className="block h-full rounded-full bg-accent"
            style={{ width: `${most === 0 ? 0 : (row.cost_micros / most) * 100}%` }}
          />
        </span>
      ),
    },
    ...usageColumns<Model>('@max-xl:pl-4'),
  ]
  return (
    <Table
      label="Models"
      columns={columns}
      rows={spend.models}
      rowKey={modelKey}
      rowLabel={(row) => row.model}
      dense
      empty={<p className="px-4 py-6 text-center text-sm text-ink-2">No model was used.</p>}
    />
  )
}

/** Users by what they spent. */
export function UserTable({ users }: { readonly users: readonly Spender[] }) {
  const permissions = usePermissions()
  const columns: readonly Column<Spender>[] = [
    {
      id: 'user',
      header: 'User',
      cell: (row) => (
        <Person
          username={row.username}
          name={row.name}
          avatarUrl={row.avatar_url}
          {...(permissions?.viewAnyAIBridgeInterception === true
            ? {
                link: {
                  href: paths.aiSessions({ filter: `initiator:${row.username}` }),
                  title: `Sessions of ${row.username}`,
                },
              }
            : {})}
        />
      ),
    },
    ...usageColumns<Spender>('@max-xl:pl-14'),
  ]
  return (
    <Table
      label="Users"
      columns={columns}
      rows={users}
      rowKey={(row) => row.user_id}
      rowLabel={(row) => row.username}
      empty={<p className="px-4 py-6 text-center text-sm text-ink-2">Nobody used a model.</p>}
    />
  )
}

function usageColumns<Row extends Omit<Model, 'model' | 'provider_name'>>(
  indent: string,
): readonly Column<Row>[] {
  return [
    {
      id: 'requests',
      header: 'Requests',
      align: 'end',
      from: 'sm',
      cell: (row) => row.requests.toLocaleString('en-US'),
    },
    {
      id: 'in',
      header: 'Tokens in',
      align: 'end',
      from: 'md',
      cell: (row) => shortCount(row.input_tokens + row.cache_read_tokens + row.cache_write_tokens),
    },
    {
      id: 'out',
      header: 'Out',
      align: 'end',
      from: 'md',
      cell: (row) => shortCount(row.output_tokens),
    },
    {
      id: 'cost',
      header: 'Cost',
      align: 'end',
      className: indent,
      cell: (row) =>
        row.unpriced_requests >= row.requests ? (
          <span className="text-ink-3" title="Its price is not known">
            –
          </span>
        ) : (
          <span
            title={
              row.unpriced_requests === 0
                ? undefined
                : `${row.unpriced_requests.toLocaleString('en-US')} requests without a price are not in it`
            }
          >
            {money(row.cost_micros)}
          </span>
        ),
    },
  ]
}
