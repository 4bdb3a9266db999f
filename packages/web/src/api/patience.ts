import { statusOf } from './errors.ts'
import { ApiError } from './http.ts'

const NOBODY_HOME = new Set([502, 503, 504])
const GET_RETRIES = 3
/** So often a query gives way before its error shows. */
const LIMITED_RETRIES = 8
const LONGEST_MS = 60_000

/** Whether something is read again by itself: nobody was at home, or there was no room for it (UI-5, UI-2104). */
export function isReadAgain(failures: number, error: unknown): boolean {
  const status = statusOf(error)
  if (status === 429) return failures < LIMITED_RETRIES
  return failures < GET_RETRIES && (status === undefined || NOBODY_HOME.has(status))
}

/**
 * Milliseconds to wait before that: what the server asks for (RFC 9110, 10.2.3), else more each time. Up to a tenth
 * is added, so that all who were refused together do not come back together.
 */
export function pauseBefore(attempt: number, error: unknown, random = Math.random()): number {
  const asked = error instanceof ApiError ? error.retryAfter : undefined
  const pause =
    asked === undefined
      ? Math.min(1000 * 2 ** attempt, 30_000)
      : Math.min(Math.max(asked * 1000, 250), LONGEST_MS)
  return statusOf(error) === 429 ? pause * (1 + 0.1 * random) : pause
}
