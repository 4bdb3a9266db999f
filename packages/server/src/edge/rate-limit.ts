import { LRUCache } from 'lru-cache'

import { ApiError } from '../errors/index.ts'

const WINDOW_MS = 60_000
const MAX_BUCKETS = 50_000
/** More paths than any client asks for within a window. */
const MAX_BUCKETS_OF_SUBJECT = 2_000

interface Bucket {
  windowStart: number
  current: number
  previous: number
}

/** State of a bucket after a request was counted or refused. */
export interface RateDecision {
  readonly allowed: boolean
  readonly limit: number
  readonly remaining: number
  /** Unix seconds at which the current window ends. */
  readonly resetAt: number
}

/**
 * Sliding window per subject and path: the current count plus the previous window weighted by its remaining
 * share; refused requests do not count (ID-121). Buckets are bounded: a flood of distinct subjects or paths
 * forgets the longest unused ones instead of growing, and the paths of one subject push out no other's.
 */
export class RateLimiter {
  /** Made at the first request: its memory is taken whole, and most limiters are switched off. */
  #subjects: LRUCache<string, Map<string, Bucket>> | undefined
  #size = 0
  readonly #limit: number
  readonly #now: () => number

  /** `limit` is requests per minute; 0 or less switches the limiter off. */
  constructor(limit: number, now: () => number = Date.now) {
    this.#limit = limit
    this.#now = now
  }

  /** Whether there is a limit at all. */
  get enabled(): boolean {
    return this.#limit > 0
  }

  /** Counts one request of a subject for a path, in its one spelling. */
  take(subject: string, path: string): RateDecision {
    const now = this.#now()
    const start = now - (now % WINDOW_MS)
    const bucket = this.#bucketOf(subject, path, start)
    if (bucket.windowStart !== start) {
      bucket.previous = start - bucket.windowStart === WINDOW_MS ? bucket.current : 0
      bucket.current = 0
      bucket.windowStart = start
    }
    const weighted = bucket.current + bucket.previous * (1 - (now - start) / WINDOW_MS)
    const allowed = weighted + 1 <= this.#limit
    if (allowed) bucket.current += 1
    return {
      allowed,
      limit: this.#limit,
      remaining: Math.max(0, Math.floor(this.#limit - weighted - (allowed ? 1 : 0))),
      resetAt: (start + WINDOW_MS) / 1000,
    }
  }

  #bucketOf(subject: string, path: string, start: number): Bucket {
    this.#subjects ??= new LRUCache({
      max: MAX_BUCKETS,
      dispose: (dropped) => {
        this.#size -= dropped.size
      },
    })
    let own = this.#subjects.get(subject)
    if (own === undefined) {
      own = new Map()
      this.#subjects.set(subject, own)
    }
    let bucket = own.get(path)
    if (bucket !== undefined) return bucket
    bucket = { windowStart: start, current: 0, previous: 0 }
    if (own.size >= MAX_BUCKETS_OF_SUBJECT) {
      const [oldest = ''] = own.keys()
      own.delete(oldest)
      this.#size -= 1
    }
    own.set(path, bucket)
    this.#size += 1
    while (this.#size > MAX_BUCKETS && this.#subjects.size > 1) this.#subjects.pop()
    return bucket
  }
}

/** Headers of every limited response (ID-121). */
export function rateLimitHeaders(decision: RateDecision): Record<string, string> {
  return {
    'X-RateLimit-Limit': String(decision.limit),
    'X-RateLimit-Remaining': String(decision.remaining),
    'X-RateLimit-Reset': String(decision.resetAt),
  }
}

/** The 429 of a spent bucket (ID-122). */
export function tooManyRequests(decision: RateDecision): ApiError {
  return new ApiError(
    429,
    `You've been rate limited for sending more than ${decision.limit} requests in 1m0s.`,
    {
      headers: { ...rateLimitHeaders(decision), 'Retry-After': '60' },
    },
  )
}

/** Who is counted: the user of a validated key, else the client's address, IPv6 by /64 (ID-120). */
export function limitedSubject(userId: string | undefined, remoteAddress: string): string {
  return userId ?? network(remoteAddress)
}

function network(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const middle = address.includes('::') ? Array<string>(8 - left.length - right.length).fill('0') : []
  return [...left, ...middle, ...right]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/** Collapses repeated slashes and resolves dot segments, so that writing a path differently opens no new bucket. */
export function cleanPath(path: string): string {
  if (!path.includes('//') && !path.includes('/.')) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return `/${parts.join('/')}`
}
