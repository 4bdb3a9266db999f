import {
  AArrowDown,
  AArrowUp,
  ArrowLeft,
  CirclePlus,
  ClipboardPaste,
  Copy,
  Ellipsis,
  RotateCw,
  TextSelect,
} from 'lucide-react'
import { useEffect, useRef, useState } from 'react'

import type { Workspace, WorkspaceAgent } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Menu } from '../ui/menu.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { toasts } from '../ui/toast.tsx'
import { useCopyOnSelect } from './copy-on-select.ts'
import { useFontSize } from './font-size.ts'
import type { TerminalState } from './terminal-connection.ts'
import { type TerminalControls, TerminalView } from './terminal-view.tsx'
import { useLatency } from './use-latency.ts'

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform)
const COPY_KEYS = APPLE ? '⌘C' : 'Ctrl+Shift+C'
const PASTE_KEYS = APPLE ? '⌘V' : 'Ctrl+Shift+V'

interface TerminalSessionProps {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly reconnectId: string
  readonly command: string
  readonly onNewSession: () => void
  /** It is a part of a page, and fills the height that it is given. */
  readonly embedded?: boolean
}

/** One session: the strip on top, the screen, and what to do when the connection is gone (UI-904). */
export function TerminalSession({
  workspace,
  agent,
  reconnectId,
  command,
  onNewSession,
  embedded = false,
}: TerminalSessionProps) {
  const Frame = embedded ? 'section' : 'main'
  const Heading = embedded ? 'h2' : 'h1'
  const [state, setState] = useState<TerminalState>({ kind: 'connecting' })
  const [fontSize, setFontSize] = useFontSize()
  const [copyOnSelect, setCopyOnSelect] = useCopyOnSelect()
  const controls = useRef<TerminalControls | undefined>(undefined)
  const paste = async () => {
    try {
      controls.current?.paste(await navigator.clipboard.readText())
    } catch {
      // Without a secure origin or the reader's consent only the keys can paste.
      toasts.failed('The clipboard could not be read', new Error(`Paste with ${PASTE_KEYS} instead.`))
    }
  }
  return (
    <Frame
      aria-label={embedded ? 'Terminal' : undefined}
      className={classNames('flex flex-col bg-console', embedded ? 'min-h-0 flex-1' : 'h-dvh')}
    >
      <header className="flex h-10 shrink-0 items-center gap-2 border-b border-line bg-bg pl-1 pr-1.5">
        <AppLink
          id="leave-terminal"
          href={paths.workspace(workspace.owner_name, workspace.name)}
          title={embedded ? 'The workspace' : 'Back to the workspace'}
          className="inline-flex h-8 min-w-0 items-center gap-2 rounded-control px-2 text-sm text-ink-2 hover:bg-hover hover:text-ink"
        >
          {embedded ? null : <ArrowLeft className="size-4 shrink-0" aria-hidden="true" />}
          <span className="truncate">
            <bdi className="font-medium text-ink">{workspace.name}</bdi>
            <span className="text-ink-3 max-sm:hidden">.{agent.name}</span>
          </span>
        </AppLink>
        <Heading className="sr-only">
          Terminal of {workspace.name}.{agent.name}
        </Heading>
        <span className="ml-auto">
          <Latency state={state} />
        </span>
        <Button
          tone="quiet"
          size="dense"
          onClick={onNewSession}
          icon={<CirclePlus className="size-3.5" />}
          aria-label="New session"
          title="Start another shell"
        >
          <span className={embedded ? 'sr-only' : 'max-sm:hidden'}>New session</span>
        </Button>
        <Menu
          label="Terminal"
          trigger={
            <Button
              tone="quiet"
              size="dense"
              aria-label="Terminal menu"
              icon={<Ellipsis className="size-4" />}
            />
          }
          header={
            <p className="px-2 py-1 text-xs text-ink-3">Letters: {fontSize} px. Leave with Ctrl+Shift+Esc.</p>
          }
          groups={[
            [
              {
                id: 'copy',
                label: 'Copy selection',
                icon: Copy,
                hint: COPY_KEYS,
                onSelect: () => {
                  controls.current?.copy()
                  controls.current?.focus()
                },
              },
              {
                id: 'paste',
                label: 'Paste',
                icon: ClipboardPaste,
                hint: PASTE_KEYS,
                disabled: state.kind !== 'open',
                onSelect: () => void paste(),
              },
              {
                id: 'copy-on-select',
                label: 'Copy on select',
                icon: TextSelect,
                checked: copyOnSelect,
                onSelect: () => setCopyOnSelect(!copyOnSelect),
              },
            ],
            [
              {
                id: 'larger',
                label: 'Larger letters',
                icon: AArrowUp,
                onSelect: () => setFontSize(fontSize + 1),
              },
              {
                id: 'smaller',
                label: 'Smaller letters',
                icon: AArrowDown,
                onSelect: () => setFontSize(fontSize - 1),
              },
            ],
          ]}
        />
      </header>
      {agent.lifecycle_state === 'starting' ? (
        <p
          role="status"
          className="flex shrink-0 items-center gap-2 border-b border-line bg-run-wash px-3 py-1.5 text-xs"
        >
          <Spinner className="size-3 text-run" /> Startup scripts are still running: some tools may not be
          there yet.
        </p>
      ) : agent.lifecycle_state === 'start_error' ? (
        <p role="status" className="shrink-0 border-b border-line bg-warn-wash px-3 py-1.5 text-xs">
          A startup script failed. Its log is on the workspace's page.
        </p>
      ) : null}
      <TerminalView
        agentId={agent.id}
        reconnectId={reconnectId}
        command={command}
        fontSize={fontSize}
        copyOnSelect={copyOnSelect}
        onState={setState}
        controls={(next) => {
          controls.current = next
        }}
      >
        <Strip state={state} onRetry={() => controls.current?.retryNow()} onNewSession={onNewSession} />
      </TerminalView>
    </Frame>
  )
}

