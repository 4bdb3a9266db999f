import { useMutation, useQuery } from '@tanstack/react-query'
import { Outlet } from '@tanstack/react-router'
import { Ellipsis, SquareTerminal, Star, Trash2 } from 'lucide-react'
import { useEffect } from 'react'

import { favoriteWorkspace, unfavoriteWorkspace, type Workspace } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { useLive } from '../api/use-live.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink, usePathname } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useSeveralOrganizations } from '../session/session.tsx'
import { useCheck } from '../session/use-check.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Menu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type TabLink, TabLinks, tabOf } from '../ui/tabs.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshWorkspace, showWorkspace, workspaceOf, workspaceQuery } from './queries.ts'
import { useClosingMenu } from './use-closing-menu.ts'
import { useFavicon } from './use-favicon.ts'
import { useWorkspaceActions } from './use-workspace-actions.tsx'
import { useWorkspaceMenu } from './use-workspace-menu.tsx'
import { useWorkspacePermissions } from './use-workspace-permissions.ts'
import type { WorkspaceAction } from './workspace-actions.ts'
import { WorkspaceContext } from './workspace-context.ts'
import { agentsOf, isMoving, workspaceLook } from './workspace-look.ts'
import { menuItem } from './workspace-menu-item.ts'

/** Header, actions and tabs of a workspace; its stream keeps all of its pages fresh (UI-320, UI-721). */
export function WorkspaceLayout() {
  const owner = useRouteParam('owner')
  // `name.agent` is an address of the workspace too.
  const name = useRouteParam('workspace').split('.')[0] ?? ''
  const pathname = usePathname()
  const known = useQuery(workspaceQuery(owner, name))
  const gone = known.data?.latest_build.status === 'deleted'
  const id = known.data === undefined || gone ? undefined : known.data.id
  const live = useLive(id, {
    path: () => `/api/v2/workspaces/${id}/watch-ws`,
    onMessage: (frame) => {
      const next = workspaceOf(frame)
      if (next !== undefined) showWorkspace(next)
    },
    onOpen: (reopened) => {
      if (reopened && known.data !== undefined) refreshWorkspace(known.data)
    },
  })
  const workspace = useQuery(workspaceQuery(owner, name, live || gone)).data
  const mayShare = useCheck(
    'share',
    known.data === undefined || gone
      ? undefined
      : { resource_type: 'workspace', resource_id: known.data.id, owner_id: known.data.owner_id },
  )
  const build = workspace?.latest_build
  useFavicon(build?.status)
  // The history follows what the stream says about the latest build.
  const buildState = build === undefined ? undefined : `${build.id} ${build.status}`
  useEffect(() => {
    if (buildState !== undefined && id !== undefined)
      void queries.invalidateQueries({ queryKey: ['builds', id] })
  }, [buildState, id])

  if (workspace === undefined) {
    if (!known.isError) return <PageSkeleton />
    return statusOf(known.error) === 404 ? (
      <EmptyState
        page
        icon={Trash2}
        title={`There is no workspace ${name} of ${owner}`}
        action={
          <AppLink href={paths.workspaces()} className={buttonClass({ tone: 'primary' })}>
            Go to workspaces
          </AppLink>
        }
      >
        It may have been renamed or deleted, or it is not shared with you.
      </EmptyState>
    ) : (
      <ErrorPage
        title="The workspace could not be read"
        error={known.error}
        onRetry={() => void known.refetch()}
      />
    )
  }
  if (gone) return <Deleted workspace={workspace} />
  const tabs = [
    { to: paths.workspace(owner, workspace.name), label: 'Overview' },
    { to: paths.workspaceParameters(owner, workspace.name), label: 'Parameters' },
    { to: paths.workspaceSchedule(owner, workspace.name), label: 'Schedule' },
    ...(mayShare === true ? [{ to: paths.workspaceSharing(owner, workspace.name), label: 'Sharing' }] : []),
    { to: paths.workspaceSettings(owner, workspace.name), label: 'Settings' },
  ]
  return (
    <WorkspaceContext value={{ workspace, live }}>
      <Page>
        <Header workspace={workspace} part={partOf(tabs, pathname)} />
        <TabLinks label="Workspace" tabs={tabs} />
        <Outlet />
      </Page>
    </WorkspaceContext>
  )
}

/** Which part of a workspace a page shows, for its title (UI-406); none on the first one. */
function partOf(tabs: readonly TabLink[], pathname: string): string | undefined {
  const build = /\/builds\/(\d+)\/?$/.exec(pathname)?.[1]
  if (build !== undefined) return `Build ${build}`
  const tab = tabOf(tabs, pathname)
  return tab === tabs[0] ? undefined : tab?.label
}

/** What ends something never asks to be clicked. */
const CALM: ReadonlySet<WorkspaceAction> = new Set(['cancel', 'force-stop', 'stop'])

