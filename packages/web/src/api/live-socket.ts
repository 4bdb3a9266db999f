import { handedSession } from './handed-session.ts'

/** An open-ended connection; disposing it closes it for good. */
export interface LiveSocket extends Disposable {
  /** Sends now; false while there is no connection. */
  readonly send: (text: string) => boolean
}

/** What the owner of a live stream is told. */
export interface LiveSocketOptions {
  /** Path and query on our own origin; asked anew for every attempt, so that a resume point can move. */
  readonly path: () => string
  readonly onMessage: (data: unknown) => void
  /** Every re-open: whatever was missed has to be read again. */
  readonly onOpen?: (reopened: boolean) => void
  readonly onDown?: () => void
  /** Whether a close is the end of the stream and not a loss. */
  readonly isEnd?: (event: CloseEvent) => boolean
  /** Two opens in a row failed: the status of the answer is hidden, somebody else has to ask (UI-203). */
  readonly onRefused?: () => void
  /** Not every server has this stream: one that refuses the first open is left alone. */
  readonly optional?: boolean
}

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 10_000

/** Pause before attempt number `attempt` (from 0): 1 s doubling to 10 s, ±30 % (`random` in 0…1). */
export function retryDelay(attempt: number, random: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** attempt, LAST_RETRY_MS) * (0.7 + 0.6 * random)
}

/**
 * A WebSocket on our own origin that keeps coming back (UI-320): growing pauses with jitter, at once when the
 * tab becomes visible or the network returns; a frame that does not parse is skipped.
 */
export function openLiveSocket(options: LiveSocketOptions): LiveSocket {
  let socket: WebSocket | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let attempt = 0
  let opened = false
  let ended = false

  const connect = () => {
    timer = undefined
    const url = new URL(options.path(), location.origin)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    // Browsers let pages set no headers of a WebSocket.
    if (handedSession.token !== undefined) url.searchParams.set('coder_session_token', handedSession.token)
    const current = new WebSocket(url)
    socket = current
    let live = false
    current.addEventListener('open', () => {
      live = true
      attempt = 0
      options.onOpen?.(opened)
      opened = true
    })
    current.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (socket !== current) return
      const parsed = parseFrame(event.data)
      if (parsed !== undefined) options.onMessage(parsed.value)
    })
    current.addEventListener('close', (event) => {
      if (ended || socket !== current) return
      if (live && options.isEnd?.(event) === true) {
        stop()
        return
      }
      options.onDown?.()
      if (!opened && options.optional === true) {
        stop()
        return
      }
      if (!live && attempt === 1) options.onRefused?.()
      timer = setTimeout(connect, retryDelay(attempt++, Math.random()))
    })
  }
  const hurry = () => {
    if (timer === undefined || document.hidden) return
    clearTimeout(timer)
    connect()
  }
  // What was open before the network went may hang without a word.
  const renew = () => {
    if (timer !== undefined || !opened) {
      hurry()
      return
    }
    const before = socket
    socket = undefined
    options.onDown?.()
    connect()
    before?.close()
  }
  const stop = () => {
    ended = true
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', hurry)
    window.removeEventListener('online', renew)
    socket?.close()
  }
  document.addEventListener('visibilitychange', hurry)
  window.addEventListener('online', renew)
  connect()
  return {
    send: (text) => {
      if (socket?.readyState !== WebSocket.OPEN) return false
      socket.send(text)
      return true
    },
    [Symbol.dispose]: stop,
  }
}

function parseFrame(data: unknown): { readonly value: unknown } | undefined {
  if (typeof data !== 'string') return undefined
  try {
    return { value: JSON.parse(data) }
  } catch {
    return undefined
  }
}