function Latency({ state }: { readonly state: TerminalState }) {
  const latency = useLatency()
  const open = state.kind === 'open'
  const word = open
    ? 'Connected'
    : state.kind === 'ended'
      ? 'Ended'
      : state.kind === 'lost'
        ? 'Disconnected'
        : 'Connecting'
  const slow = latency !== undefined && latency > 200
  return (
    <span
      className="flex items-center gap-1.5 px-1 text-xs text-ink-2"
      title={`${word}${latency === undefined ? '' : `, ${Math.round(latency)} ms to the server and back`}`}
    >
      <span
        className={classNames(
          'size-2 rounded-full',
          open ? (slow ? 'bg-warn' : 'bg-ok') : state.kind === 'connecting' ? 'bg-run' : 'bg-off',
        )}
      />
      <span className="tabular-nums">
        {open && latency !== undefined ? `${Math.max(1, Math.round(latency))} ms` : word}
      </span>
    </span>
  )
}

/** Over the kept screen: why it stands still, and how to go on. */
function Strip({
  state,
  onRetry,
  onNewSession,
}: {
  readonly state: TerminalState
  readonly onRetry: () => void
  readonly onNewSession: () => void
}) {
  if (state.kind === 'open' || state.kind === 'connecting') return null
  return (
    <div
      role="status"
      className="absolute inset-x-3 bottom-3 z-10 mx-auto flex w-fit max-w-[calc(100%-24px)] animate-rise flex-wrap items-center gap-x-3 gap-y-2 rounded-card border border-line bg-raised px-3 py-2 text-sm shadow-float"
    >
      {state.kind === 'ended' ? (
        <span>The session has ended.</span>
      ) : (
        <span>
          <span className="font-medium">Disconnected.</span>{' '}
          <span className="text-ink-2">{state.reason}</span>
        </span>
      )}
      <span className="flex gap-2">
        {state.kind === 'lost' ? (
          <Button size="dense" onClick={onRetry} icon={<RotateCw className="size-3.5" />}>
            Reconnect now <Countdown at={state.retryAt} />
          </Button>
        ) : null}
        <Button size="dense" tone={state.kind === 'ended' ? 'primary' : 'secondary'} onClick={onNewSession}>
          New session
        </Button>
      </span>
    </div>
  )
}

function Countdown({ at }: { readonly at: number }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  return (
    <span className="inline-block min-w-6 text-right tabular-nums text-ink-3">
      {Math.max(0, Math.ceil((at - now) / 1000))} s
    </span>
  )
}
