import { Tabs } from 'radix-ui'
import { lazy, Suspense, useState } from 'react'

import type { Task, Workspace, WorkspaceAgent, WorkspaceApp } from '@slipway/contract'
import { PaneDivider } from '../chats/pane-divider.tsx'
import { AppsTab } from '../chats/panel/apps-tab.tsx'
import { openedTab } from '../chats/panel/panel-tabs.ts'
import { PreviewTab } from '../chats/panel/preview-tab.tsx'
import { useMedia } from '../chats/use-media.ts'
import { useAddress } from '../navigation/address.ts'
import { classNames } from '../ui/class-names.ts'
import { agentsOf } from '../workspaces/workspace-look.ts'
import { PANEL_WIDTH, usePanelWidth } from './panel-width.ts'
import { taskTitle } from './task-look.ts'
import { TaskMain } from './task-main.tsx'
import type { TaskStage } from './task-stage.ts'

/** It brings the whole terminal along, which few tasks need. */
const TerminalTab = lazy(async () => ({
  default: (await import('../chats/terminal-tab.tsx')).TerminalTab,
}))

/** The task itself, as a tab where there is room for one pane only. */
const MAIN = 'task'
/** Frames that stay as they are while another tab is in front. */
const KEPT_FRAMES = 4

/** What the program of a task shows, and beside it what else is in its workspace (UI-1202). */
export function TaskPanes({
  task,
  workspace,
  stage,
}: {
  readonly task: Task
  readonly workspace: Workspace | undefined
  readonly stage: TaskStage
}) {
  const wide = useMedia('(min-width: 1100px)')
  const [width, setWidth] = usePanelWidth()
  const running = workspace?.latest_build.status === 'running'
  const agent = running ? agentOf(task, workspace) : undefined
  const main = <TaskMain task={task} workspace={workspace} agent={agent} stage={stage} />
  // Before there is a workspace there is nothing beside the task.
  if (workspace === undefined || agent === undefined)
    return <div className="flex min-h-0 flex-1 flex-col bg-surface">{main}</div>
  if (!wide)
    return (
      <Panel task={task} workspace={workspace} agent={agent}>
        {main}
      </Panel>
    )
  return (
    <div className="flex min-h-0 flex-1">
      <section aria-label={taskTitle(task)} className="flex min-h-0 min-w-0 flex-1 flex-col bg-surface">
        {main}
      </section>
      <PaneDivider
        label="Width of the workspace"
        side="right"
        width={width}
        limits={PANEL_WIDTH}
        onWidth={setWidth}
        onClose={() => setWidth(PANEL_WIDTH.least)}
      />
      <aside
        aria-label="Workspace of the task"
        style={{ width }}
        className="flex min-h-0 max-w-[65%] shrink-0 flex-col bg-bg"
      >
        <Panel task={task} workspace={workspace} agent={agent} />
      </aside>
    </div>
  )
}

/** The agent that carries out the task, else the first one of its workspace. */
function agentOf(task: Task, workspace: Workspace): WorkspaceAgent | undefined {
  const agents = agentsOf(workspace)
  return agents.find(({ id }) => id === task.workspace_agent_id) ?? agents[0]
}

