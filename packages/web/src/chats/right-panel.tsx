import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { Tabs } from 'radix-ui'
import { lazy, Suspense, useState } from 'react'

import type { Chat, WorkspaceAgent } from '@slipway/contract'
import { GitPanel } from '../chat-conversation/index.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { useAgents } from './agents-context.ts'
import { agentOfChat, chatWorkspaceQuery } from './chat-workspace.ts'
import { ContextTab } from './context-tab.tsx'
import { CostTab } from './cost-tab.tsx'
import { FilesTab } from './files-tab.tsx'
import { PaneDivider } from './pane-divider.tsx'
import { AppsTab } from './panel/apps-tab.tsx'
import { openedTab, type PanelTabs, usePanelTabs } from './panel/panel-tabs.ts'
import { PreviewTab } from './panel/preview-tab.tsx'
import { type FixedTab, TabStrip } from './panel/tab-strip.tsx'
import { PANEL_WIDTH } from './panes.ts'
import { SummaryTab } from './summary-tab.tsx'

/** The app that shows the browser of an agent (11.7 of chapter 10). */
const BROWSER = 'agent-browser'
/** Frames that stay as they are while another tab is in front. */
const KEPT_FRAMES = 4

/** It brings the whole terminal along, which few chats need. */
const TerminalTab = lazy(async () => ({ default: (await import('./terminal-tab.tsx')).TerminalTab }))

/** What belongs to a chat beside its conversation; which tab is open is in the address. */
export function RightPanel({
  chat,
  own,
  wide,
  onClose,
}: {
  readonly chat: Chat
  readonly own: boolean
  readonly wide: boolean
  readonly onClose: () => void
}) {
  const { panelWidth, setPanelWidth } = useAgents()
  const tabs = usePanelTabs(chat.id)
  const workspaceId = own && !chat.archived ? chat.workspace_id : undefined
  const workspace = useQuery({
    ...chatWorkspaceQuery(workspaceId ?? ''),
    enabled: workspaceId !== undefined,
  }).data
  const agent = workspace?.latest_build.status === 'running' ? agentOfChat(workspace, chat) : undefined
  const fixed = fixedTabs(chat, workspaceId !== undefined, agent)
  const offered = (id: string) =>
    fixed.some((tab) => tab.id === id) || (workspaceId !== undefined && openedTab(id) !== undefined)
  const tab = offered(tabs.active) ? tabs.active : 'summary'
  const shown = workspaceId === undefined ? { ...tabs, opened: [] } : tabs
  const frames = useKeptFrames(tab, tabs.opened, agent)
  return (
    <>
      {wide ? (
        <PaneDivider
          label="Width of the side panel"
          side="right"
          width={panelWidth}
          limits={PANEL_WIDTH}
          onWidth={setPanelWidth}
          onClose={onClose}
        />
      ) : null}
      <aside
        data-pane="panel"
        aria-label="About this chat"
        style={wide ? { width: panelWidth } : undefined}
        onKeyDown={(event) => {
          const typesInTerminal = event.target instanceof Element && event.target.closest('.xterm') !== null
          if (event.key === 'Escape' && !wide && !typesInTerminal) onClose()
        }}
        className={classNames(
          'flex min-h-0 flex-col bg-bg',
          wide
            ? 'max-w-[70%] shrink-0'
            : 'absolute inset-y-0 right-0 z-20 w-full max-w-[440px] border-l border-line shadow-float',
        )}
      >
        <Tabs.Root
          value={tab}
          onValueChange={(next) => tabs.select(next === 'summary' ? '' : next)}
          className="flex min-h-0 flex-1 flex-col"
        >
          <div className="flex h-12 shrink-0 items-center gap-1 border-b border-line pl-3 pr-2">
            <TabStrip fixed={fixed} tabs={shown} active={tab} agent={agent} />
            <Button
              tone="quiet"
              size="icon"
              aria-label="Close the side panel"
              onClick={onClose}
              icon={<X className="size-4" />}
            />
          </div>
          {workspaceId === undefined
            ? null
            : frames.map((id) => (
                <Tabs.Content
                  key={id}
                  value={id}
                  forceMount
                  hidden={id !== tab}
                  className={classNames(FILLED, id !== tab && 'hidden')}
                >
                  <Frame chat={chat} workspaceId={workspaceId} id={id} tabs={tabs} />
                </Tabs.Content>
              ))}
          {frames.includes(tab) ? null : (
            <Tabs.Content value={tab} className={isTerminal(tab, agent) ? FILLED : SCROLLED}>
              <Body
                chat={chat}
                own={own}
                workspaceId={workspaceId}
                tab={tab}
                tabs={tabs}
                onPrompt={wide ? undefined : onClose}
              />
            </Tabs.Content>
          )}
        </Tabs.Root>
      </aside>
    </>
  )
}

