import { AppWindow } from 'lucide-react'
import type { ReactNode } from 'react'

import type { Chat, Workspace, WorkspaceAgent } from '@slipway/contract'
import { AgentApps } from '../../workspaces/agent-apps.tsx'
import { useAppPlace } from '../../workspaces/use-app-place.ts'
import { framingOf } from './framing.ts'
import { PortsSection } from './ports-section.tsx'
import { WorkspaceGate } from './workspace-gate.tsx'

/** What can be opened in the workspace of a chat: apps of its template, editors, ports (11.7 of chapter 10). */
export function AppsTab({
  chat,
  workspaceId,
  onOpen,
  onTerminal,
}: {
  readonly chat: Pick<Chat, 'agent_id'>
  readonly workspaceId: string
  /** Opens a tab beside the chat. */
  readonly onOpen: (tab: string) => void
  readonly onTerminal: () => void
}) {
  return (
    <WorkspaceGate chat={chat} workspaceId={workspaceId} icon={AppWindow} thing="What it offers">
      {(workspace, agent) => (
        <div className="flex flex-col gap-5">
          <Apps workspace={workspace} agent={agent} onOpen={onOpen} onTerminal={onTerminal} />
          {agent.display_apps.includes('port_forwarding_helper') ? (
            <Part title="Ports">
              <PortsSection workspace={workspace} agent={agent} onOpen={(port) => onOpen(`port.${port}`)} />
            </Part>
          ) : null}
        </div>
      )}
    </WorkspaceGate>
  )
}

function Apps({
  workspace,
  agent,
  onOpen,
  onTerminal,
}: {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly onOpen: (tab: string) => void
  readonly onTerminal: () => void
}) {
  const apps = agent.apps.filter((app) => !app.hidden)
  const { place } = useAppPlace(
    workspace,
    agent,
    apps.some((app) => app.subdomain),
  )
  const opens = agent.display_apps.some((app) => app !== 'port_forwarding_helper' && app !== 'ssh_helper')
  return (
    <Part title="Apps">
      {apps.length === 0 && !opens ? (
        <p className="text-sm text-ink-2">The template of this workspace offers no apps.</p>
      ) : (
        <AgentApps
          workspace={workspace}
          agent={agent}
          className=""
          beside={{
            terminal: onTerminal,
            app: (app, target) =>
              target.kind === 'page' ||
              framingOf(target, new URL(location.href), place.appHost).kind === 'frame'
                ? () => onOpen(`app.${app.slug}`)
                : undefined,
          }}
        />
      )}
    </Part>
  )
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="mb-2 text-xs font-medium text-ink-3">{title}</h2>
      {children}
    </section>
  )
}
