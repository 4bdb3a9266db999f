/** Times that a model is asked for the same history (CH-720). */
export const MAX_ATTEMPTS = 25
const FIRST_MS = 1_000
const LONGEST_MS = 60_000
/** The longest wait that a provider may ask for (B-6). */
const LONGEST_ASKED_MS = 5 * 60_000

/**
 * How long to wait before a model is asked again, in milliseconds (CH-720).
 *
 * @param attempt the one that has failed, from 1.
 * @param retryAfterMs what the provider asks for.
 */
export function retryDelay(attempt: number, retryAfterMs: number | undefined): number {
  const own = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 16))
  return Math.max(own, Math.min(retryAfterMs ?? 0, LONGEST_ASKED_MS))
}

/** Waits after faults that are ours, without end: 100 ms, doubled up to 5 s (CH-606). */
export function faultDelay(failures: number): number {
  return Math.min(5_000, 100 * 2 ** Math.min(failures, 16))
}