const FILLED = 'flex min-h-0 flex-1 flex-col overflow-hidden outline-offset-[-2px]'
const SCROLLED = 'min-h-0 flex-1 overflow-y-auto p-4 outline-offset-[-2px]'

function fixedTabs(
  chat: Chat,
  hasWorkspace: boolean,
  agent: WorkspaceAgent | undefined,
): readonly FixedTab[] {
  const browser = agent?.apps.some(({ slug, health }) => slug === BROWSER && health === 'healthy') === true
  return [
    { id: 'summary', label: 'Summary' },
    { id: 'git', label: 'Git' },
    ...(browser ? [{ id: 'browser', label: 'Browser' }] : []),
    ...(hasWorkspace
      ? [
          { id: 'apps', label: 'Apps' },
          { id: 'terminal', label: 'Terminal' },
        ]
      : []),
    { id: 'context', label: 'Context' },
    { id: 'files', label: 'Files', count: chat.files?.length },
    { id: 'cost', label: 'Cost' },
  ]
}

/** Whether the tab is a terminal: a shell, or a program of the template. */
function isTerminal(id: string, agent: WorkspaceAgent | undefined): boolean {
  const tab = openedTab(id)
  if (tab === undefined) return id === 'terminal'
  const command = tab.kind === 'app' ? agent?.apps.find(({ slug }) => slug === tab.slug)?.command : ''
  return tab.kind === 'terminal' || (command !== undefined && command !== '')
}

/** Frames that are on the page, the active one among them: what somebody did in one of them is still there later. */
function useKeptFrames(
  tab: string,
  opened: readonly string[],
  agent: WorkspaceAgent | undefined,
): readonly string[] {
  const [kept, setKept] = useState<readonly string[]>([])
  const frame = tab === 'browser' || (openedTab(tab) !== undefined && !isTerminal(tab, agent))
  if (frame && !kept.includes(tab)) setKept([...kept, tab].slice(-KEPT_FRAMES))
  return kept.filter((id) => id === 'browser' || opened.includes(id))
}

function Frame({
  chat,
  workspaceId,
  id,
  tabs,
}: {
  readonly chat: Chat
  readonly workspaceId: string
  readonly id: string
  readonly tabs: PanelTabs
}) {
  const tab = openedTab(id)
  const what = tab === undefined || tab.kind === 'terminal' ? ({ kind: 'app', slug: BROWSER } as const) : tab
  return (
    <PreviewTab
      chat={chat}
      workspaceId={workspaceId}
      what={what}
      onClose={tab === undefined ? undefined : () => tabs.close(id)}
    />
  )
}

function Body({
  chat,
  own,
  workspaceId,
  tab,
  tabs,
  onPrompt,
}: {
  readonly chat: Chat
  readonly own: boolean
  readonly workspaceId: string | undefined
  readonly tab: string
  readonly tabs: PanelTabs
  readonly onPrompt: (() => void) | undefined
}) {
  switch (tab) {
    case 'summary':
      return <SummaryTab chat={chat} />
    case 'git':
      return <GitPanel chat={chat} onPrompt={onPrompt} />
    case 'context':
      return <ContextTab chat={chat} own={own} />
    case 'files':
      return <FilesTab files={chat.files ?? []} />
    case 'cost':
      return <CostTab chat={chat.id} />
  }
  if (workspaceId === undefined) return null
  if (tab === 'apps')
    return (
      <AppsTab
        chat={chat}
        workspaceId={workspaceId}
        onOpen={tabs.open}
        onTerminal={() => tabs.select('terminal')}
      />
    )
  const opened = openedTab(tab)
  const name = opened?.kind === 'app' ? opened.slug : opened === undefined ? '' : tab
  return (
    <Suspense>
      <TerminalTab
        chat={chat}
        workspaceId={workspaceId}
        name={name}
        {...(opened?.kind === 'app' ? { program: opened.slug } : {})}
        onShell={() => tabs.select('terminal')}
      />
    </Suspense>
  )
}
