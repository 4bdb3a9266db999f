import { Counter, type Registry } from 'prom-client'

import { RateLimitGauges } from './rate-limit-gauges.ts'

/** What a call is made for; a label of its metrics (ID-157). */
export type CallSource =
  | 'Discovery'
  | 'Keys'
  | 'Exchange'
  | 'TokenSource'
  | 'UserInfo'
  | 'AuthorizeDevice'
  | 'ValidateToken'
  | 'AppInstallations'
  | 'Revoke'
  | `GitAPI${string}`

/** One kind of call to one provider. */
export interface OutboundCall {
  /** The provider, as operators name it; a label of the metrics. */
  readonly name: string
  readonly source: CallSource
  /** For the whole answer, in milliseconds; 10,000 unless it is said. */
  readonly timeoutMs?: number
  /** Longest body that is read, in bytes; 1 MiB unless it is said. */
  readonly maxBytes?: number
  /** Redirects are answers like others unless they are to be followed. */
  readonly followRedirects?: boolean
  /** GitHub tells every caller its limits: keep them for calls without credentials (ID-157). */
  readonly recordLimits?: boolean
}

/** A call that got no usable answer: it is unreachable, not permitted, too slow, too long, or leads elsewhere. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly kind: 'unreachable' | 'not-permitted' | 'timeout' | 'too-large' | 'redirect'

  constructor(kind: OutboundError['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }
}

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_MAX_BYTES = 1024 * 1024
/** Answers that have no body by definition (RFC 9110). */
const BODILESS = new Set([101, 204, 205, 304])

/**
 * Every call to an identity or Git provider: HTTP or HTTPS with TLS 1.2 or newer (the oldest that Node speaks unless it
 * is told otherwise; ID-139), bounded in time and size, never following a redirect by itself, and counted (ID-157).
 */
export class Outbound {
  readonly #requests: Counter<'name' | 'source' | 'status_code'>
  readonly #limited: Counter<'name' | 'source' | 'status_code'>
  readonly #gauges: RateLimitGauges

  /** @param now tells the time in milliseconds, for how long a limit still holds. */
  constructor(registry: Registry, now: () => number) {
    this.#requests = new Counter({
      name: 'coderd_oauth2_external_requests_total',
      help: 'Requests to identity and Git providers; status_code is 0 when there was no answer.',
      labelNames: ['name', 'source', 'status_code'],
      registers: [registry],
    })
    this.#limited = new Counter({
      name: 'coderd_oauth2_external_requests_rate_limited_total',
      help: 'Requests to identity and Git providers that were refused because of a rate limit.',
      labelNames: ['name', 'source', 'status_code'],
      registers: [registry],
    })
    this.#gauges = new RateLimitGauges(registry, now)
  }

  /**
   * Sends a request and reads the whole answer, so that nothing is left to wait for.
   *
   * @throws OutboundError without a usable answer; TypeError for an address that is not HTTP or HTTPS.
   */
  async fetch(call: OutboundCall, address: string | URL, init: RequestInit = {}): Promise<Response> {
    const url = new URL(address)
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new TypeError(`${url.protocol} is not a way to reach a provider: use https`)
    const { name, source } = call
    const deadline = AbortSignal.timeout(call.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    const signal = init.signal == null ? deadline : AbortSignal.any([deadline, init.signal])
    let response: Response
    let body: Uint8Array<ArrayBuffer>
    try {
      response = await fetch(url, {
        ...init,
        signal,
        redirect: call.followRedirects === true ? 'follow' : 'manual',
      })
      body = await readBounded(response, call.maxBytes ?? DEFAULT_MAX_BYTES)
    } catch (error) {
      this.#requests.inc({ name, source, status_code: 0 })
      if (error instanceof OutboundError) throw error
      if (deadline.aborted) throw new OutboundError('timeout', `${url.host} did not answer in time`, error)
      throw new OutboundError('unreachable', `${url.host} cannot be reached`, error)
    }
    const labels = { name, source, status_code: response.status }
    this.#requests.inc(labels)
    if (isRateLimited(response)) this.#limited.inc(labels)
    if (call.recordLimits === true && !new Headers(init.headers).has('authorization'))
      this.#gauges.record(name, response.headers)
    const { status, statusText, headers } = response
    return new Response(BODILESS.has(status) ? null : body, { status, statusText, headers })
  }
}

/**
 * Whether a provider refuses because of a rate limit: 429, or 403 that says when to come back or that nothing is left
 * (ID-157, ID-188).
 */
export function isRateLimited({ status, headers }: Pick<Response, 'status' | 'headers'>): boolean {
  if (status === 429) return true
  if (status !== 403) return false
  return headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0'
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let length = 0
  // Leaving the loop early cancels the stream and with it the connection.
  for await (const chunk of response.body) {
    length += chunk.length
    if (length > maxBytes) throw new OutboundError('too-large', `the answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
