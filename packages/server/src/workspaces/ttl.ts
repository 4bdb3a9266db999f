import { validationFailed } from '../errors/index.ts'

const MINUTE_MS = 60_000
const MAX_MS = 30 * 24 * 60 * MINUTE_MS
const NS_PER_MS = 1_000_000

/** A time until shutdown in nanoseconds, cut to whole minutes (WS-133). @throws ApiError 400. */
export function ttlFromMs(ms: number): number {
  const whole = Math.floor(ms / MINUTE_MS) * MINUTE_MS
  if (whole < MINUTE_MS)
    throw validationFailed([{ field: 'ttl_ms', detail: 'time until shutdown must be at least one minute' }])
  if (whole > MAX_MS)
    throw validationFailed([{ field: 'ttl_ms', detail: 'time until shutdown must be less than 30 days' }])
  return whole * NS_PER_MS
}