/** Apps and terminal of the workspace as tabs; which one is open is in the address. `children` are the first tab. */
function Panel({
  task,
  workspace,
  agent,
  children,
}: {
  readonly task: Task
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly children?: React.ReactNode
}) {
  const [{ panel = '' }, change] = useAddress()
  const apps = agent.apps.filter((app) => !app.hidden && !app.external && app.id !== task.workspace_app_id)
  const appTab = ({ slug, display_name: name }: WorkspaceApp) => ({
    id: `app.${slug}`,
    label: name === '' ? slug : name,
  })
  // What is first opens by itself: no terminal does, which would take the focus, and no program of a template.
  const tabs = [
    ...(children === undefined ? [] : [{ id: MAIN, label: 'Task' }]),
    ...apps.filter(isPage).map(appTab),
    { id: 'apps', label: 'Apps' },
    ...(agent.display_apps.includes('web_terminal') ? [{ id: 'terminal', label: 'Terminal' }] : []),
    ...apps.filter((app) => !isPage(app)).map(appTab),
  ]
  const port = openedTab(panel)?.kind === 'port' ? openedTab(panel) : undefined
  const all = port?.kind === 'port' ? [...tabs, { id: panel, label: `Port ${port.port}` }] : tabs
  const active = all.some(({ id }) => id === panel) ? panel : (all[0]?.id ?? 'apps')
  const isFrame = (id: string) =>
    openedTab(id)?.kind === 'port' || apps.some((app) => id === `app.${app.slug}` && isPage(app))
  const [kept, setKept] = useState<readonly string[]>([])
  if (isFrame(active) && !kept.includes(active)) setKept([...kept, active].slice(-KEPT_FRAMES))
  const chat = { id: task.id, agent_id: agent.id }
  const open = (id: string) => change({ panel: id === all[0]?.id ? undefined : id })
  return (
    <Tabs.Root value={active} onValueChange={open} className="flex min-h-0 flex-1 flex-col">
      <Tabs.List
        aria-label="Task and workspace"
        className="flex h-11 shrink-0 gap-1.5 overflow-x-auto border-b border-line px-3 [scrollbar-width:none]"
      >
        {all.map(({ id, label }) => (
          <Tabs.Trigger key={id} value={id} className={TAB}>
            <bdi className="max-w-36 truncate">{label}</bdi>
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {children === undefined ? null : (
        <Tabs.Content
          value={MAIN}
          forceMount
          className={classNames(FILLED, 'bg-surface', active !== MAIN && 'hidden')}
        >
          {children}
        </Tabs.Content>
      )}
      {kept
        .filter((id) => all.some((tab) => tab.id === id))
        .map((id) => (
          <Tabs.Content
            key={id}
            value={id}
            forceMount
            hidden={id !== active}
            className={classNames(FILLED, id !== active && 'hidden')}
          >
            <Frame chat={chat} workspaceId={workspace.id} id={id} />
          </Tabs.Content>
        ))}
      {active === MAIN || isFrame(active) ? null : (
        <Tabs.Content
          value={active}
          className={active === 'apps' ? 'min-h-0 flex-1 overflow-y-auto p-4 outline-offset-[-2px]' : FILLED}
        >
          {active === 'apps' ? (
            <AppsTab
              chat={chat}
              workspaceId={workspace.id}
              onOpen={open}
              onTerminal={() => open('terminal')}
            />
          ) : (
            <Suspense>
              <TerminalTab
                key={active}
                chat={chat}
                workspaceId={workspace.id}
                {...programOf(active)}
                onShell={() => open('terminal')}
              />
            </Suspense>
          )}
        </Tabs.Content>
      )}
    </Tabs.Root>
  )
}

const FILLED = 'flex min-h-0 flex-1 flex-col overflow-hidden outline-offset-[-2px]'
const TAB =
  '-mb-px inline-flex h-full shrink-0 items-center border-b-2 border-transparent px-1.5 text-sm font-medium text-ink-2 outline-offset-[-2px] transition-colors duration-(--fast) hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink'

/** Whether an app is a page, and not a program that runs in a terminal. */
function isPage({ command = '' }: WorkspaceApp): boolean {
  return command === ''
}

function programOf(id: string): { readonly name?: string; readonly program?: string } {
  const tab = openedTab(id)
  return tab?.kind === 'app' ? { name: tab.slug, program: tab.slug } : {}
}

function Frame({
  chat,
  workspaceId,
  id,
}: {
  readonly chat: { readonly agent_id: string }
  readonly workspaceId: string
  readonly id: string
}) {
  const what = openedTab(id)
  if (what === undefined || what.kind === 'terminal') return null
  return <PreviewTab chat={chat} workspaceId={workspaceId} what={what} onClose={undefined} />
}
