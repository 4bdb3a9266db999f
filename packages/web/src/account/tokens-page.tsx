import { useQuery } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'

import { type APIKey, deleteKey, NEVER } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Mark } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import type { Column } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { effectiveAccess, entryOf } from './allow-list.ts'
import { GATEWAY_SCOPE } from './key-limits.ts'
import { OwnThings } from './own-things.tsx'
import { tokensQuery } from './queries.ts'
import { FULL_SCOPE, scopesOf } from './token-scopes.ts'

const SOON_MS = 7 * 86_400_000

/** `/settings/tokens`: keys for programs (UI-1502). */
export function TokensPage() {
  const online = useOnline()
  const go = useGo()
  const tokens = useQuery(tokensQuery)
  const make = (
    <AppLink href={paths.settings('tokens/new')} className={buttonClass({ tone: 'primary' })}>
      <Plus className="size-4" /> New token
    </AppLink>
  )
  return (
    <OwnThings
      label="Tokens"
      about="Tokens let programs act for you over the API, within their scopes."
      list={tokens}
      rows={tokens.data?.filter((token) => token.login_type === 'token')}
      columns={COLUMNS}
      id={(row) => row.id}
      name={(row) => row.token_name}
      make={make}
      empty={
        <EmptyState icon={KeyRound} title="No tokens yet" action={make}>
          Create one for a script, a pipeline, or a tool that talks to Slipway.
        </EmptyState>
      }
      actions={(row, onDelete) => (
        <Menu
          label={`Actions for ${row.token_name}`}
          groups={[
            [{ id: 'edit', label: 'Edit', onSelect: () => go(paths.token(row.id)) }],
            [{ id: 'delete', label: 'Delete', danger: true, disabled: !online, onSelect: onDelete }],
          ]}
        />
      )}
      kind="token"
      loss="Anything that uses it is refused from now on. This cannot be undone."
      remove={async ({ id }) => {
        await api.call(deleteKey, { params: { user: 'me', keyid: id } })
        await queries.invalidateQueries({ queryKey: tokensQuery.queryKey })
      }}
    />
  )
}

const COLUMNS: readonly Column<APIKey>[] = [
  {
    id: 'name',
    header: 'Name',
    cell: (row) => (
      <span className="flex min-w-0 flex-col">
        <AppLink href={paths.token(row.id)} className="truncate font-medium hover:text-accent">
          <bdi>{row.token_name}</bdi>
        </AppLink>
        <code className="truncate text-xs text-ink-3">{row.id}</code>
      </span>
    ),
  },
  { id: 'scopes', header: 'Scopes', from: 'sm', cell: (row) => <Scopes token={row} /> },
  {
    id: 'used',
    header: 'Last used',
    from: 'md',
    cell: (row) => (
      <span className="flex flex-col whitespace-nowrap text-ink-2">
        <TimeAgo time={row.last_used} />
        {row.last_used_ip === undefined || isNever(row.last_used) ? null : (
          <code className="text-xs text-ink-3">{row.last_used_ip}</code>
        )}
      </span>
    ),
  },
  {
    id: 'created',
    header: 'Created',
    from: 'lg',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={row.created_at} />
      </span>
    ),
  },
  {
    id: 'expires',
    header: 'Expires',
    className: '@max-xl:pl-4',
    cell: (row) => {
      const left = Date.parse(row.expires_at) - Date.now()
      return (
        <span className={`whitespace-nowrap ${left < SOON_MS ? 'font-medium text-warn' : 'text-ink-2'}`}>
          {left < 0 ? 'expired ' : <span className="@xl:hidden">expires </span>}
          <TimeAgo time={row.expires_at} />
        </span>
      )
    },
  },
]

function isNever(time: string): boolean {
  return Date.parse(time) <= Date.parse(NEVER)
}

/** What a token may do, and on what; the whole of it on hover and for assistive software (UI-1503). */
function Scopes({ token }: { readonly token: APIKey }) {
  const names = scopesOf(token)
  const limited = token.allow_list.flatMap((entry) => entryOf(entry) ?? [])
  const full = names.includes(FULL_SCOPE)
  return (
    <span
      className="flex flex-wrap gap-1"
      title={effectiveAccess(names, limited.length === 0 ? undefined : limited)}
    >
      <Mark>
        {full
          ? 'Full access'
          : names.length === 1
            ? names[0] === GATEWAY_SCOPE
              ? 'AI models'
              : (names[0] ?? '')
            : `${names.length} scopes`}
      </Mark>
      {limited.length === 0 ? null : (
        <Mark>{limited.length === 1 ? '1 resource' : `${limited.length} resources`}</Mark>
      )}
    </span>
  )
}
