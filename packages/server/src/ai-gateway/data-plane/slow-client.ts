import type { Readable, Writable } from 'node:stream'

/** How slow a client may be, in milliseconds (AG-23). */
export interface Patience {
  /** A flush that takes longer is told of. */
  readonly flushMs: number
  /** How long the rest of an answer may take when all of it has come from the provider. */
  readonly restMs: number
}

const PATIENCE: Patience = { flushMs: 500, restMs: 30_000 }

/**
 * Watches how a client takes an answer that is piped to it: tells once when it is slow, with the milliseconds that a flush
 * took, and cuts off one that does not take the rest (AG-23). It costs nothing while the client keeps up, and ends with the
 * connection of the answer.
 */
export function watchClient(
  answer: Readable,
  client: Writable,
  slow: (milliseconds: number) => void,
  { flushMs, restMs }: Patience = PATIENCE,
): void {
  let waitsSince: number | undefined
  let told = false
  let rest: NodeJS.Timeout | undefined
  const flushed = (): void => {
    const took = waitsSince === undefined ? 0 : performance.now() - waitsSince
    waitsSince = undefined
    if (told || took <= flushMs) return
    told = true
    slow(Math.round(took))
  }
  answer.on('pause', () => {
    waitsSince ??= performance.now()
  })
  answer.on('resume', flushed)
  answer.once('end', () => {
    rest = setTimeout(() => client.destroy(), restMs).unref()
  })
  client.once('close', () => {
    clearTimeout(rest)
    flushed()
  })
}
