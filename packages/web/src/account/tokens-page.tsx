import { useMutation, useQuery } from '@tanstack/react-query'
import { KeyRound, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'

import { type APIKey, deleteKey, listTokens, NEVER } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { effectiveAccess, entryOf } from './allow-list.ts'
import { canonicalScope, FULL_SCOPE } from './token-scopes.ts'

const SOON_MS = 7 * 86_400_000

/** `/settings/tokens`: keys for programs (UI-1502). */
export function TokensPage() {
  const tokens = useQuery({
    queryKey: ['tokens'],
    queryFn: ({ signal }) =>
      api.call(listTokens, { params: { user: 'me' }, query: { include_all: false }, signal }),
  })
  const [doomed, setDoomed] = useState<APIKey>()
  const remove = useMutation({
    mutationFn: (token: APIKey) => api.call(deleteKey, { params: { user: 'me', keyid: token.id } }),
    onSuccess: async (_, token) => {
      await queries.invalidateQueries({ queryKey: ['tokens'] })
      setDoomed(undefined)
      toasts.done(`Token ${token.token_name} was deleted`)
    },
  })
  const create = (
    <AppLink href={paths.settings('tokens/new')} className={buttonClass({ tone: 'primary' })}>
      <Plus className="size-4" /> New token
    </AppLink>
  )
  const rows = tokens.data?.filter((token) => token.login_type === 'token')
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="text-sm text-ink-2">
          A token lets a program act for you over the API, within its scopes.
        </p>
        {rows === undefined || rows.length === 0 ? null : create}
      </div>
      {tokens.isError ? (
        <ErrorNotice
          error={tokens.error}
          title="The tokens could not be read"
          onRetry={() => void tokens.refetch()}
        />
      ) : null}
      {tokens.isError && rows === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Tokens"
            columns={COLUMNS}
            rows={rows}
            rowKey={(row) => row.id}
            rowLabel={(row) => row.token_name}
            actions={(row) => (
              <Button
                tone="quiet"
                size="icon"
                aria-label={`Delete ${row.token_name}`}
                title="Delete"
                onClick={() => setDoomed(row)}
                icon={<Trash2 className="size-4" strokeWidth={1.75} />}
              />
            )}
            empty={
              <EmptyState icon={KeyRound} title="No token yet" action={create}>
                Make one for a script, a pipeline, or a tool that talks to Slipway.
              </EmptyState>
            }
          />
        </div>
      )}
      <ConfirmDialog
        open={doomed !== undefined}
        onClose={() => {
          setDoomed(undefined)
          remove.reset()
        }}
        title={`Delete the token ${doomed?.token_name ?? ''}?`}
        description="Whatever uses it is refused from now on. This cannot be undone."
        verb="Delete token"
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => (doomed === undefined ? undefined : remove.mutate(doomed))}
      />
    </div>
  )
}

const COLUMNS: readonly Column<APIKey>[] = [
  {
    id: 'name',
    header: 'Name',
    cell: (row) => (
      <span className="flex min-w-0 flex-col">
        <span className="truncate font-medium">{row.token_name}</span>
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
          {left < 0 ? 'expired ' : ''}
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
  const names = (token.scopes.length > 0 ? token.scopes : [token.scope]).map(canonicalScope)
  const limited = token.allow_list.flatMap((entry) => entryOf(entry) ?? [])
  const full = names.includes(FULL_SCOPE)
  return (
    <span
      className="flex flex-wrap gap-1"
      title={effectiveAccess(names, limited.length === 0 ? undefined : limited)}
    >
      <Mark>{full ? 'Full access' : names.length === 1 ? (names[0] ?? '') : `${names.length} scopes`}</Mark>
      {limited.length === 0 ? null : (
        <Mark>{limited.length === 1 ? '1 resource' : `${limited.length} resources`}</Mark>
      )}
    </span>
  )
}
