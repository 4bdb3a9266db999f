import { useMutation, useQuery } from '@tanstack/react-query'
import { KeyRound, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'

import {
  deleteOAuth2AppSecret,
  type OAuth2ProviderApp,
  type OAuth2ProviderAppSecret,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { usePermissions } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { NewSecretDialog } from './new-secret-dialog.tsx'
import { secretsQuery } from './queries.ts'

/** The secrets of an app: when each was made and used, and when it ends (OA-18, OA-B17). */
export function AppSecrets({ app }: { readonly app: OAuth2ProviderApp }) {
  const online = useOnline()
  const may = usePermissions()?.editOAuth2App === true
  const secrets = useQuery(secretsQuery(app.id))
  const [making, setMaking] = useState(false)
  const [doomed, setDoomed] = useState<OAuth2ProviderAppSecret>()
  const remove = useMutation({
    mutationFn: ({ id }: OAuth2ProviderAppSecret) =>
      api.call(deleteOAuth2AppSecret, { params: { app: app.id, secretID: id } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: secretsQuery(app.id).queryKey })
      setDoomed(undefined)
    },
  })
  const make = may ? (
    <Button
      size="dense"
      disabled={!online}
      onClick={() => setMaking(true)}
      icon={<Plus className="size-3.5" aria-hidden="true" />}
    >
      New secret
    </Button>
  ) : null
  return (
    <Section
      title="Client secrets"
      help="To rotate, create a new one, roll it out, and delete the old one once it is no longer used."
      actions={secrets.data === undefined || secrets.data.length === 0 ? null : make}
      flush
    >
      {secrets.isError && secrets.data === undefined ? (
        <div className="p-4">
          <ErrorNotice
            error={secrets.error}
            title="The secrets could not be read"
            onRetry={() => void secrets.refetch()}
          />
        </div>
      ) : (
        <Table
          label="Client secrets"
          columns={COLUMNS}
          rows={secrets.data}
          rowKey={(row) => row.id}
          rowLabel={nameOf}
          {...(may
            ? {
                actions: (row: OAuth2ProviderAppSecret) => (
                  <Button
                    tone="quiet"
                    size="icon"
                    aria-label={`Delete ${nameOf(row)}`}
                    title="Delete"
                    disabled={!online}
                    onClick={() => setDoomed(row)}
                    icon={<Trash2 className="size-4" strokeWidth={1.75} />}
                  />
                ),
              }
            : {})}
          empty={
            <EmptyState icon={KeyRound} title="No secrets yet" action={make}>
              The app needs one to exchange authorization codes for tokens.
            </EmptyState>
          }
        />
      )}
      {making ? <NewSecretDialog app={app} onClose={() => setMaking(false)} /> : null}
      {doomed === undefined ? null : (
        <ConfirmDialog
          open
          onClose={() => {
            setDoomed(undefined)
            remove.reset()
          }}
          title={`Delete the secret that ends in ${lastOf(doomed)}?`}
          description={
            doomed.last_used_at === null
              ? 'It has never been used.'
              : 'Every session that was created with it ends at once, and the app can no longer use it.'
          }
          verb="Delete secret"
          danger
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate(doomed)}
        />
      )}
    </Section>
  )
}

/** Some are stored with asterisks before them (OA-18). */
function lastOf({ client_secret_truncated: text }: OAuth2ProviderAppSecret): string {
  return text.replace(/^\*+/, '')
}

function nameOf(secret: OAuth2ProviderAppSecret): string {
  return `the secret ending in ${lastOf(secret)}`
}

const COLUMNS: readonly Column<OAuth2ProviderAppSecret>[] = [
  {
    id: 'secret',
    header: 'Secret',
    cell: (row) => (
      <code className="text-sm">
        <span className="text-ink-3" aria-hidden="true">
          ••••••
        </span>
        {lastOf(row)}
      </code>
    ),
  },
  {
    id: 'created',
    header: 'Created',
    from: 'sm',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={row.created_at} />
      </span>
    ),
  },
  {
    id: 'used',
    header: 'Last used',
    className: '@max-xl:pl-4',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <span className="@xl:hidden">Used </span>
        <TimeAgo time={row.last_used_at ?? undefined} />
      </span>
    ),
  },
  {
    id: 'expires',
    header: 'Expires',
    className: '@max-xl:pl-4',
    cell: (row) => <Expiry at={row.expires_at} />,
  },
]

function Expiry({ at }: { readonly at: string | null }) {
  if (at === null) return <span className="whitespace-nowrap text-ink-2">does not expire</span>
  const past = Date.parse(at) <= Date.now()
  return (
    <span className={`whitespace-nowrap ${past ? 'font-medium text-bad' : 'text-ink-2'}`}>
      {past ? 'expired ' : <span className="@xl:hidden">expires </span>}
      <TimeAgo time={at} />
    </span>
  )
}
