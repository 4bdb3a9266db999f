import type { AppContext } from '../context.ts'

/** How often it is looked without having heard of anything, in milliseconds. */
const LOOK_AGAIN_MS = 2_000

/**
 * Looks whenever the change log tells of one of these kinds, until `look` gives something or the time is over; then it
 * gives undefined. An event that is missed costs two seconds.
 *
 * @throws what aborted the signal, and what `look` throws.
 */
export async function waitOnFeed<T>(
  { database }: Pick<AppContext, 'database'>,
  options: {
    readonly kinds: readonly string[]
    /** Keys of the events that matter; all without it. */
    readonly keys?: ReadonlySet<string>
    readonly timeoutMs: number
    readonly signal: AbortSignal
  },
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const { kinds, keys, signal } = options
  const until = performance.now() + options.timeoutMs
  let hasNews = false
  let wake = (): void => undefined
  const note = (): void => {
    hasNews = true
    wake()
  }
  using _subscription = database.feed.subscribe({
    kinds: new Set(kinds),
    onEvent: ({ key }) => {
      if (keys === undefined || keys.has(key)) note()
    },
    onReset: note,
  })
  signal.addEventListener('abort', note)
  try {
    for (;;) {
      signal.throwIfAborted()
      hasNews = false
      const found = await look()
      if (found !== undefined) return found
      const left = until - performance.now()
      if (left <= 0) return undefined
      if (hasNews) continue
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, LOOK_AGAIN_MS))
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      wake = () => undefined
    }
  } finally {
    signal.removeEventListener('abort', note)
  }
}

/** A promise that is given up when the signal is aborted. @throws what aborted it. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
