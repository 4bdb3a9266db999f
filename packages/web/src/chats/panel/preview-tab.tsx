import { AppWindow, ExternalLink, Plug } from 'lucide-react'
import type { ReactNode } from 'react'

import type { Chat, Workspace, WorkspaceAgent, WorkspaceApp } from '@slipway/contract'
import { Button, buttonClass } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { ErrorPage } from '../../ui/error-notice.tsx'
import { Spinner } from '../../ui/spinner.tsx'
import { type AppTarget, appTarget, portTarget } from '../../workspaces/app-target.ts'
import { useAppPlace } from '../../workspaces/use-app-place.ts'
import { AppFrame } from './app-frame.tsx'
import { framingOf } from './framing.ts'
import { usePortProtocol } from './port-protocol.ts'
import { WorkspaceGate } from './workspace-gate.tsx'

/** What is previewed: an app of the template by its slug, or a port. */
type Previewed =
  | { readonly kind: 'app'; readonly slug: string }
  | { readonly kind: 'port'; readonly port: number }

interface PreviewProps {
  readonly chat: Pick<Chat, 'agent_id'>
  readonly workspaceId: string
  readonly what: Previewed
  readonly onClose: (() => void) | undefined
}

/** An app or a port of the workspace in a frame beside the chat, or why it cannot be there (UI-1145). */
export function PreviewTab({ chat, workspaceId, what, onClose }: PreviewProps) {
  const icon = what.kind === 'port' ? Plug : AppWindow
  const thing = what.kind === 'port' ? `Port ${what.port}` : 'The app'
  return (
    <WorkspaceGate chat={chat} workspaceId={workspaceId} icon={icon} thing={thing}>
      {(workspace, agent) =>
        what.kind === 'port' ? (
          <PortPreview workspace={workspace} agent={agent} port={what.port} onClose={onClose} />
        ) : (
          <AppPreview workspace={workspace} agent={agent} slug={what.slug} onClose={onClose} />
        )
      }
    </WorkspaceGate>
  )
}

interface PlacedProps {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly onClose: (() => void) | undefined
}

function AppPreview({ workspace, agent, slug, onClose }: PlacedProps & { readonly slug: string }) {
  const app = agent.apps.find((one) => one.slug === slug)
  if (app === undefined)
    return (
      <EmptyState
        icon={AppWindow}
        title={`There is no app “${slug}”`}
        action={<CloseTab onClose={onClose} />}
      >
        The template of this workspace does not have it, or no longer.
      </EmptyState>
    )
  const name = app.display_name === '' ? app.slug : app.display_name
  return (
    <Placed
      workspace={workspace}
      agent={agent}
      name={name}
      prefix={name}
      target={(place) => appTarget(app, place)}
      app={app}
      onClose={onClose}
    />
  )
}

function PortPreview({ workspace, agent, port, onClose }: PlacedProps & { readonly port: number }) {
  const [tls] = usePortProtocol(workspace.id)
  if (!agent.display_apps.includes('port_forwarding_helper'))
    return (
      <EmptyState icon={Plug} title="Ports are not offered here" action={<CloseTab onClose={onClose} />}>
        The template of this workspace does not show ports (port_forwarding_helper).
      </EmptyState>
    )
  return (
    <Placed
      workspace={workspace}
      agent={agent}
      name={`Port ${port}`}
      prefix={`:${port}`}
      target={(place) => portTarget(port, tls, place)}
      onClose={onClose}
    />
  )
}

function Placed({
  workspace,
  agent,
  name,
  prefix,
  target,
  app,
  onClose,
}: PlacedProps & {
  readonly name: string
  readonly prefix: string
  readonly target: (place: Parameters<typeof appTarget>[1]) => AppTarget
  readonly app?: WorkspaceApp
}) {
  const { place, host } = useAppPlace(workspace, agent, true)
  if (host.isError)
    return (
      <ErrorPage
        title={`${name} could not be found`}
        error={host.error}
        onRetry={() => void host.refetch()}
      />
    )
  if (host.data === undefined) return null
  const framing = framingOf(target(place), new URL(location.href), place.appHost)
  switch (framing.kind) {
    case 'none':
      return (
        <EmptyState
          icon={AppWindow}
          title={`${name} cannot be opened`}
          action={<CloseTab onClose={onClose} />}
        >
          {framing.reason}
        </EmptyState>
      )
    case 'elsewhere':
      return (
        <EmptyState
          icon={AppWindow}
          title={`${name} opens in a tab of its own`}
          action={
            <a
              href={framing.href}
              target="_blank"
              rel="noopener noreferrer"
              className={buttonClass({ tone: 'primary' })}
            >
              <ExternalLink className="size-4" strokeWidth={1.75} aria-hidden="true" /> Open in a new tab
            </a>
          }
        >
          {framing.reason}
        </EmptyState>
      )
    case 'frame':
      return (
        <AppFrame
          key={framing.url}
          base={framing.url}
          name={name}
          prefix={prefix}
          where={workspace.name}
          waiting={app?.health === 'initializing'}
          note={noteOf(agent, app)}
        />
      )
  }
}

/** What may be wrong with it, from the most to the least likely. */
function noteOf(agent: WorkspaceAgent, app: WorkspaceApp | undefined): ReactNode {
  if (agent.status !== 'connected') return 'The agent of the workspace has lost its connection.'
  if (app?.health === 'unhealthy') return 'The health check of this app fails. It may not open.'
  if (agent.lifecycle_state === 'starting')
    return (
      <>
        <Spinner className="size-3 text-run" /> Startup scripts are still running: it may not be there yet.
      </>
    )
  return undefined
}

function CloseTab({ onClose }: { readonly onClose: (() => void) | undefined }) {
  return onClose === undefined ? null : <Button onClick={onClose}>Close the tab</Button>
}
