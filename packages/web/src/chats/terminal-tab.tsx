import { useQuery } from '@tanstack/react-query'
import { CirclePause, SquareTerminal } from 'lucide-react'
import { useState } from 'react'

import type { Chat, Workspace, WorkspaceAgent } from '@slipway/contract'
import { useAddress } from '../navigation/address.ts'
import { TerminalSession } from '../terminal/terminal-session.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { useWorkspaceActions } from '../workspaces/use-workspace-actions.tsx'
import { isMoving } from '../workspaces/workspace-look.ts'
import { agentOfChat, chatWorkspaceQuery } from './chat-workspace.ts'
import { terminalSession } from './terminal-sessions.ts'

/** A shell, or a program of the template, in the workspace of the chat (UI-1145). */
export function TerminalTab({ chat, workspaceId }: { readonly chat: Chat; readonly workspaceId: string }) {
  const question = useQuery(chatWorkspaceQuery(workspaceId))
  const [{ app: slug = '' }, change] = useAddress()
  const workspace = question.data
  if (workspace === undefined)
    return question.isError ? (
      <ErrorPage
        title="The workspace could not be read"
        error={question.error}
        onRetry={() => void question.refetch()}
      />
    ) : (
      <div className="flex flex-1 items-center justify-center bg-console">
        <Spinner className="size-5 text-ink-3" />
      </div>
    )
  const agent = agentOfChat(workspace, chat)
  if (workspace.latest_build.status !== 'running' || agent === undefined || agent.status === 'connecting')
    return <NotRunning workspace={workspace} agent={agent} />
  const app = agent.apps.find((one) => one.slug === slug)
  if (slug !== '' && (app?.command === undefined || app.command === ''))
    return (
      <EmptyState
        icon={SquareTerminal}
        title={`There is no terminal app “${slug}”`}
        action={<Button onClick={() => change({ app: undefined })}>Open a shell</Button>}
      />
    )
  return (
    <Session
      key={`${chat.id} ${slug}`}
      chat={chat.id}
      workspace={workspace}
      agent={agent}
      slug={slug}
      command={app?.command ?? ''}
    />
  )
}

function Session({
  chat,
  workspace,
  agent,
  slug,
  command,
}: {
  readonly chat: string
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly slug: string
  readonly command: string
}) {
  const [session, setSession] = useState(() => terminalSession(chat, slug))
  return (
    <TerminalSession
      key={session}
      embedded
      workspace={workspace}
      agent={agent}
      reconnectId={session}
      command={command}
      onNewSession={() => setSession(terminalSession(chat, slug, true))}
    />
  )
}

function NotRunning({
  workspace,
  agent,
}: {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent | undefined
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
        icon={running ? SquareTerminal : CirclePause}
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
            <Spinner /> The terminal opens when it is {connecting ? 'connected' : 'running'}.
          </span>
        ) : running ? (
          'Its template gives it none.'
        ) : (
          'Start it to open a terminal.'
        )}
      </EmptyState>
      {dialog}
    </>
  )
}
