import { X } from 'lucide-react'
import { Tabs } from 'radix-ui'
import { lazy, Suspense } from 'react'

import type { Chat } from '@slipway/contract'
import { GitPanel } from '../chat-conversation/index.ts'
import { useAddress } from '../navigation/address.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { useAgents } from './agents-context.ts'
import { ContextTab } from './context-tab.tsx'
import { CostTab } from './cost-tab.tsx'
import { FilesTab } from './files-tab.tsx'
import { PaneDivider } from './pane-divider.tsx'
import { PANEL_WIDTH } from './panes.ts'
import { SummaryTab } from './summary-tab.tsx'

const TABS = [
  { id: 'summary', label: 'Summary' },
  { id: 'git', label: 'Git' },
  { id: 'terminal', label: 'Terminal' },
  { id: 'context', label: 'Context' },
  { id: 'files', label: 'Files' },
  { id: 'cost', label: 'Cost' },
] as const

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
  const [{ panel }, change] = useAddress()
  const { workspace_id: workspace } = chat
  const tabs = TABS.filter(
    ({ id }) => id !== 'terminal' || (own && workspace !== undefined && !chat.archived),
  )
  const tab = tabs.find(({ id }) => id === panel)?.id ?? 'summary'
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
          onValueChange={(next) => change({ panel: next === 'summary' ? undefined : next, app: undefined })}
          className="flex min-h-0 flex-1 flex-col"
        >
          <div className="flex h-12 shrink-0 items-center gap-1 border-b border-line pl-3 pr-2">
            <Tabs.List
              aria-label="About this chat"
              className="flex h-full min-w-0 flex-1 gap-2 overflow-x-auto [scrollbar-width:none]"
            >
              {tabs.map(({ id, label }) => (
                <Tabs.Trigger
                  key={id}
                  value={id}
                  className="-mb-px inline-flex h-full shrink-0 items-center gap-1.5 border-b-2 border-transparent px-1 text-sm font-medium text-ink-2 outline-offset-[-2px] transition-colors duration-(--fast) hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink"
                >
                  {label}
                  {id === 'files' && (chat.files?.length ?? 0) > 0 ? (
                    <span className="text-xs tabular-nums text-ink-3">{chat.files?.length}</span>
                  ) : null}
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            <Button
              tone="quiet"
              size="icon"
              aria-label="Close the side panel"
              onClick={onClose}
              icon={<X className="size-4" />}
            />
          </div>
          <Tabs.Content
            value={tab}
            className={classNames(
              'min-h-0 flex-1 outline-offset-[-2px]',
              tab === 'terminal' ? 'flex flex-col overflow-hidden' : 'overflow-y-auto p-4',
            )}
          >
            {tab === 'summary' ? (
              <SummaryTab chat={chat} own={own} />
            ) : tab === 'git' ? (
              <GitPanel chat={chat} onPrompt={wide ? undefined : onClose} />
            ) : tab === 'terminal' ? (
              workspace === undefined ? null : (
                <Suspense>
                  <TerminalTab chat={chat} workspaceId={workspace} />
                </Suspense>
              )
            ) : tab === 'context' ? (
              <ContextTab chat={chat} own={own} />
            ) : tab === 'files' ? (
              <FilesTab files={chat.files ?? []} />
            ) : (
              <CostTab chat={chat.id} />
            )}
          </Tabs.Content>
        </Tabs.Root>
      </aside>
    </>
  )
}
