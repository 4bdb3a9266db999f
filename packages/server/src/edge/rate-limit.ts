import { createHash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import { ApiError } from '../errors/index.ts'

const WINDOW_MS = 60_000
const MAX_BUCKETS = 50_000
/** More paths than any client asks for within a window. */
const MAX_BUCKETS_OF_SUBJECT = 2_000
/** Bytes of the digest that names a bucket for all replicas. */
const NAME_BYTES = 16

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
  /** Seconds until a request passes again; 0 while one does (ID-208). */
  readonly retryAfter: number
}

/** One request for a bucket that all replicas share. */
export interface SharedTake {
  /** Digest of who asks for what. */
  readonly bucket: Buffer
  /** Unix milliseconds. */
  readonly windowStart: number
  readonly windowMs: number
  /** Share of the window that is over. */
  readonly elapsed: number
  readonly limit: number
}

/** What the replicas have counted together. */
export interface SharedCount {
  readonly allowed: boolean
  readonly current: number
  readonly previous: number
}

/** Counters of all replicas (ID-208). Never rejects: undefined while the counters cannot be reached. */
export interface SharedCounters {
  take(asked: SharedTake): Promise<SharedCount | undefined>
}

/** What a limiter is made of. */
export interface RateLimiterOptions {
  /** Tells its buckets from those of other limiters, on every replica alike. */
  readonly name: string
  /** Requests per minute; 0 or less switches the limiter off. */
  readonly limit: number
  readonly shared?: SharedCounters | undefined
  readonly now?: () => number
}

/**
 * Sliding window per subject and path: the current count plus the previous window weighted by its remaining
 * share; refused requests do not count (ID-121). Buckets are bounded: a flood of distinct subjects or paths
 * forgets the longest unused ones instead of growing, and the paths of one subject push out no other's. With shared
 * counters the buckets here follow those, so that a spent budget is refused without asking again, and stand in for
 * them while they cannot be reached.
 */
export class RateLimiter {
  /** Made at the first request: its memory is taken whole, and most limiters are switched off. */
  #subjects: LRUCache<string, Map<string, Bucket>> | undefined
  #size = 0
  readonly #name: string
  readonly #limit: number
  readonly #shared: SharedCounters | undefined
  readonly #now: () => number

  constructor({ name, limit, shared, now = Date.now }: RateLimiterOptions) {
    this.#name = name
    this.#limit = limit
    this.#shared = shared
    this.#now = now
  }

  /** Whether there is a limit at all. */
  get enabled(): boolean {
    return this.#limit > 0
  }

  /** Counts one request of a subject for a path, in its one spelling. */
  take(subject: string, path: string): RateDecision | Promise<RateDecision> {
    const now = this.#now()
    const start = now - (now % WINDOW_MS)
    const bucket = this.#bucketOf(subject, path, start)
    if (bucket.windowStart !== start) {
      bucket.previous = start - bucket.windowStart === WINDOW_MS ? bucket.current : 0
      bucket.current = 0
      bucket.windowStart = start
    }
    const allowed = weighted(bucket, now) + 1 <= this.#limit
    if (allowed) bucket.current += 1
    if (!allowed || this.#shared === undefined) return this.#decision(bucket, now, allowed)
    return this.#takeShared(this.#shared, bucket, subject, path, now)
  }

  async #takeShared(
    shared: SharedCounters,
    bucket: Bucket,
    subject: string,
    path: string,
    now: number,
  ): Promise<RateDecision> {
    const { windowStart } = bucket
    const count = await shared.take({
      bucket: this.#digest(subject, path),
      windowStart,
      windowMs: WINDOW_MS,
      elapsed: (now - windowStart) / WINDOW_MS,
      limit: this.#limit,
    })
    if (count === undefined) return this.#decision(bucket, now, true)
    // The answer may be of a window that has ended here meanwhile.
    if (bucket.windowStart === windowStart) {
      // Others of our own requests may be on their way: only a refusal tells the whole count.
      bucket.current = count.allowed ? Math.max(bucket.current, count.current) : count.current
      bucket.previous = count.previous
    }
    return this.#decision({ windowStart, ...count }, now, count.allowed)
  }

  #digest(subject: string, path: string): Buffer {
    return createHash('sha256').update(`${this.#name}\0${subject}\0${path}`).digest().subarray(0, NAME_BYTES)
  }

  #decision(bucket: Bucket, now: number, allowed: boolean): RateDecision {
    return {
      allowed,
      limit: this.#limit,
      remaining: Math.max(0, Math.floor(this.#limit - weighted(bucket, now))),
      resetAt: (bucket.windowStart + WINDOW_MS) / 1000,
      retryAfter: allowed ? 0 : Math.max(1, Math.ceil(recoveryMs(bucket, this.#limit, now) / 1000)),
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

function weighted({ windowStart, current, previous }: Bucket, now: number): number {
  return current + previous * (1 - (now - windowStart) / WINDOW_MS)
}

/** Milliseconds until the weights of both windows leave room for one more request, if none comes until then. */
function recoveryMs({ windowStart, current, previous }: Bucket, limit: number, now: number): number {
  const room = limit - 1
  // In this window only the share of the one before falls.
  if (current <= room && previous > 0)
    return windowStart + WINDOW_MS * (1 - (room - current) / previous) - now
  return windowStart + WINDOW_MS - now + (current <= 0 ? 0 : WINDOW_MS * Math.max(0, 1 - room / current))
}

/** Headers of every limited response (ID-121). */
function rateLimitHeaders(decision: RateDecision): Record<string, string> {
  return {
    'X-RateLimit-Limit': String(decision.limit),
    'X-RateLimit-Remaining': String(decision.remaining),
    'X-RateLimit-Reset': String(decision.resetAt),
  }
}

/** The 429 of a spent bucket (ID-122, ID-208). */
export function tooManyRequests(decision: RateDecision): ApiError {
  return new ApiError(
    429,
    `You've been rate limited for sending more than ${decision.limit} requests in 1m0s.`,
    {
      headers: { ...rateLimitHeaders(decision), 'Retry-After': String(decision.retryAfter) },
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
