import type { Incoming } from '../edge/index.ts'
import { limit, limitedSubject, RateLimiter, type SharedCounters } from '../edge/index.ts'

/** Requests per minute of one client from one address (OA-B7), unless said otherwise. */
const PER_MINUTE = 300

/** Counts a request of a client. @throws ApiError 429. */
export type RateLimit = (
  incoming: Pick<Incoming<never>, 'context' | 'raw' | 'reply'>,
  clientId: string,
) => Promise<void>

/** A limit per client and address for endpoints that try secrets (OA-B7). */
export function clientLimit(options: {
  readonly name: string
  readonly disabled: boolean
  readonly shared: SharedCounters | undefined
  readonly perMinute?: number | undefined
}): RateLimit {
  const { name, disabled, shared, perMinute = PER_MINUTE } = options
  const limiter = new RateLimiter({ name, limit: disabled ? 0 : perMinute, shared })
  return async ({ context, raw, reply }, clientId) => {
    if (limiter.enabled)
      await limit(limiter, raw, reply, `${clientId} ${limitedSubject(undefined, context.remoteAddress)}`)
  }
}
