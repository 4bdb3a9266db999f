import { useQuery } from '@tanstack/react-query'
import { Plug } from 'lucide-react'

import type { ExternalAuthLinkProvider } from '@slipway/contract'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { externalAuthProvidersQuery } from './queries.ts'

/** Providers as they are configured; they change with the settings of the server only (UI-1404). */
export function ExternalAuthProviders() {
  const list = useQuery(externalAuthProvidersQuery)
  return (
    <Section
      title="Providers"
      help="Workspaces get tokens from these for their owners, to clone and push."
      flush
    >
      {list.isError ? (
        <div className="p-4">
          <ErrorNotice
            error={list.error}
            title="The providers could not be read"
            onRetry={() => void list.refetch()}
          />
        </div>
      ) : (
        <Table
          label="External auth providers"
          columns={COLUMNS}
          rows={list.data?.providers}
          rowKey={(row) => row.id}
          rowLabel={(row) => row.display_name}
          empty={
            <EmptyState icon={Plug} title="No providers configured">
              Set <code>CODER_EXTERNAL_AUTH_0_ID</code>, <code>_TYPE</code>, <code>_CLIENT_ID</code> and{' '}
              <code>_CLIENT_SECRET</code>, and restart the server.
            </EmptyState>
          }
        />
      )}
    </Section>
  )
}

const COLUMNS: readonly Column<ExternalAuthLinkProvider>[] = [
  {
    id: 'name',
    header: 'Provider',
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-3">
        <ThingIcon src={row.display_icon} />
        <span className="min-w-0 truncate font-medium">{row.display_name || row.id}</span>
      </span>
    ),
  },
  {
    id: 'type',
    header: 'Type',
    className: '@max-xl:pl-12',
    cell: (row) => <span className="text-ink-2">{row.type}</span>,
  },
  { id: 'id', header: 'Id', from: 'md', cell: (row) => <code className="text-xs text-ink-2">{row.id}</code> },
  {
    id: 'flow',
    header: 'How it works',
    from: 'sm',
    cell: (row) => (
      <span className="flex flex-wrap gap-1">
        <Mark>{row.device ? 'device flow' : 'web flow'}</Mark>
        {row.code_challenge_methods_supported.length > 0 ? <Mark>PKCE</Mark> : null}
        {row.allow_refresh ? <Mark>refreshes</Mark> : null}
        {row.allow_validate ? <Mark>validates</Mark> : null}
        {row.supports_revocation ? <Mark>revokes</Mark> : null}
      </span>
    ),
  },
]
