import { useQuery } from '@tanstack/react-query'
import { CirclePause, SquareTerminal } from 'lucide-react'
import { type ReactNode, useEffect } from 'react'

import type { Workspace, WorkspaceAgent } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { useLive } from '../api/use-live.ts'
import { useAccountLook } from '../appearance/use-look.ts'
import { useAddress, useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { PRODUCT } from '../ui/product.ts'
import { Spinner } from '../ui/spinner.tsx'
import { showWorkspace, workspaceOf, workspaceQuery } from '../workspaces/queries.ts'
import { useWorkspaceActions } from '../workspaces/use-workspace-actions.tsx'
import { agentsOf, isMoving } from '../workspaces/workspace-look.ts'
import { CommandConsent } from './command-consent.tsx'
import { TerminalSession } from './terminal-session.tsx'

/** `/@owner/workspace[.agent]/terminal`: a shell over the whole page (UI-901). */
export function TerminalPage() {
  useAccountLook()
  const owner = useRouteParam('owner')
  const [name = '', agentName] = useRouteParam('workspace').split('.')
  const [search, change] = useAddress()
  const question = useQuery(workspaceQuery(owner, name))
  const workspace = question.data
  const agents = workspace === undefined ? [] : agentsOf(workspace)
  const agent = agentName === undefined ? agents[0] : agents.find((one) => one.name === agentName)

  useEffect(() => {
    document.title = `${name}${agentName === undefined ? '' : `.${agentName}`} - Terminal - ${PRODUCT}`
  }, [name, agentName])
  // The session's name is part of the address: a reload comes back to the same shell.
  const reconnect = search.reconnect
  useEffect(() => {
    if (reconnect === undefined) change({ reconnect: crypto.randomUUID() })
  }, [reconnect, change])
  // Until the agent is there, its workspace is watched; a running terminal tells by itself how it is.
  const waiting =
    workspace !== undefined && (workspace.latest_build.status !== 'running' || agent?.status !== 'connected')
  useLive(waiting ? workspace.id : undefined, {
    path: () => `/api/v2/workspaces/${workspace?.id}/watch-ws`,
    onMessage: (frame) => {
      const next = workspaceOf(frame)
      if (next !== undefined) showWorkspace(next)
    },
  })

  if (workspace === undefined) {
    if (!question.isError)
      return (
        <Blank>
          <Spinner className="size-5 text-ink-3" />
        </Blank>
      )
    return (
      <ErrorPage
        title={
          statusOf(question.error) === 404
            ? `There is no workspace ${name} of ${owner}`
            : 'The workspace could not be read'
        }
        error={question.error}
        onRetry={() => void question.refetch()}
      />
    )
  }
  if (workspace.latest_build.status !== 'running' || agent === undefined || agent.status === 'connecting')
    return <NotRunning workspace={workspace} agentName={agentName} agent={agent} />
  if (reconnect === undefined) return <Blank />
  return (
    <Ready
      workspace={workspace}
      agent={agent}
      reconnectId={reconnect}
      search={search}
      onNewSession={() => change({ reconnect: crypto.randomUUID(), command: undefined, app: undefined })}
    />
  )
}

function Ready({
  workspace,
  agent,
  reconnectId,
  search,
  onNewSession,
}: {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly reconnectId: string
  readonly search: Readonly<Record<string, string>>
  readonly onNewSession: () => void
}) {
  const { app: slug, command: wanted } = search
  const app = slug === undefined ? undefined : agent.apps.find((one) => one.slug === slug)
  const session = (command: string) => (
    <TerminalSession
      key={reconnectId}
      workspace={workspace}
      agent={agent}
      reconnectId={reconnectId}
      command={command}
      onNewSession={onNewSession}
    />
  )
  if (slug !== undefined) {
    // An unknown app never falls back to a command of the address (UI-907).
    if (app?.command === undefined || app.command === '')
      return (
        <Blank>
          <EmptyState
            page
            icon={SquareTerminal}
            title={`There is no terminal app “${slug}” in ${agent.name}`}
          >
            <AppLink className="link" href={paths.workspace(workspace.owner_name, workspace.name)}>
              Back to the workspace
            </AppLink>
          </EmptyState>
        </Blank>
      )
    return session(app.command)
  }
  if (wanted !== undefined)
    return (
      <CommandConsent
        key={wanted}
        command={wanted}
        back={paths.workspace(workspace.owner_name, workspace.name)}
      >
        {session(wanted)}
      </CommandConsent>
    )
  return session('')
}

function NotRunning({
  workspace,
  agent,
  agentName,
}: {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent | undefined
  readonly agentName: string | undefined
}) {
  const { offered, dialog } = useWorkspaceActions()
  const start = offered(workspace).find(
    ({ action }) => action === 'start' || action === 'update-start' || action === 'retry',
  )
  const { status } = workspace.latest_build
  const connecting = status === 'running' && agent !== undefined
  const moving = isMoving(status) || connecting
  const running = status === 'running'
  return (
    <Blank>
      <EmptyState
        page
        icon={running ? SquareTerminal : CirclePause}
        title={
          running && agent === undefined
            ? `${workspace.name} has no agent${agentName === undefined ? '' : ` ${agentName}`}`
            : moving
              ? `${workspace.name} is ${connecting ? 'connecting' : status}`
              : `${workspace.name} is not running`
        }
        action={
          <>
            {start === undefined || running ? null : (
              <Button tone="primary" onClick={start.run} disabled={start.disabled}>
                {start.label}
              </Button>
            )}
            <AppLink href={paths.workspace(workspace.owner_name, workspace.name)} className={buttonClass({})}>
              Back to the workspace
            </AppLink>
          </>
        }
      >
        {moving ? (
          <span className="inline-flex items-center gap-2">
            <Spinner /> The terminal opens when it is {connecting ? 'connected' : 'running'}.
          </span>
        ) : running ? (
          'Its template has no such agent.'
        ) : (
          'Start it to open a terminal.'
        )}
      </EmptyState>
      {dialog}
    </Blank>
  )
}

function Blank({ children }: { readonly children?: ReactNode }) {
  return <main className="flex min-h-dvh flex-col items-center justify-center bg-console">{children}</main>
}
