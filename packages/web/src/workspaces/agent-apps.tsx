import { Code, SquareTerminal, TriangleAlert } from 'lucide-react'

import type { Workspace, WorkspaceAgent, WorkspaceApp } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Spinner } from '../ui/spinner.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { type AppPlace, type AppTarget, appTarget, editorUrl, withKey } from './app-target.ts'
import { openProgram } from './open-program.ts'
import { useAppPlace } from './use-app-place.ts'

/** Opens things on the spot instead of on a page of their own. */
interface Beside {
  readonly terminal: () => void
  /** How to open the app that leads there; undefined for one that has to open elsewhere. */
  readonly app: (app: WorkspaceApp, target: AppTarget) => (() => void) | undefined
}

/** Everything that can be opened in an agent: terminal, editors, the template's apps (UI-725). */
export function AgentApps({
  workspace,
  agent,
  className = 'px-4 pb-4',
  beside,
}: {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly className?: string
  readonly beside?: Beside
}) {
  const apps = agent.apps.filter((app) => !app.hidden)
  const subdomains = apps.some((app) => app.subdomain)
  const { place } = useAppPlace(workspace, agent, subdomains)
  const shown = new Set(agent.display_apps)
  const editor = (scheme: 'vscode' | 'vscode-insiders', name: string) => () =>
    void openProgram(name, true, (key) =>
      editorUrl(
        scheme,
        { ...place, folder: agent.expanded_directory ?? agent.directory ?? '' },
        location.origin,
        key,
      ),
    )
  const groups = Map.groupBy(apps, (app) => app.group ?? '')
  return (
    <div className={classNames('flex flex-col gap-3', className)}>
      <ul className="flex flex-wrap gap-2">
        {shown.has('web_terminal') ? (
          <li>
            {beside === undefined ? (
              <AppLink
                href={paths.terminal(workspace.owner_name, workspace.name, agent.name)}
                className={buttonClass({})}
              >
                <SquareTerminal className="size-4" strokeWidth={1.75} /> Terminal
              </AppLink>
            ) : (
              <Button
                onClick={beside.terminal}
                icon={<SquareTerminal className="size-4" strokeWidth={1.75} />}
              >
                Terminal
              </Button>
            )}
          </li>
        ) : null}
        {shown.has('vscode') ? (
          <li>
            <Button
              onClick={editor('vscode', 'VS Code')}
              icon={<Code className="size-4" strokeWidth={1.75} />}
            >
              VS Code
            </Button>
          </li>
        ) : null}
        {shown.has('vscode_insiders') ? (
          <li>
            <Button
              onClick={editor('vscode-insiders', 'VS Code Insiders')}
              icon={<Code className="size-4" strokeWidth={1.75} />}
            >
              VS Code Insiders
            </Button>
          </li>
        ) : null}
        {(groups.get('') ?? []).map((app) => (
          <li key={app.id}>
            <AppButton app={app} place={place} beside={beside} />
          </li>
        ))}
      </ul>
      {[...groups].map(([group, members]) =>
        group === '' ? null : (
          <div key={group}>
            <h4 className="mb-1.5 text-xs font-medium text-ink-3">{group}</h4>
            <ul className="flex flex-wrap gap-2">
              {members.map((app) => (
                <li key={app.id}>
                  <AppButton app={app} place={place} beside={beside} />
                </li>
              ))}
            </ul>
          </div>
        ),
      )}
    </div>
  )
}

function AppButton({
  app,
  place,
  beside,
}: {
  readonly app: WorkspaceApp
  readonly place: AppPlace
  readonly beside: Beside | undefined
}) {
  const target = appTarget(app, place)
  const openHere = beside?.app(app, target)
  const name = app.display_name === '' ? app.slug : app.display_name
  const icon =
    app.health === 'initializing' ? (
      <Spinner className="size-4 text-run" />
    ) : app.health === 'unhealthy' ? (
      <TriangleAlert className="size-4 text-warn" aria-label="Unhealthy" />
    ) : (
      <ThingIcon src={app.icon} className="size-4" />
    )
  const title =
    target.kind === 'none'
      ? target.reason
      : app.health === 'unhealthy'
        ? 'The health check of this app fails. It may not open.'
        : app.health === 'initializing'
          ? 'This app has not answered its health check yet.'
          : app.tooltip
  if (openHere !== undefined)
    return (
      <Button icon={icon} title={title} onClick={openHere}>
        {name}
      </Button>
    )
  switch (target.kind) {
    case 'none':
      return (
        <Button disabled icon={icon} title={title}>
          {name}
        </Button>
      )
    case 'page':
      return (
        <AppLink href={target.href} title={title} className={buttonClass({})}>
          {icon} {name}
        </AppLink>
      )
    case 'program':
      return (
        <Button
          icon={icon}
          title={title}
          onClick={() => void openProgram(name, target.needsKey, (key) => withKey(target.url, key))}
        >
          {name}
        </Button>
      )
    case 'link':
      return (
        <a
          href={target.href}
          target="_blank"
          rel="noopener noreferrer"
          title={title}
          onClick={(event) => {
            if (!target.slim) return
            event.preventDefault()
            window.open(target.href, '_blank', 'popup,noopener,width=1100,height=760')
          }}
          className={buttonClass({})}
        >
          {icon} {name}
        </a>
      )
  }
}
