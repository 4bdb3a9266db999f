import { useQuery } from '@tanstack/react-query'
import { Boxes, LayoutTemplate, Plus, SearchX, SquareTerminal, Star } from 'lucide-react'
import { useState } from 'react'

import type { Workspace } from '@slipway/contract'
import { describeError, statusOf } from '../api/errors.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { Mark } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PAGE_SIZE, Pagination } from '../ui/pagination.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { NewWorkspaceDialog } from './new-workspace-dialog.tsx'
import { workspacesQuery } from './queries.ts'
import { useBuildFeed } from './use-build-feed.ts'
import { type OfferedAction, useWorkspaceActions } from './use-workspace-actions.tsx'
import { agentsOf, isMoving, workspaceLook } from './workspace-look.ts'

const DEFAULT_FILTER = 'owner:me'
const PRESETS = [
  { label: 'Mine', filter: DEFAULT_FILTER },
  { label: 'All', filter: '' },
  { label: 'Running', filter: 'owner:me status:running' },
  { label: 'Failed', filter: 'owner:me status:failed' },
  { label: 'Outdated', filter: 'owner:me outdated:true' },
]

/** `/workspaces`: find, open, start and stop. The number of requests does not depend on the number of rows (UI-701). */
export function WorkspacesPage() {
  const [search, change] = useAddress()
  // An absent filter is the default one, an emptied one is "all".
  const filter = search.filter === undefined ? DEFAULT_FILTER : search.filter === '*' ? '' : search.filter
  const page = pageNumber(search.page)
  const list = useQuery(workspacesQuery({ filter, page }))
  useBuildFeed()
  const permissions = usePermissions()
  const [choosing, setChoosing] = useState(false)
  const { offered, dialog } = useWorkspaceActions()
  const refused = statusOf(list.error) === 400

  const setFilter = (next: string) =>
    change({ filter: next === DEFAULT_FILTER ? undefined : next === '' ? '*' : next, page: undefined })
  const newWorkspace =
    permissions?.createWorkspace === true ? (
      <Button tone="primary" icon={<Plus className="size-4" />} onClick={() => setChoosing(true)}>
        New workspace
      </Button>
    ) : null

  return (
    <Page width="wide">
      <PageHeader
        title="Workspaces"
        context={list.data === undefined ? ' ' : summary(list.data.workspaces, list.data.count)}
        actions={newWorkspace}
      />
      <FilterBar
        label="Filter workspaces"
        placeholder="owner:me status:running name:…"
        value={filter}
        onChange={setFilter}
        presets={PRESETS}
        error={refused ? refusal(list.error) : undefined}
      />
      {list.isError && !refused ? (
        <div className="mb-4">
          <ErrorNotice
            error={list.error}
            title="The list could not be read"
            onRetry={() => void list.refetch()}
          />
        </div>
      ) : null}
      {list.isError && list.data === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Workspaces"
            columns={COLUMNS}
            rows={list.data?.workspaces}
            rowKey={(row) => row.id}
            rowLabel={(row) => row.name}
            stale={list.isPlaceholderData}
            actions={(row) => <RowActions workspace={row} actions={offered(row)} />}
            empty={
              <Empty
                filtered={filter !== DEFAULT_FILTER && filter !== ''}
                onClear={() => setFilter(DEFAULT_FILTER)}
                onCreate={() => setChoosing(true)}
              />
            }
          />
          <Pagination
            page={page}
            count={list.data?.count ?? 0}
            onPage={(next) => change({ page: String(next) }, true)}
          />
        </div>
      )}
      {choosing ? <NewWorkspaceDialog onClose={() => setChoosing(false)} /> : null}
      {dialog}
    </Page>
  )
}

const COLUMNS: readonly Column<Workspace>[] = [
  { id: 'name', header: 'Name', cell: (row) => <NameCell workspace={row} />, className: 'w-full sm:w-auto' },
  {
    id: 'status',
    header: 'Status',
    cell: (row) => (
      <span title={row.latest_build.job.error}>
        <StateBadge
          look={workspaceLook(row)}
          since={isMoving(row.latest_build.status) ? row.latest_build.created_at : undefined}
        />
      </span>
    ),
  },
  {
    id: 'template',
    header: 'Template',
    from: 'md',
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-2">
        <span className="truncate text-ink-2">
          {row.template_display_name === '' ? row.template_name : row.template_display_name}
        </span>
        {row.outdated ? <Mark>Update available</Mark> : null}
      </span>
    ),
  },
  {
    id: 'used',
    header: 'Last used',
    from: 'lg',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={row.last_used_at} />
      </span>
    ),
  },
]