function Header({ workspace, part }: { readonly workspace: Workspace; readonly part: string | undefined }) {
  const permissions = useWorkspacePermissions([workspace], workspace)(workspace)
  const { offered, startWith, dialog } = useWorkspaceActions(() => permissions.updateTemplate)
  const menu = useWorkspaceMenu(startWith)
  const several = useSeveralOrganizations()
  const actions = offered(workspace)
  const closing = useClosingMenu(actions)
  const connected = agentsOf(workspace).find((agent) => agent.status === 'connected')
  const running = workspace.latest_build.status === 'running'
  const template = {
    name: workspace.template_name,
    organization_name: workspace.organization_name,
  }
  // The next thing to do stands out; what ends or undoes something does not.
  const [first] = actions
  const primary =
    running && connected !== undefined ? undefined : first?.action === 'delete' ? undefined : first
  const secondary = running ? actions.find(({ action }) => action === 'stop') : undefined
  return (
    <>
      <PageHeader
        title={workspace.name}
        documentTitle={`${part === undefined ? '' : `${part} - `}${workspace.name} - Workspaces`}
        lead={
          <span className="inline-flex size-11 shrink-0 items-center justify-center rounded-card border border-line bg-surface">
            <ThingIcon src={workspace.template_icon} className="size-6" />
          </span>
        }
        badge={
          <span className="flex items-center gap-2" aria-live="polite">
            <StateBadge
              look={workspaceLook(workspace)}
              since={isMoving(workspace.latest_build.status) ? workspace.latest_build.created_at : undefined}
            />
            <Favorite workspace={workspace} />
          </span>
        }
        context={
          <span className="flex flex-wrap items-center gap-x-1.5">
            <bdi>{workspace.owner_name}</bdi>
            <span className="text-ink-3">·</span>
            <AppLink href={paths.template(template, several)} className="hover:text-ink hover:underline">
              {workspace.template_display_name === ''
                ? workspace.template_name
                : workspace.template_display_name}
            </AppLink>
            <span className="text-ink-3">{workspace.latest_build.template_version_name}</span>
          </span>
        }
        actions={
          <>
            {secondary === undefined || secondary === primary ? null : (
              <Button
                onClick={secondary.run}
                disabled={secondary.disabled}
                icon={<secondary.icon className="size-3.5" />}
              >
                {secondary.label}
              </Button>
            )}
            {running && connected !== undefined ? (
              <AppLink
                href={paths.terminal(workspace.owner_name, workspace.name, connected.name)}
                className={buttonClass({ tone: 'primary' })}
              >
                <SquareTerminal className="size-4" /> Open terminal
              </AppLink>
            ) : null}
            {primary === undefined ? null : (
              <Button
                tone={CALM.has(primary.action) ? 'secondary' : 'primary'}
                onClick={primary.run}
                disabled={primary.disabled}
                icon={<primary.icon className="size-3.5" />}
              >
                {primary.label}
              </Button>
            )}
            <Menu
              label="More actions"
              trigger={
                <Button size="icon" aria-label="More actions" icon={<Ellipsis className="size-4" />} />
              }
              {...closing}
              groups={[
                actions
                  .filter((action) => action !== primary && action !== secondary && !action.danger)
                  .map(menuItem),
                menu.items(workspace, permissions, actions),
                actions.filter(({ danger }) => danger).map(menuItem),
              ]}
            />
          </>
        }
      />
      {dialog}
      {menu.dialog}
    </>
  )
}

function Favorite({ workspace }: { readonly workspace: Workspace }) {
  const toggle = useMutation({
    mutationFn: () =>
      api.call(workspace.favorite ? unfavoriteWorkspace : favoriteWorkspace, {
        params: { workspace: workspace.id },
      }),
    onMutate: () => showWorkspace({ ...workspace, favorite: !workspace.favorite }),
    onError: (error) => {
      showWorkspace(workspace)
      toasts.failed('The favorite was not changed', error)
    },
  })
  return (
    <button
      type="button"
      aria-pressed={workspace.favorite}
      aria-label="Favorite"
      title={workspace.favorite ? 'Remove from favorites' : 'Add to favorites'}
      disabled={toggle.isPending}
      onClick={() => toggle.mutate()}
      className="inline-flex size-7 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink"
    >
      <Star
        className={classNames('size-4', workspace.favorite && 'fill-current text-accent')}
        strokeWidth={1.75}
      />
    </button>
  )
}

/** A link to something that is gone says so, and how to have it again (UI-405). */
function Deleted({ workspace }: { readonly workspace: Workspace }) {
  const several = useSeveralOrganizations()
  const template = { name: workspace.template_name, organization_name: workspace.organization_name }
  return (
    <EmptyState
      page
      icon={Trash2}
      title={`${workspace.name} was deleted`}
      action={
        <>
          <AppLink
            href={paths.template(template, several, 'workspace', { name: workspace.name })}
            className={buttonClass({ tone: 'primary' })}
          >
            Create it again
          </AppLink>
          <AppLink href={paths.workspaces()} className={buttonClass({})}>
            Go to workspaces
          </AppLink>
        </>
      }
    >
      The workspace and its files are gone. You can create a new one from the same template.
    </EmptyState>
  )
}
