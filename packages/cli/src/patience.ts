import { setTimeout as wait } from 'node:timers/promises'

import { ApiFailure, ConnectionFailure } from '@slipway/client'

const PATIENCE_MS = 5 * 60_000
const FIRST_PAUSE_MS = 250
const MAX_PAUSE_MS = 3_000
const MIN_LIMITED_MS = 5_000

/** Whether a failure is one of the network, or of a server that may answer again soon. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof ConnectionFailure ||
    (error instanceof ApiFailure && (error.status >= 500 || error.status === 429))
  )
}

/** How long to wait before the next try, in milliseconds; longer when there were too many. */
function pauseAfter(error: unknown, attempt: number): number {
  const limited = error instanceof ApiFailure && error.status === 429 ? MIN_LIMITED_MS : 0
  return Math.max(limited, Math.min(FIRST_PAUSE_MS * 2 ** attempt, MAX_PAUSE_MS))
}

function optional(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}

/**
 * Tries again while the server is in trouble or cannot be reached, unless told otherwise for five minutes: as long
 * as a network may be away without anybody losing work (AC-243, L-24). The signal ends the waiting.
 *
 * @throws what it failed with last.
 */
export async function patiently<T>(
  call: () => Promise<T>,
  options: { readonly forMs?: number; readonly onFailure?: () => void; readonly signal?: AbortSignal } = {},
): Promise<T> {
  const end = performance.now() + (options.forMs ?? PATIENCE_MS)
  for (let attempt = 0; ; attempt += 1)
    try {
      return await call()
    } catch (error) {
      if (!isPassing(error) || performance.now() > end || options.signal?.aborted === true) throw error
      if (attempt === 0) options.onFailure?.()
      await wait(pauseAfter(error, attempt), undefined, optional(options.signal)).catch(() => undefined)
    }
}
