import { type ReactNode, useEffect, useRef, useState } from 'react'

import { checkSession } from '../api/client.ts'
import { useChoice } from '../theme/choice.ts'
import { fontChoice, useShownColors } from '../theme/theme.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { TerminalConnection, type TerminalState } from './terminal-connection.ts'
import { fontStack } from './terminal-fonts.ts'
import { TerminalScreen } from './terminal-screen.ts'

/** What the page around a terminal can ask of it. */
export interface TerminalControls {
  readonly retryNow: () => void
  readonly focus: () => void
  /** Copies what is marked; answers whether anything was. */
  readonly copy: () => boolean
  readonly paste: (text: string) => void
}

interface TerminalViewProps {
  readonly agentId: string
  /** Names the session: the same id comes back to the same shell. */
  readonly reconnectId: string
  readonly command: string
  readonly fontSize: number
  readonly copyOnSelect: boolean
  readonly onState: (state: TerminalState) => void
  /** Gives the page its ways to act on the terminal. */
  readonly controls: (controls: TerminalControls) => void
  readonly children?: ReactNode
}

/** The screen and its connection; both last as long as session and agent stay the same. */
export function TerminalView({
  agentId,
  reconnectId,
  command,
  fontSize,
  copyOnSelect,
  onState,
  controls,
  children,
}: TerminalViewProps) {
  const container = useRef<HTMLDivElement>(null)
  const screen = useRef<TerminalScreen | undefined>(undefined)
  const [pasted, setPasted] = useState<{ readonly text: string; readonly answer: (yes: boolean) => void }>()
  const latest = useRef({ onState, controls })
  useEffect(() => {
    latest.current = { onState, controls }
  })
  const colors = useShownColors()
  // biome-ignore lint/correctness/useExhaustiveDependencies: that they changed is why they are read again
  useEffect(() => screen.current?.refreshTheme(), [colors])
  const fontFamily = fontStack(useChoice(fontChoice))
  useEffect(() => {
    if (screen.current !== undefined) screen.current.fontSize = fontSize
  }, [fontSize])
  useEffect(() => {
    // The width of characters is only known with the font.
    const load = async () => {
      await document.fonts.load(`16px ${fontFamily}`)
      if (screen.current !== undefined) screen.current.fontFamily = fontFamily
    }
    void load()
  }, [fontFamily])
  useEffect(() => {
    if (screen.current !== undefined) screen.current.copyOnSelect = copyOnSelect
  })

  // biome-ignore lint/correctness/useExhaustiveDependencies: the font only matters at the start, later it has its own effects
  useEffect(() => {
    const element = container.current
    if (element === null) return
    using cleanup = new DisposableStack()
    const drawn = cleanup.use(
      new TerminalScreen(element, {
        fontSize,
        fontFamily,
        onInput: (text) => connection.input(text),
        onResize: (size) => connection.resize(size),
        confirmPaste: (text) => new Promise((answer) => setPasted({ text, answer })),
        onLeave: () => document.getElementById('leave-terminal')?.focus(),
      }),
    )
    const connection = cleanup.use(
      new TerminalConnection({
        path: ({ width, height }) => ptyPath(agentId, { reconnect: reconnectId, width, height, command }),
        open: (path) => {
          const url = new URL(path, location.origin)
          url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
          return new WebSocket(url)
        },
        onReplay: () => drawn.reset(),
        onOutput: (data, done) => drawn.write(data, done),
        onState: (state) => {
          drawn.readOnly = state.kind !== 'open'
          // Beside a chat it may come back while somebody writes.
          if (state.kind === 'open' && !writesElsewhere(element)) drawn.focus()
          latest.current.onState(state)
        },
        onRefused: () => void checkSession(),
      }),
    )
    screen.current = drawn
    cleanup.defer(() => {
      screen.current = undefined
    })
    const hurry = () => {
      if (!document.hidden) connection.retryNow()
    }
    document.addEventListener('visibilitychange', hurry)
    window.addEventListener('online', hurry)
    cleanup.defer(() => {
      document.removeEventListener('visibilitychange', hurry)
      window.removeEventListener('online', hurry)
    })
    latest.current.controls({
      retryNow: () => connection.retryNow(),
      focus: () => drawn.focus(),
      copy: () => drawn.copy(),
      paste: (text) => drawn.paste(text),
    })
    connection.start(drawn.size)
    const owned = cleanup.move()
    return () => owned.dispose()
  }, [agentId, reconnectId, command])

  const answer = (yes: boolean) => {
    pasted?.answer(yes)
    setPasted(undefined)
  }
  return (
    <div className="relative min-h-0 flex-1 bg-console">
      <div ref={container} className="absolute inset-0 overflow-hidden py-2 pl-3 pr-1" />
      {children}
      <ConfirmDialog
        open={pasted !== undefined}
        onClose={() => answer(false)}
        title="Paste several lines?"
        description="The program in the terminal would run each line at once."
        verb="Paste"
        busy={false}
        error={undefined}
        onConfirm={() => answer(true)}
      >
        <pre className="max-h-60 overflow-auto rounded-control border border-line bg-bg p-2 text-xs">
          {pasted?.text}
        </pre>
      </ConfirmDialog>
    </div>
  )
}

function ptyPath(
  agentId: string,
  query: {
    readonly reconnect: string
    readonly width: number
    readonly height: number
    readonly command: string
  },
): string {
  const search = new URLSearchParams({
    reconnect: query.reconnect,
    width: String(query.width),
    height: String(query.height),
    ...(query.command === '' ? {} : { command: query.command }),
  })
  return `/api/v2/workspaceagents/${agentId}/pty?${search}`
}

/** Whether the focus is in a field outside of the terminal. */
function writesElsewhere(terminal: HTMLElement): boolean {
  const focused = document.activeElement
  return focused?.matches('input, textarea, [contenteditable]') === true && !terminal.contains(focused)
}
