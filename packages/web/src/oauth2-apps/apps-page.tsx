import { useQuery } from '@tanstack/react-query'
import { AppWindow, Plus } from 'lucide-react'
import { useState } from 'react'

import type { OAuth2ProviderApp } from '@slipway/contract'
import { useAddress } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { TextInput } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { AppMarks } from './app-marks.tsx'
import { DeleteAppDialog } from './delete-app-dialog.tsx'
import { appsQuery } from './queries.ts'
import { SettingsTab } from './settings-tab.tsx'

const TABS = [
  { id: 'apps', label: 'Apps' },
  { id: 'settings', label: 'Settings' },
] as const

/** From how many apps on they can be searched. */
const MANY = 8

/** `/deployment/oauth2-provider/apps`: software that signs people in here; `?tab=settings` (OA-22, UI-1404). */
export function OAuth2AppsPage() {
  const permissions = usePermissions()
  const [{ tab }, change] = useAddress()
  const shown = tab === 'settings' ? 'settings' : 'apps'
  if (permissions?.viewDeploymentConfig === false)
    return <NoPermission what="manage OAuth2 apps" permission="viewDeploymentConfig" />
  const create =
    permissions?.createOAuth2App === true ? (
      <AppLink href={paths.newOAuth2App()} className={buttonClass({ tone: 'primary' })}>
        <Plus className="size-4" aria-hidden="true" /> New app
      </AppLink>
    ) : null
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-3">
        <Segmented
          label="OAuth2 apps"
          options={TABS}
          value={shown}
          onChange={(next) => change({ tab: next === 'settings' ? next : undefined }, true)}
        />
        <p className="min-w-0 flex-1 basis-60 text-sm text-ink-2">
          Apps sign people in with their Slipway account, and act for them within what they agree to.
        </p>
        {shown === 'apps' ? create : null}
      </div>
      {shown === 'settings' ? <SettingsTab /> : <Apps />}
    </div>
  )
}

function Apps() {
  const permissions = usePermissions()
  const go = useGo()
  const apps = useQuery(appsQuery)
  const [text, setText] = useState('')
  const [doomed, setDoomed] = useState<OAuth2ProviderApp>()
  const wanted = text.trim().toLowerCase()
  const rows = apps.data?.filter((app) =>
    [app.name, app.id, app.metadata_url, ...app.redirect_uris].some((one) =>
      one.toLowerCase().includes(wanted),
    ),
  )
  if (apps.isError && apps.data === undefined)
    return (
      <ErrorNotice
        error={apps.error}
        title="The apps could not be read"
        onRetry={() => void apps.refetch()}
      />
    )
  return (
    <>
      {(apps.data?.length ?? 0) < MANY ? null : (
        <TextInput
          type="search"
          aria-label="Search apps"
          placeholder="Search by name, client id or redirect URI"
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="max-w-96"
        />
      )}
      <div className="rounded-card border border-line bg-surface">
        <Table
          label="OAuth2 apps"
          columns={COLUMNS}
          rows={rows}
          rowKey={(row) => row.id}
          rowLabel={(row) => row.name}
          {...(permissions?.deleteOAuth2App === true
            ? {
                actions: (row: OAuth2ProviderApp) => (
                  <Menu
                    label={`Actions for ${row.name}`}
                    groups={[
                      [{ id: 'open', label: 'Open', onSelect: () => go(paths.oauth2App(row.id)) }],
                      [{ id: 'delete', label: 'Delete', danger: true, onSelect: () => setDoomed(row) }],
                    ]}
                  />
                ),
              }
            : {})}
          empty={
            wanted === '' ? (
              <EmptyState
                icon={AppWindow}
                title="No apps yet"
                action={
                  permissions?.createOAuth2App === true ? (
                    <AppLink href={paths.newOAuth2App()} className={buttonClass({ tone: 'primary' })}>
                      Add an app
                    </AppLink>
                  ) : null
                }
              >
                An app lets an IDE, a portal or a script sign people in with their Slipway account. Clients
                can also register themselves if the settings allow it.
              </EmptyState>
            ) : (
              <EmptyState
                icon={AppWindow}
                title="No apps match"
                action={<Button onClick={() => setText('')}>Clear the search</Button>}
              >
                Nothing has “{text.trim()}” in its name, its client id or its redirect URIs.
              </EmptyState>
            )
          }
        />
      </div>
      {doomed === undefined ? null : <DeleteAppDialog app={doomed} onClose={() => setDoomed(undefined)} />}
    </>
  )
}

const COLUMNS: readonly Column<OAuth2ProviderApp>[] = [
  {
    id: 'name',
    header: 'App',
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-3 py-1.5">
        <span className="inline-flex size-7 shrink-0 items-center justify-center rounded-control border border-line bg-bg">
          <ThingIcon src={row.icon} className="size-4" />
        </span>
        <span className="min-w-0 flex-1">
          <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-0.5">
            <AppLink
              href={paths.oauth2App(row.id)}
              className="min-w-0 truncate font-medium hover:text-accent"
            >
              <bdi>{row.name}</bdi>
            </AppLink>
            <AppMarks app={row} />
          </span>
          <span className="block truncate text-xs text-ink-2">{placeOf(row)}</span>
        </span>
      </span>
    ),
  },
  {
    id: 'redirects',
    header: 'Redirect URIs',
    align: 'end',
    from: 'md',
    cell: (row) => row.redirect_uris.length,
  },
  {
    id: 'scopes',
    header: 'May ask for',
    from: 'lg',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        {row.scope === '' ? 'any scope' : scopeCount(row.scope.split(' ').length)}
      </span>
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
]

function scopeCount(count: number): string {
  return count === 1 ? '1 scope' : `${count} scopes`
}

/** Where an app is, for telling two of one name apart. */
function placeOf(app: OAuth2ProviderApp): string {
  return app.metadata_url === '' ? (app.redirect_uris[0] ?? app.callback_url) : app.metadata_url
}