function NameCell({ workspace }: { readonly workspace: Workspace }) {
  const user = useUser()
  return (
    <span className="flex min-w-0 items-center gap-3">
      <ThingIcon src={workspace.template_icon} className="size-5" />
      <span className="flex min-w-0 items-baseline gap-1">
        {workspace.owner_id === user.id ? null : (
          <span className="max-w-32 shrink-0 truncate text-ink-3">
            <bdi>{workspace.owner_name}</bdi> /
          </span>
        )}
        <AppLink
          href={paths.workspace(workspace.owner_name, workspace.name)}
          className="truncate font-medium text-ink hover:text-accent"
        >
          <bdi>{workspace.name}</bdi>
        </AppLink>
      </span>
      {workspace.favorite ? (
        <Star className="size-3.5 shrink-0 fill-current text-warn" aria-label="Favorite" />
      ) : null}
    </span>
  )
}

/** The likeliest action and the terminal as buttons, all of them in the menu (UI-703). */
function RowActions({
  workspace,
  actions,
}: {
  readonly workspace: Workspace
  readonly actions: readonly OfferedAction[]
}) {
  const go = useGo()
  const connected =
    workspace.latest_build.status === 'running' &&
    agentsOf(workspace).some((agent) => agent.status === 'connected')
  const quick = actions.find(({ action }) => action !== 'delete' && action !== 'cancel')
  const QuickIcon = quick?.icon
  return (
    <span className="inline-flex items-center">
      {connected ? (
        <AppLink
          href={paths.terminal(workspace.owner_name, workspace.name)}
          aria-label={`Terminal of ${workspace.name}`}
          title="Terminal"
          className={`${buttonClass({ tone: 'quiet', size: 'icon' })} max-sm:hidden`}
        >
          <SquareTerminal className="size-4" strokeWidth={1.75} />
        </AppLink>
      ) : null}
      {quick === undefined || QuickIcon === undefined ? null : (
        <Button
          tone="quiet"
          size="icon"
          aria-label={`${quick.label} ${workspace.name}`}
          title={quick.label}
          disabled={quick.disabled}
          onClick={quick.run}
          className="max-sm:hidden"
          icon={<QuickIcon className="size-4" strokeWidth={1.75} />}
        />
      )}
      <Menu
        label={`Actions for ${workspace.name}`}
        groups={[
          [
            {
              id: 'open',
              label: 'Open',
              icon: Boxes,
              onSelect: () => go(paths.workspace(workspace.owner_name, workspace.name)),
            },
            ...(connected
              ? [
                  {
                    id: 'terminal',
                    label: 'Terminal',
                    icon: SquareTerminal,
                    onSelect: () => go(paths.terminal(workspace.owner_name, workspace.name)),
                  },
                ]
              : []),
          ],
          actions.filter(({ danger }) => !danger).map(menuItem),
          actions.filter(({ danger }) => danger).map(menuItem),
        ]}
      />
    </span>
  )
}

function menuItem({ action, label, icon, danger, disabled, run }: OfferedAction) {
  return { id: action, label, icon, danger, disabled, onSelect: run }
}

function Empty({
  filtered,
  onClear,
  onCreate,
}: {
  readonly filtered: boolean
  readonly onClear: () => void
  readonly onCreate: () => void
}) {
  const permissions = usePermissions()
  if (filtered)
    return (
      <EmptyState
        icon={SearchX}
        title="No workspace matches the filter"
        action={<Button onClick={onClear}>Clear the filter</Button>}
      >
        Change the filter, or clear it to see your own workspaces.
      </EmptyState>
    )
  return (
    <EmptyState
      icon={Boxes}
      title="No workspace yet"
      action={
        permissions?.createWorkspace === true ? (
          <>
            <Button tone="primary" icon={<Plus className="size-4" />} onClick={onCreate}>
              New workspace
            </Button>
            <AppLink href={paths.templates()} className={buttonClass({})}>
              <LayoutTemplate className="size-4" strokeWidth={1.75} /> See the templates
            </AppLink>
          </>
        ) : null
      }
    >
      A workspace is a machine of your own, made from a template: a shell, your files, and the tools of the
      team.
    </EmptyState>
  )
}

function summary(workspaces: readonly Workspace[], count: number): string {
  if (count === 0) return 'Machines to work in, made from templates'
  const shown =
    count > PAGE_SIZE ? `${count} workspaces` : `${count} ${count === 1 ? 'workspace' : 'workspaces'}`
  const running = workspaces.filter((workspace) => workspace.latest_build.status === 'running').length
  return count > PAGE_SIZE || running === 0 ? shown : `${shown}, ${running} running`
}

function refusal(error: unknown): string {
  const { message, validations } = describeError(error)
  return validations.length === 0 ? message : validations.map(({ detail }) => detail).join('. ')
}

function pageNumber(text: string | undefined): number {
  const page = Number(text ?? 1)
  return Number.isInteger(page) && page > 0 ? page : 1
}
