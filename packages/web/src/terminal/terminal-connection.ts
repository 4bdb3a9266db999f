/** Where a terminal's connection stands. */
export type TerminalState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** Lost; the next attempt comes at `retryAt` (milliseconds since 1970). */
  | { readonly kind: 'lost'; readonly reason: string; readonly retryAt: number }
  /** The shell ended: nothing brings this session back (UI-904). */
  | { readonly kind: 'ended' }

/** The part of a WebSocket that is used, so that tests can play one. */
export interface TerminalSocket {
  binaryType: BinaryType
  readonly send: (data: Uint8Array<ArrayBuffer>) => void
  readonly close: (code?: number) => void
  readonly addEventListener: <K extends keyof WebSocketEventMap>(
    type: K,
    listener: (event: WebSocketEventMap[K]) => void,
  ) => void
}

interface TerminalConnectionOptions {
  /** Path and query for the present size. */
  readonly path: (size: TerminalSize) => string
  readonly open: (path: string) => TerminalSocket
  /** The output of a new connection begins: what is on screen comes again with it. */
  readonly onReplay: () => void
  /** Output; `done` when it has been drawn. */
  readonly onOutput: (data: Uint8Array, done: () => void) => void
  readonly onState: (state: TerminalState) => void
  /** Two opens in a row failed (UI-203). */
  readonly onRefused: () => void
  readonly now?: () => number
  readonly schedule?: (run: () => void, delay: number) => () => void
}

/** Columns and rows. */
export interface TerminalSize {
  readonly width: number
  readonly height: number
}

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 64_000
const RESIZE_MS = 50
/** What may wait to be drawn before the connection is dropped and taken up again later (UI-1907). */
const MAX_UNDRAWN = 16 * 1024 * 1024
/** Longest piece of input in one message. */
const MAX_INPUT = 64 * 1024
const NORMAL = 1000
const OVERWHELMED = 4000

/**
 * One session of the reconnecting terminal (UI-902 to UI-904): JSON messages go out, bytes come in. A lost connection
 * is opened again after 1 s doubling to 64 s, with the same session; a normal close is the end of the shell.
 */
export class TerminalConnection implements Disposable {
  readonly #options: Required<TerminalConnectionOptions>
  readonly #encoder = new TextEncoder()
  #socket: TerminalSocket | undefined
  #state: TerminalState = { kind: 'connecting' }
  #attempt = 0
  #undrawn = 0
  #size: TerminalSize = { width: 80, height: 24 }
  #cancelRetry: (() => void) | undefined
  #cancelResize: (() => void) | undefined
  #disposed = false

  constructor(options: TerminalConnectionOptions) {
    this.#options = {
      now: Date.now,
      schedule: (run, delay) => {
        const timer = setTimeout(run, delay)
        return () => clearTimeout(timer)
      },
      ...options,
    }
  }

  /** Opens it, for a screen of this size. */
  start(size: TerminalSize): void {
    this.#size = valid(size) ? size : this.#size
    this.#connect()
  }

  /** Keys and pasted text; dropped while there is no connection, because nobody would see what it does. */
  input(text: string): void {
    if (this.#state.kind !== 'open') return
    for (let at = 0; at < text.length; at += MAX_INPUT) this.#say({ data: text.slice(at, at + MAX_INPUT) })
  }

  /** The screen has another size; several changes at once are one message. */
  resize(size: TerminalSize): void {
    if (!valid(size) || (size.width === this.#size.width && size.height === this.#size.height)) return
    this.#size = size
    this.#cancelResize ??= this.#options.schedule(() => {
      this.#cancelResize = undefined
      this.#say({ ...this.#size })
    }, RESIZE_MS)
  }

  /** Tries now instead of at the end of the pause. */
  retryNow(): void {
    if (this.#state.kind !== 'lost') return
    this.#cancelRetry?.()
    this.#connect()
  }

  [Symbol.dispose](): void {
    this.#disposed = true
    this.#cancelRetry?.()
    this.#cancelResize?.()
    this.#socket?.close(NORMAL)
  }

  #connect(): void {
    this.#cancelRetry = undefined
    this.#set({ kind: 'connecting' })
    const socket = this.#options.open(this.#options.path(this.#size))
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    let opened = false
    let first = true
    socket.addEventListener('open', () => {
      if (this.#socket !== socket) return
      opened = true
      this.#attempt = 0
      this.#set({ kind: 'open' })
      this.#say({ ...this.#size })
    })
    socket.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (this.#socket !== socket || !(event.data instanceof ArrayBuffer)) return
      if (first) this.#options.onReplay()
      first = false
      this.#draw(new Uint8Array(event.data), socket)
    })
    socket.addEventListener('close', (event) => {
      if (this.#socket !== socket || this.#disposed) return
      this.#socket = undefined
      if (opened && event.code === NORMAL) {
        this.#set({ kind: 'ended' })
        return
      }
      if (!opened && this.#attempt === 1) this.#options.onRefused()
      const delay = Math.min(FIRST_RETRY_MS * 2 ** this.#attempt++, LAST_RETRY_MS)
      this.#cancelRetry = this.#options.schedule(() => this.#connect(), delay)
      this.#set({ kind: 'lost', reason: reason(event, opened), retryAt: this.#options.now() + delay })
    })
  }

  #draw(data: Uint8Array, socket: TerminalSocket): void {
    this.#undrawn += data.byteLength
    this.#options.onOutput(data, () => {
      this.#undrawn -= data.byteLength
    })
    // The browser cannot make a WebSocket wait, so a flood is cut off; its session goes on and is shown again.
    if (this.#undrawn > MAX_UNDRAWN) socket.close(OVERWHELMED)
  }

  #say(message: { readonly data: string } | TerminalSize): void {
    if (this.#state.kind === 'open') this.#socket?.send(this.#encoder.encode(JSON.stringify(message)))
  }

  #set(state: TerminalState): void {
    this.#state = state
    this.#options.onState(state)
  }
}

function valid({ width, height }: TerminalSize): boolean {
  return Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0
}

function reason(event: CloseEvent, opened: boolean): string {
  if (event.code === OVERWHELMED) return 'There was more output than could be shown.'
  if (event.reason !== '') return `${event.reason.charAt(0).toUpperCase()}${event.reason.slice(1)}.`
  return opened ? 'The connection was lost.' : 'The workspace could not be reached.'
}
