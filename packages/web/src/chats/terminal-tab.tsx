import { SquareTerminal } from 'lucide-react'
import { useState } from 'react'

import type { Chat, Workspace, WorkspaceAgent } from '@slipway/contract'
import { TerminalSession } from '../terminal/terminal-session.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { WorkspaceGate } from './panel/workspace-gate.tsx'
import { terminalSession } from './terminal-sessions.ts'

/**
 * A shell in the workspace of the chat, or a program of the template, which runs once only (UI-1145).
 *
 * @param name tells sessions of one chat apart: the slug of a program, or the number of a shell.
 */
export function TerminalTab({
  chat,
  workspaceId,
  name = '',
  program,
  onShell,
}: {
  readonly chat: Pick<Chat, 'id' | 'agent_id'>
  readonly workspaceId: string
  readonly name?: string
  /** Slug of the program to run instead of a shell. */
  readonly program?: string
  /** Opens a shell, where there is no such program. */
  readonly onShell: () => void
}) {
  return (
    <WorkspaceGate chat={chat} workspaceId={workspaceId} icon={SquareTerminal} thing="The terminal">
      {(workspace, agent) => {
        const command =
          program === undefined ? '' : (agent.apps.find(({ slug }) => slug === program)?.command ?? '')
        if (program !== undefined && command === '')
          return (
            <EmptyState
              icon={SquareTerminal}
              title={`There is no terminal app “${program}”`}
              action={<Button onClick={onShell}>Open a shell</Button>}
            />
          )
        return (
          <Session
            key={`${chat.id} ${name}`}
            chat={chat.id}
            workspace={workspace}
            agent={agent}
            name={name}
            command={command}
          />
        )
      }}
    </WorkspaceGate>
  )
}

function Session({
  chat,
  workspace,
  agent,
  name,
  command,
}: {
  readonly chat: string
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly name: string
  readonly command: string
}) {
  const [session, setSession] = useState(() => terminalSession(chat, name))
  return (
    <TerminalSession
      key={session}
      embedded
      workspace={workspace}
      agent={agent}
      reconnectId={session}
      command={command}
      onNewSession={() => setSession(terminalSession(chat, name, true))}
    />
  )
}
