import { useQuery } from '@tanstack/react-query'
import { CirclePause, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

import type { Chat, Workspace, WorkspaceAgent } from '@slipway/contract'
import { Button } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { ErrorPage } from '../../ui/error-notice.tsx'
import { AfterDelay } from '../../ui/skeleton.tsx'
import { Spinner } from '../../ui/spinner.tsx'
import { useWorkspaceActions } from '../../workspaces/use-workspace-actions.tsx'
import { isMoving } from '../../workspaces/workspace-look.ts'
import { agentOfChat, chatWorkspaceQuery } from '../chat-workspace.ts'

/**
 * Shows what needs the workspace of a chat, once its agent is connected; until then how the workspace is, and how to start
 * it.
 */
export function WorkspaceGate({
  chat,
  workspaceId,
  icon,
  thing,
  children,
}: {
  readonly chat: Pick<Chat, 'agent_id'>
  readonly workspaceId: string
  readonly icon: LucideIcon
  /** What waits behind it, as in "The terminal opens when …". */
  readonly thing: string
  readonly children: (workspace: Workspace, agent: WorkspaceAgent) => ReactNode
}) {
  const question = useQuery(chatWorkspaceQuery(workspaceId))
  const workspace = question.data
  if (workspace === undefined)
    return question.isError ? (
      <ErrorPage
        title="The workspace could not be read"
        error={question.error}
        onRetry={() => void question.refetch()}
      />
    ) : (
      <AfterDelay>
        <div role="status" className="flex flex-1 items-center justify-center py-14">
          <Spinner className="size-5 text-ink-3" />
          <span className="sr-only">Loading the workspace</span>
        </div>
      </AfterDelay>
    )
  const agent = agentOfChat(workspace, chat)
  if (workspace.latest_build.status !== 'running' || agent === undefined || agent.status === 'connecting')
    return <NotRunning workspace={workspace} agent={agent} icon={icon} thing={thing} />
  return children(workspace, agent)
}

function NotRunning({
  workspace,
  agent,
  icon,
  thing,
}: {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent | undefined
  readonly icon: LucideIcon
  readonly thing: string
}) {
  const { offered, dialog } = useWorkspaceActions()
  const { status } = workspace.latest_build
  const running = status === 'running'
  const connecting = running && agent !== undefined
  const moving = isMoving(status) || connecting
  const start = running
    ? undefined
    : offered(workspace).find(
        ({ action }) => action === 'start' || action === 'update-start' || action === 'retry',
      )
  return (
    <>
      <EmptyState
        icon={running ? icon : CirclePause}
        title={
          running && agent === undefined
            ? `${workspace.name} has no agent`
            : moving
              ? `${workspace.name} is ${connecting ? 'connecting' : status}`
              : `${workspace.name} is not running`
        }
        action={
          start === undefined ? undefined : (
            <Button tone="primary" onClick={start.run} disabled={start.disabled}>
              {start.label}
            </Button>
          )
        }
      >
        {moving ? (
          <span className="inline-flex items-center gap-2">
            <Spinner /> {thing} opens when it is {connecting ? 'connected' : 'running'}.
          </span>
        ) : running ? (
          'Its template gives it none.'
        ) : (
          `${thing} opens when it runs.`
        )}
      </EmptyState>
      {dialog}
    </>
  )
}
