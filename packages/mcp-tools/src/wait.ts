import { setTimeout as delay } from 'node:timers/promises'

import { ToolFault } from './tool.ts'

const LOOK_AGAIN_MS = 500
/** Longer than builds take that ever end. */
const PATIENCE_MS = 15 * 60_000

/**
 * Looks again and again until `look` gives something.
 *
 * @param what is waited for, for the fault.
 * @throws ToolFault when it takes more than 15 minutes, the reason of `signal` when that is aborted.
 */
export async function waitFor<T>(
  what: string,
  signal: AbortSignal,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    signal.throwIfAborted()
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > until) throw new ToolFault(`${what} did not come within 15 minutes`)
    await delay(LOOK_AGAIN_MS, undefined, { signal })
  }
}
