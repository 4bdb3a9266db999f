import { useQuery } from '@tanstack/react-query'
import { Boxes, CircleArrowUp, Plus, SearchX, SquareTerminal, Star } from 'lucide-react'
import { useEffect, useState } from 'react'

import type { Template, Workspace } from '@slipway/contract'
import { filterFault } from '../api/errors.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { paths } from '../paths.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { templatesQuery } from '../templates/queries.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import type { FilterKey } from '../ui/filter-completion.ts'
import { Mark } from '../ui/form.tsx'
import { ListView, NothingFound } from '../ui/list-view.tsx'
import { Menu, type MenuItem } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PAGE_SIZE } from '../ui/pagination.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { BatchBar, isSelectable } from './batch.tsx'
import { NewWorkspaceDialog } from './new-workspace-dialog.tsx'
import { NoWorkspaces } from './no-workspaces.tsx'
import { workspacesQuery } from './queries.ts'
import { useBuildFeed } from './use-build-feed.ts'
import { useClosingMenu } from './use-closing-menu.ts'
import { type OfferedAction, useWorkspaceActions } from './use-workspace-actions.tsx'
import { useWorkspaceMenu } from './use-workspace-menu.tsx'
import { useWorkspacePermissions } from './use-workspace-permissions.ts'
import { agentsOf, isMoving, workspaceLook } from './workspace-look.ts'
import { menuItem } from './workspace-menu-item.ts'

const NOTHING: ReadonlySet<string> = new Set()
const DEFAULT_FILTER = 'owner:me'
const PRESETS = [
  { label: 'Mine', filter: DEFAULT_FILTER },
  { label: 'All', filter: '' },
  { label: 'Running', filter: 'owner:me status:running' },
  { label: 'Failed', filter: 'owner:me status:failed' },
  { label: 'Outdated', filter: 'owner:me outdated:true' },
]

const STATUSES = [
  'running',
  'stopped',
  'failed',
  'starting',
  'stopping',
  'pending',
  'canceling',
  'canceled',
  'deleting',
]
const YES_NO = ['true', 'false']

/** The keys of the filter that people use; the server knows more (WS-151). */
function filterKeys(templates: readonly Template[]): readonly FilterKey[] {
  return [
    { key: 'owner', about: 'username, or me', values: ['me'] },
    { key: 'status', about: 'state of the latest build', values: STATUSES },
    { key: 'template', about: 'name of the template', values: templates.map(({ name }) => name) },
    { key: 'name', about: 'part of the name' },
    { key: 'outdated', about: 'a newer version is out', values: YES_NO },
    {
      key: 'has-agent',
      about: 'state of an agent',
      values: ['connected', 'connecting', 'disconnected', 'timeout'],
    },
    { key: 'dormant', about: 'not used for long', values: YES_NO },
    { key: 'shared', about: 'others may use it', values: YES_NO },
    { key: 'last_used_before', about: 'a time such as 2026-01-31T00:00:00Z' },
    { key: 'last_used_after', about: 'a time such as 2026-01-31T00:00:00Z' },
  ]
}

/** `/workspaces`: find, open, start and stop. The number of requests does not depend on the number of rows (UI-701). */
export function WorkspacesPage() {
  const address = useListAddress(DEFAULT_FILTER)
  const { filter, page } = address
  const list = useQuery(workspacesQuery(address))
  useBuildFeed()
  const permissions = usePermissions()
  const [choosing, setChoosing] = useState(false)
  const [asked, setAsked] = useState<string>()
  const [filtering, setFiltering] = useState(false)
  const templates = useQuery({ ...templatesQuery(''), enabled: filtering }).data ?? []
  const [marked, setMarked] = useState<ReadonlySet<string>>(NOTHING)
  // biome-ignore lint/correctness/useExhaustiveDependencies: other rows are another selection (UI-501)
  useEffect(() => setMarked(NOTHING), [filter, page])
  const rows = list.data?.workspaces
  const permissionsOf = useWorkspacePermissions(
    rows ?? [],
    rows?.find(({ id }) => id === asked),
  )
  const { offered, startWith, dialog } = useWorkspaceActions((row) => permissionsOf(row).updateTemplate)
  const menu = useWorkspaceMenu(startWith)
  const selected = (rows ?? []).filter((row) => marked.has(row.id) && isSelectable(row))

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
        value={address.filter}
        onChange={address.setFilter}
        presets={PRESETS}
        keys={filterKeys(templates)}
        onFocus={() => setFiltering(true)}
        error={filterFault(list.error)}
      />
      <ListView list={list} address={address} failure="The list could not be read" count={list.data?.count}>
        <Table
          label="Workspaces"
          columns={COLUMNS}
          rows={rows}
          rowKey={(row) => row.id}
          rowLabel={(row) => row.name}
          stale={list.isPlaceholderData}
          selection={{ selected: marked, selectable: isSelectable, onChange: setMarked }}
          actions={(row) => {
            const actions = offered(row)
            return (
              <RowActions
                workspace={row}
                actions={actions}
                items={menu.items(row, permissionsOf(row), actions)}
                onMenu={(open) => setAsked(open ? row.id : undefined)}
              />
            )
          }}
          empty={
            address.narrowed ? (
              <NothingFound icon={SearchX} title="No workspaces match the filter" address={address}>
                Change the filter, or clear it to see your own workspaces.
              </NothingFound>
            ) : (
              <NoWorkspaces onChoose={() => setChoosing(true)} />
            )
          }
        />
      </ListView>
      <BatchBar selected={selected} onClear={() => setMarked(NOTHING)} />
      {choosing ? <NewWorkspaceDialog onClose={() => setChoosing(false)} /> : null}
      {dialog}
      {menu.dialog}
    </Page>
  )
}

