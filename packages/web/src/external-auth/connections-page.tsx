import { useMutation, useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, Plug, Unplug } from 'lucide-react'
import { useState } from 'react'

import {
  type DeleteExternalAuthByIDResponse,
  deleteExternalAuth,
  type ExternalAuthLink,
  type ExternalAuthLinkProvider,
  NEVER,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Menu } from '../ui/menu.tsx'
import { Notice } from '../ui/notice.tsx'
import { StateBadge, type StateLook } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { connectionsQuery } from './queries.ts'

/** A provider with the viewer's connection to it. Either may be missing. */
interface Row {
  readonly id: string
  readonly name: string
  readonly provider: ExternalAuthLinkProvider | undefined
  readonly link: ExternalAuthLink | undefined
}

/** `/settings/external-auth`: providers that workspaces use in the viewer's name (UI-1506). */
export function ConnectionsPage() {
  const online = useOnline()
  const connections = useQuery(connectionsQuery)
  const [doomed, setDoomed] = useState<Row>()
  const [kept, setKept] = useState<{ readonly name: string; readonly reason: string }>()
  const remove = useMutation({
    mutationFn: (row: Row) => api.call(deleteExternalAuth, { params: { externalauth: row.id } }),
    onSuccess: async (answer, row) => {
      await queries.invalidateQueries({ queryKey: connectionsQuery.queryKey })
      setDoomed(undefined)
      setKept(leftBehind(row, answer))
      toasts.done(`The connection to ${row.name} was removed`)
    },
  })
  const rows = connections.data === undefined ? undefined : rowsOf(connections.data)
  return (
    <div className="flex flex-col gap-4">
      <p className="text-sm text-ink-2">
        Your workspaces clone, push and call these providers with your accounts there. Nobody can see the
        tokens.
      </p>
      {kept === undefined ? null : (
        <Notice tone="warn" title={`The token is still valid at ${kept.name}`}>
          {kept.reason} Take it back in your account there.
        </Notice>
      )}
      {connections.isError ? (
        <ErrorNotice
          error={connections.error}
          title="The providers could not be read"
          onRetry={() => void connections.refetch()}
        />
      ) : null}
      {connections.isError && rows === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Providers"
            columns={COLUMNS}
            rows={rows}
            rowKey={(row) => row.id}
            rowLabel={(row) => row.name}
            actions={(row) => (
              <span className="inline-flex items-center gap-1">
                {row.provider === undefined ? null : <ConnectLink row={row} />}
                {row.link === undefined ? null : (
                  <Menu
                    label={`Actions for ${row.name}`}
                    groups={[
                      [
                        {
                          id: 'check',
                          label: 'Check again',
                          disabled: !online,
                          onSelect: () =>
                            void queries.invalidateQueries({ queryKey: connectionsQuery.queryKey }),
                        },
                      ],
                      [
                        {
                          id: 'disconnect',
                          label: 'Disconnect',
                          danger: true,
                          disabled: !online,
                          onSelect: () => setDoomed(row),
                        },
                      ],
                    ]}
                  />
                )}
              </span>
            )}
            empty={
              <EmptyState icon={Plug} title="No providers are set up">
                An operator of this deployment can add Git hosts and other services with{' '}
                <code>CODER_EXTERNAL_AUTH_0_ID</code> and what belongs to it.
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
        title={`Disconnect ${doomed?.name ?? ''}?`}
        description={
          doomed?.provider?.supports_revocation === true
            ? 'The token is revoked at the provider. Running workspaces can no longer use it, and templates that need it cannot start until you connect again.'
            : 'Slipway forgets the token, but this provider cannot revoke it. Workspaces that already have it keep it, and templates that need it cannot start until you connect again.'
        }
        verb="Disconnect"
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => (doomed === undefined ? undefined : remove.mutate(doomed))}
      />
    </div>
  )
}

/** The provider's page does the rest, with a code or by way of the provider. */
function ConnectLink({ row }: { readonly row: Row }) {
  const connected = row.link?.authenticated === true
  if (connected) return null
  const label = row.link === undefined ? 'Connect' : 'Connect again'
  return (
    <AppLink
      href={paths.externalAuth(row.id)}
      aria-label={`${label} ${row.name}`}
      className={buttonClass({ size: 'dense' })}
    >
      {label}
    </AppLink>
  )
}

function rowsOf({
  providers,
  links,
}: {
  readonly providers: readonly ExternalAuthLinkProvider[]
  readonly links: readonly ExternalAuthLink[]
}): readonly Row[] {
  const known = providers.map((provider) => ({
    id: provider.id,
    name: provider.display_name,
    provider,
    link: links.find(({ provider_id: id }) => id === provider.id),
  }))
  const orphans = links
    .filter(({ provider_id: id }) => !providers.some((provider) => provider.id === id))
    .map((link) => ({ id: link.provider_id, name: link.provider_id, provider: undefined, link }))
  return [...known, ...orphans]
}

/** Why a token outlived its connection; undefined when it did not, or could not have been taken back anyway. */
function leftBehind(
  row: Row,
  answer: DeleteExternalAuthByIDResponse,
): { readonly name: string; readonly reason: string } | undefined {
  if (answer.token_revoked || answer.token_revocation_error === undefined) return undefined
  return { name: row.name, reason: answer.token_revocation_error }
}

function lookOf({ link }: Row): StateLook {
  if (link === undefined) return { label: 'Not connected', tone: 'off', icon: Unplug }
  return link.authenticated
    ? { label: 'Connected', tone: 'ok', icon: CircleCheck }
    : { label: 'Refused', tone: 'bad', icon: CircleAlert }
}

const COLUMNS: readonly Column<Row>[] = [
  {
    id: 'provider',
    header: 'Provider',
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-2.5">
        <ThingIcon src={row.provider?.display_icon ?? ''} className="size-4" />
        <span className="min-w-0">
          {row.provider === undefined ? (
            <span className="block truncate font-medium">{row.name}</span>
          ) : (
            <AppLink href={paths.externalAuth(row.id)} className="block truncate font-medium hover:underline">
              {row.name}
            </AppLink>
          )}
          {row.link === undefined || row.link.validate_error === '' ? null : (
            <span className="block text-xs text-ink-2">{row.link.validate_error}</span>
          )}
        </span>
      </span>
    ),
  },
  {
    id: 'state',
    header: 'State',
    className: '@max-xl:pl-4',
    cell: (row) => <StateBadge look={lookOf(row)} />,
  },
  {
    id: 'since',
    header: 'Connected',
    from: 'md',
    cell: ({ link }) => (
      <span className="whitespace-nowrap text-ink-2">
        {link === undefined ? '' : <TimeAgo time={link.created_at} />}
      </span>
    ),
  },
  {
    id: 'expires',
    header: 'Token',
    from: 'lg',
    cell: ({ link }) => (
      <span className="whitespace-nowrap text-ink-2">
        {link === undefined ? (
          ''
        ) : link.has_refresh_token ? (
          'renews itself'
        ) : link.expires === NEVER ? (
          'does not expire'
        ) : (
          <>
            expires <TimeAgo time={link.expires} />
          </>
        )}
      </span>
    ),
  },
]
