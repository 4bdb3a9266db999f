import { AppWindow, Plug, Plus, SquareTerminal, X } from 'lucide-react'
import { Tabs } from 'radix-ui'
import { type DragEvent, type KeyboardEvent, useEffect, useRef } from 'react'

import type { WorkspaceAgent } from '@slipway/contract'
import { Button } from '../../ui/button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { Menu } from '../../ui/menu.tsx'
import { openedTab, type PanelTabs } from './panel-tabs.ts'

/** A tab that every chat has. */
export interface FixedTab {
  readonly id: string
  readonly label: string
  readonly count?: number | undefined
}

/** The name of an opened tab. */
function tabTitle(id: string, agent: WorkspaceAgent | undefined): string {
  const tab = openedTab(id)
  if (tab === undefined) return id
  if (tab.kind === 'port') return `Port ${tab.port}`
  if (tab.kind === 'terminal') return `Terminal ${tab.number}`
  const app = agent?.apps.find(({ slug }) => slug === tab.slug)
  return app === undefined || app.display_name === '' ? tab.slug : app.display_name
}

/**
 * The tabs beside a chat: those that are always there, then the opened ones, which are closed with Delete and moved with
 * Ctrl, Shift and the arrows, or by hand; and what more can be opened.
 */
export function TabStrip({
  fixed,
  tabs,
  active,
  agent,
}: {
  readonly fixed: readonly FixedTab[]
  readonly tabs: PanelTabs
  readonly active: string
  /** Whose apps can be opened; undefined where there is no workspace to open anything in. */
  readonly agent: WorkspaceAgent | undefined
}) {
  const list = useRef<HTMLDivElement>(null)
  // Where not all fit, the active one is in sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another active tab, or more of them, move it.
  useEffect(() => {
    list.current
      ?.querySelector('[data-state=active]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [active, tabs.opened.length, fixed.length, agent?.id])
  // Whoever closes a tab with the keyboard stays among the tabs (UI-1801).
  const closed = useRef(false)
  useEffect(() => {
    if (!closed.current) return
    closed.current = false
    const next = list.current?.querySelector('[data-state=active]')
    if (next instanceof HTMLElement) next.focus()
  })
  return (
    <>
      <Tabs.List
        ref={list}
        aria-label="About this chat"
        className="flex h-full min-w-0 flex-1 gap-1.5 overflow-x-auto scroll-px-6 pr-6 [mask-image:linear-gradient(to_right,black_calc(100%-20px),transparent)] [scrollbar-width:none]"
      >
        {fixed.map(({ id, label, count = 0 }) => (
          <Tabs.Trigger key={id} value={id} className={TAB}>
            {label}
            {count > 0 ? <span className="text-xs tabular-nums text-ink-3">{count}</span> : null}
          </Tabs.Trigger>
        ))}
        {tabs.opened.map((id) => (
          <OpenedTrigger
            key={id}
            id={id}
            title={tabTitle(id, agent)}
            tabs={tabs}
            onDelete={() => {
              closed.current = true
              tabs.close(id)
            }}
          />
        ))}
      </Tabs.List>
      {agent === undefined ? null : <OpenMenu agent={agent} tabs={tabs} />}
    </>
  )
}

const TAB =
  'group/tab -mb-px inline-flex h-full shrink-0 items-center gap-1.5 border-b-2 border-transparent px-1 text-sm font-medium text-ink-2 outline-offset-[-2px] transition-colors duration-(--fast) hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink'

const DRAGGED = 'application/x-slipway-tab'

function OpenedTrigger({
  id,
  title,
  tabs,
  onDelete,
}: {
  readonly id: string
  readonly title: string
  readonly tabs: PanelTabs
  readonly onDelete: () => void
}) {
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const at = tabs.opened.indexOf(id)
    const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
    if (event.key === 'Delete') onDelete()
    else if (step !== 0 && event.ctrlKey && event.shiftKey) {
      const place = tabs.opened[at + step]
      if (place !== undefined) tabs.move(id, place)
    } else return
    event.preventDefault()
  }
  const onDrop = (event: DragEvent) => {
    const dragged = event.dataTransfer.getData(DRAGGED)
    if (dragged === '') return
    event.preventDefault()
    tabs.move(dragged, id)
  }
  return (
    <Tabs.Trigger
      value={id}
      title={`${title} (Delete closes it, Ctrl+Shift+arrows move it)`}
      aria-keyshortcuts="Delete"
      draggable
      onDragStart={(event) => event.dataTransfer.setData(DRAGGED, id)}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(DRAGGED)) event.preventDefault()
      }}
      onDrop={onDrop}
      onKeyDown={onKeyDown}
      onAuxClick={(event) => {
        if (event.button === 1) tabs.close(id)
      }}
      className={classNames(TAB, 'pr-0')}
    >
      <bdi className="max-w-32 truncate">{title}</bdi>
      {/* A tab may hold no button: for the mouse only, the keyboard has Delete. */}
      <span
        aria-hidden="true"
        data-close={id}
        onPointerDown={(event) => event.stopPropagation()}
        onMouseDown={(event) => {
          event.preventDefault()
          event.stopPropagation()
        }}
        onClick={(event) => {
          event.stopPropagation()
          tabs.close(id)
        }}
        className="inline-flex size-6 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink"
      >
        <X className="size-3.5" />
      </span>
    </Tabs.Trigger>
  )
}

function OpenMenu({ agent, tabs }: { readonly agent: WorkspaceAgent; readonly tabs: PanelTabs }) {
  const terminals = tabs.opened
    .map(openedTab)
    .flatMap((tab) => (tab?.kind === 'terminal' ? [tab.number] : []))
  const next = Math.max(1, ...terminals) + 1
  const apps = agent.apps.filter((app) => !app.hidden && !app.external)
  return (
    <Menu
      label="Open beside the chat"
      groups={[
        [
          {
            id: 'terminal',
            label: 'New terminal',
            icon: SquareTerminal,
            onSelect: () => tabs.open(`terminal.${next}`),
          },
        ],
        apps.map(({ slug, display_name: name, command = '' }) => ({
          id: `app.${slug}`,
          label: name === '' ? slug : name,
          icon: command === '' ? AppWindow : SquareTerminal,
          onSelect: () => tabs.open(`app.${slug}`),
        })),
        [{ id: 'ports', label: 'A port…', icon: Plug, onSelect: () => tabs.select('apps') }],
      ]}
      trigger={
        <Button
          tone="quiet"
          size="icon"
          aria-label="Open beside the chat"
          title="Open a terminal, an app or a port"
          icon={<Plus className="size-4" />}
        />
      }
    />
  )
}