const COLUMNS: readonly Column<Workspace>[] = [
  { id: 'name', header: 'Name', cell: (row) => <NameCell workspace={row} /> },
  {
    id: 'status',
    header: 'Status',
    className: '@max-xl:pl-11',
    cell: (row) => <StatusCell workspace={row} />,
  },
  {
    id: 'template',
    header: 'Template',
    from: 'md',
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-2">
        <span className="max-w-36 truncate text-ink-2 @5xl:max-w-56">
          {row.template_display_name === '' ? row.template_name : row.template_display_name}
        </span>
        {row.outdated ? (
          <>
            <span className="hidden @5xl:inline">
              <Mark>Update available</Mark>
            </span>
            <CircleArrowUp
              className="size-3.5 shrink-0 text-run @5xl:hidden"
              strokeWidth={1.75}
              role="img"
              aria-label="Update available"
            />
          </>
        ) : null}
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

/** The state; of a failed build its cause too, which leads to the log (UI-2). */
function StatusCell({ workspace }: { readonly workspace: Workspace }) {
  const { latest_build: build } = workspace
  const badge = (
    <StateBadge
      look={workspaceLook(workspace)}
      since={isMoving(build.status) ? build.created_at : undefined}
    />
  )
  if (build.status !== 'failed' || build.job.error === undefined || build.job.error === '') return badge
  return (
    <span className="flex min-w-0 flex-col">
      {badge}
      <AppLink
        href={paths.workspaceBuild(workspace.owner_name, workspace.name, build.build_number)}
        title={build.job.error}
        className="block max-w-32 truncate text-xs text-ink-2 hover:text-ink hover:underline @max-xl:max-w-48 @5xl:max-w-64"
      >
        {build.job.error}
      </AppLink>
    </span>
  )
}

function NameCell({ workspace }: { readonly workspace: Workspace }) {
  const user = useUser()
  return (
    <span className="flex min-w-0 items-center gap-3">
      <ThingIcon src={workspace.template_icon} className="size-5" />
      <span className="flex min-w-0 items-baseline gap-1">
        {workspace.owner_id === user.id ? null : (
          <span className="max-w-32 min-w-8 shrink-[3] truncate text-ink-3">
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
        <Star className="size-3.5 shrink-0 fill-current text-accent" aria-label="Favorite" />
      ) : null}
    </span>
  )
}

/** The likeliest action and the terminal as buttons, all of them in the menu (UI-703). */
function RowActions({
  workspace,
  actions,
  items,
  onMenu,
}: {
  readonly workspace: Workspace
  readonly actions: readonly OfferedAction[]
  readonly items: readonly MenuItem[]
  /** What an open menu depends on is asked for (UI-702). */
  readonly onMenu: (open: boolean) => void
}) {
  const go = useGo()
  const closing = useClosingMenu(actions, onMenu)
  const connected =
    workspace.latest_build.status === 'running' &&
    agentsOf(workspace).some((agent) => agent.status === 'connected')
  const quick = actions.find(({ action }) => !['delete', 'cancel', 'force-stop'].includes(action))
  const QuickIcon = quick?.icon
  return (
    <span className="inline-flex items-center">
      {connected ? (
        <AppLink
          href={paths.terminal(workspace.owner_name, workspace.name)}
          aria-label={`Terminal of ${workspace.name}`}
          title="Terminal"
          className={`${buttonClass({ tone: 'quiet', size: 'icon' })} @max-xl:hidden`}
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
          className="@max-xl:hidden"
          icon={<QuickIcon className="size-4" strokeWidth={1.75} />}
        />
      )}
      <Menu
        label={`Actions for ${workspace.name}`}
        {...closing}
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
          items,
          actions.filter(({ danger }) => danger).map(menuItem),
        ]}
      />
    </span>
  )
}

function summary(workspaces: readonly Workspace[], count: number): string {
  if (count === 0) return 'Machines to work in, created from templates'
  const shown =
    count > PAGE_SIZE ? `${count} workspaces` : `${count} ${count === 1 ? 'workspace' : 'workspaces'}`
  const running = workspaces.filter((workspace) => workspace.latest_build.status === 'running').length
  return count > PAGE_SIZE || running === 0 ? shown : `${shown}, ${running} running`
}
