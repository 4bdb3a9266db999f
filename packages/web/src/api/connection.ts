/** Where the connection to the server stands (UI-2102). */
export type ConnectionState = 'online' | 'offline' | 'unreachable'

const WINDOW_MS = 10_000
const FAILURES = 2
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 30_000

/** What the connection shows: its state and, while it is down, when the next attempt comes. */
export interface ConnectionView {
  readonly state: ConnectionState
  readonly retryAt: number | undefined
}

interface ConnectionOptions {
  /** Asks the server for anything small; resolves to whether it answered. */
  readonly probe: () => Promise<boolean>
  /** The connection came back: whatever is on screen may be old. */
  readonly onBack: () => void
  readonly now?: () => number
  readonly schedule?: (run: () => void, delay: number) => () => void
}

/**
 * Judges from the outcome of all requests whether the server can be reached. Two failures within ten seconds
 * (no answer, 502, 503, 504) make it unreachable; then only its own probe is sent, with growing pauses, until
 * one is answered. It never signs anybody out.
 */
export class Connection {
  #view: ConnectionView = { state: 'online', retryAt: undefined }
  #failures: number[] = []
  #attempt = 0
  #suspecting = false
  #cancel: (() => void) | undefined
  readonly #listeners = new Set<() => void>()
  readonly #options: Required<ConnectionOptions>

  constructor(options: ConnectionOptions) {
    this.#options = {
      now: Date.now,
      schedule: (run, delay) => {
        const timer = setTimeout(run, delay)
        return () => clearTimeout(timer)
      },
      ...options,
    }
  }

  readonly view = (): ConnectionView => this.#view

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A request was answered, whatever the answer was. */
  answered(): void {
    this.#failures = []
    if (this.#view.state !== 'online') this.#back()
  }

  /** A request got no answer, or one that says that nobody is at home. */
  failed(): void {
    const now = this.#options.now()
    this.#failures = [...this.#failures.filter((at) => now - at < WINDOW_MS), now]
    if (this.#view.state === 'online' && this.#failures.length >= FAILURES) this.#wait('unreachable')
  }

  /** Something else than a request broke, such as a socket: asks at once whether the server is there. */
  suspect(): void {
    if (this.#view.state !== 'online' || this.#suspecting) return
    this.#suspecting = true
    void this.#options
      .probe()
      .catch(() => false)
      .then((answered) => {
        this.#suspecting = false
        if (!answered && this.#view.state === 'online') this.#wait('unreachable')
      })
  }

  /** Resolves once the server can be reached; when nothing speaks against it, it is asked first. */
  async reachable(): Promise<void> {
    if (this.#view.state === 'online') {
      if (await this.#options.probe().catch(() => false)) return
      if (this.#view.state === 'online') this.#wait('unreachable')
    }
    await new Promise<void>((resolve) => {
      const stop = this.subscribe(() => {
        if (this.#view.state !== 'online') return
        stop()
        resolve()
      })
    })
  }

  /** The browser says that it has no network. */
  lostNetwork(): void {
    this.#wait('offline')
  }

  /** The browser says that it has a network again. */
  foundNetwork(): void {
    if (this.#view.state === 'online') return
    this.#set({ ...this.#view, state: 'unreachable' })
    void this.#probe()
  }

  /** Asks now instead of at the end of the pause. */
  retryNow(): void {
    if (this.#view.state !== 'online') void this.#probe()
  }

  #wait(state: Exclude<ConnectionState, 'online'>): void {
    this.#cancel?.()
    const delay = Math.min(FIRST_RETRY_MS * 2 ** this.#attempt++, LAST_RETRY_MS)
    this.#cancel = this.#options.schedule(() => void this.#probe(), delay)
    this.#set({ state, retryAt: this.#options.now() + delay })
  }

  async #probe(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    this.#set({ ...this.#view, retryAt: undefined })
    const answered = await this.#options.probe().catch(() => false)
    if (this.#view.state === 'online') return
    if (answered) this.#back()
    else this.#wait(this.#view.state)
  }

  #back(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#attempt = 0
    this.#failures = []
    this.#set({ state: 'online', retryAt: undefined })
    this.#options.onBack()
  }

  #set(view: ConnectionView): void {
    this.#view = view
    for (const listener of this.#listeners) listener()
  }
}
