import type { FastifyReply, FastifyRequest } from 'fastify'

import { ApiError } from '../errors/index.ts'
import {
  cleanPath,
  limitedSubject,
  type RateDecision,
  type RateLimiter,
  tooManyRequests,
} from './rate-limit.ts'

/** Path of the request without its query. */
export function pathOf({ url }: FastifyRequest): string {
  const at = url.indexOf('?')
  return at < 0 ? url : url.slice(0, at)
}

/**
 * Counts a request; owners may ask to be left out (ID-124). At once unless the counters are shared with other replicas.
 *
 * @param subject whose request it is, where that is neither the user of the key nor the address.
 * @throws ApiError 429, 428.
 */
export function limit(
  limiter: RateLimiter,
  request: FastifyRequest,
  reply: FastifyReply,
  subject?: string,
): undefined | Promise<void> {
  const outcome = request.context.precheck
  const bypass = request.headers['x-coder-bypass-ratelimit']
  if (outcome.ok && typeof bypass === 'string' && /^(1|t|true)$/i.test(bypass)) {
    if (outcome.owner.siteRoles.includes('owner')) return undefined
    throw new ApiError(
      428,
      'The X-Coder-Bypass-Ratelimit header is only for users with the owner role: leave it out.',
      {
        plainText: true,
      },
    )
  }
  const decision = limiter.take(
    subject ?? limitedSubject(outcome.ok ? outcome.owner.id : undefined, request.context.remoteAddress),
    cleanPath(pathOf(request)),
  )
  if (decision instanceof Promise) return decision.then((settled) => apply(settled, reply))
  apply(decision, reply)
  return undefined
}

function apply(decision: RateDecision, reply: FastifyReply): void {
  if (!decision.allowed) throw tooManyRequests(decision)
  reply
    .header('x-ratelimit-limit', decision.limit)
    .header('x-ratelimit-remaining', decision.remaining)
    .header('x-ratelimit-reset', decision.resetAt)
}

/** Goes on in a hook once the request has been counted. */
export function afterLimit(counted: undefined | Promise<void>, next: (error?: Error) => void): void {
  if (counted !== undefined) counted.then(() => next(), next)
  else next()
}
