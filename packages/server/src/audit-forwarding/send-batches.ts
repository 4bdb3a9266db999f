import { setTimeout as delay } from 'node:timers/promises'

/** Pauses, in milliseconds: when everything has been sent, and after a first failure, doubled with each further one. */
const EVERY_MS = 2_000
const RETRY_MS = 1_000
const LONGEST_RETRY_MS = 5 * 60_000

/** A queue that is sent to somebody else. */
export interface Batches {
  /** Entries of one batch at most. */
  readonly most: number
  /** Sends the next batch. Whether there may be more. Rejects when it was not taken. */
  readonly send: (limit: number) => Promise<boolean>
  /** Hears that a batch was not taken, and how many have not been in a row. */
  readonly failed: (error: unknown, failures: number) => void
  readonly everyMs?: number | undefined
}

/**
 * Sends batch after batch until the signal ends it. What is not taken is tried again later, and less of it at once. Never
 * rejects.
 */
export async function sendBatches(
  { most, send, failed, everyMs = EVERY_MS }: Batches,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  let size = most
  while (!signal.aborted) {
    let pause = everyMs
    try {
      if (await send(size)) pause = 0
      failures = 0
      size = most
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      // Perhaps it takes less at once.
      size = Math.max(1, Math.floor(size / 4))
      pause = Math.min(RETRY_MS * 2 ** Math.min(failures - 1, 20), LONGEST_RETRY_MS)
      failed(error, failures)
    }
    if (pause > 0) await delay(pause, undefined, { signal, ref: false }).catch(() => undefined)
  }
}
