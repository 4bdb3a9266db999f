import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleSlash, FlaskConical, KeyRound, Pencil, Plus, Power, Trash2 } from 'lucide-react'
import { useState } from 'react'

import type { IdentityProvider } from '@slipway/contract'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { Section } from '../ui/page.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { DeleteProviderDialog } from './delete-provider-dialog.tsx'
import { identityProvidersQuery } from './queries.ts'
import { useSwitchProvider } from './use-switch-provider.ts'
import { useTestSignIn } from './use-test-sign-in.ts'

/** Every way to sign in at a provider: those of the settings, and those that are kept here (L-28…L-30). */
export function ProvidersSection() {
  const mayEdit = usePermissions()?.editDeploymentConfig === true
  const list = useQuery(identityProvidersQuery)
  const [doomed, setDoomed] = useState<IdentityProvider>()
  const create = (
    <AppLink href={paths.newIdentityProvider()} className={buttonClass({ tone: 'primary' })}>
      <Plus className="size-4" /> New provider
    </AppLink>
  )
  return (
    <Section
      title="Identity providers"
      help="Each one that is enabled is a button on the sign-in page."
      {...(mayEdit && list.data !== undefined && list.data.length > 0 ? { actions: create } : {})}
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
          label="Identity providers"
          columns={COLUMNS}
          rows={list.data}
          rowKey={(row) => row.id}
          rowLabel={nameOf}
          {...(mayEdit
            ? {
                actions: (row: IdentityProvider) => (
                  <RowMenu provider={row} onDelete={() => setDoomed(row)} />
                ),
              }
            : {})}
          empty={
            <EmptyState
              icon={KeyRound}
              title="People sign in with passwords only"
              {...(mayEdit ? { action: create } : {})}
            >
              Add an OpenID Connect or GitHub provider, test it, and enable it when it works.
            </EmptyState>
          }
        />
      )}
      {doomed === undefined ? null : (
        <DeleteProviderDialog provider={doomed} onClose={() => setDoomed(undefined)} />
      )}
    </Section>
  )
}

function nameOf(provider: IdentityProvider): string {
  return provider.display_name === '' ? provider.id : provider.display_name
}

const KINDS = { oidc: 'OpenID Connect', github: 'GitHub' } as const

const COLUMNS: readonly Column<IdentityProvider>[] = [
  {
    id: 'name',
    header: 'Provider',
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-3">
        <ThingIcon src={row.icon} />
        <span className="min-w-0">
          <AppLink
            href={paths.identityProvider(row.id)}
            className="block truncate font-medium hover:text-accent"
          >
            <bdi>{nameOf(row)}</bdi>
          </AppLink>
          <span className="block truncate text-xs text-ink-2">{addressOf(row)}</span>
        </span>
      </span>
    ),
  },
  {
    id: 'state',
    header: 'State',
    className: '@max-xl:pl-12',
    cell: (row) => (
      <StateBadge
        look={
          row.enabled
            ? { label: 'Enabled', tone: 'ok', icon: CircleCheck }
            : { label: 'Disabled', tone: 'off', icon: CircleSlash }
        }
      />
    ),
  },
  {
    id: 'kind',
    header: 'Kind',
    from: 'sm',
    cell: (row) => <span className="whitespace-nowrap text-ink-2">{KINDS[row.kind]}</span>,
  },
  {
    id: 'source',
    header: 'Configured in',
    from: 'md',
    cell: (row) => <Mark>{row.source === 'settings' ? 'server settings' : 'this page'}</Mark>,
  },
  {
    id: 'accounts',
    header: 'New accounts',
    from: 'lg',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        {(row.oidc ?? row.github)?.allow_signups === true ? 'created at sign-in' : 'not created'}
      </span>
    ),
  },
]

function addressOf({ oidc, github }: IdentityProvider): string {
  if (oidc !== undefined) return oidc.issuer_url
  return github === undefined || github.base_url === '' ? 'github.com' : github.base_url
}

function RowMenu({
  provider,
  onDelete,
}: {
  readonly provider: IdentityProvider
  readonly onDelete: () => void
}) {
  const go = useGo()
  const test = useTestSignIn(provider)
  const turn = useSwitchProvider()
  const fixed = provider.source === 'settings'
  return (
    <Menu
      label={`Actions for ${nameOf(provider)}`}
      groups={[
        [
          {
            id: 'test',
            label: 'Test sign-in',
            icon: FlaskConical,
            onSelect: () => test.mutate(),
          },
          {
            id: 'open',
            label: fixed ? 'View' : 'Edit',
            icon: Pencil,
            onSelect: () => go(paths.identityProvider(provider.id)),
          },
          {
            id: 'switch',
            label: provider.enabled ? 'Disable' : 'Enable',
            icon: Power,
            disabled: fixed,
            ...(fixed ? { hint: 'Change it in the settings of the server' } : {}),
            onSelect: () => turn.mutate({ provider, enabled: !provider.enabled }),
          },
        ],
        fixed ? [] : [{ id: 'delete', label: 'Delete', icon: Trash2, danger: true, onSelect: onDelete }],
      ]}
    />
  )
}
