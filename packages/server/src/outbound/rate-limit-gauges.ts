import { Gauge, type Registry } from 'prom-client'

type Labels = 'name' | 'resource'

/** What GitHub says of the limits of callers without credentials, which share one address (ID-157). */
export class RateLimitGauges {
  readonly #now: () => number
  readonly #limit: Gauge<Labels>
  readonly #remaining: Gauge<Labels>
  readonly #used: Gauge<Labels>
  readonly #nextReset: Gauge<Labels>
  readonly #resetIn: Gauge<Labels>

  /** @param now tells the time in milliseconds. */
  constructor(registry: Registry, now: () => number) {
    const gauge = (suffix: string, help: string): Gauge<Labels> =>
      new Gauge({
        name: `coderd_oauth2_external_requests_rate_limit${suffix}`,
        help,
        labelNames: ['name', 'resource'],
        registers: [registry],
      })
    this.#now = now
    this.#limit = gauge('', 'Requests that the provider allows in its window.')
    this.#remaining = gauge('_remaining', 'Requests that are left in the window.')
    this.#used = gauge('_used', 'Requests that were made in the window.')
    this.#nextReset = gauge('_next_reset_unix', 'When the window ends, in seconds since 1970.')
    this.#resetIn = gauge('_reset_in_seconds', 'Seconds until the window ends; -1 when it is not known.')
  }

  /** Takes over what an answer says; nothing when it says nothing. */
  record(name: string, headers: Headers): void {
    const limit = numberOf(headers, 'x-ratelimit-limit')
    if (limit === undefined) return
    // Providers invent resources at will; only the shape of GitHub's names becomes a label.
    const given = headers.get('x-ratelimit-resource') ?? ''
    const labels = { name, resource: /^[a-z_]{1,32}$/.test(given) ? given : 'core' }
    const reset = numberOf(headers, 'x-ratelimit-reset')
    this.#limit.set(labels, limit)
    this.#remaining.set(labels, numberOf(headers, 'x-ratelimit-remaining') ?? 0)
    this.#used.set(labels, numberOf(headers, 'x-ratelimit-used') ?? 0)
    this.#nextReset.set(labels, reset ?? 0)
    this.#resetIn.set(labels, reset === undefined ? -1 : Math.max(0, reset - this.#now() / 1000))
  }
}

function numberOf(headers: Headers, name: string): number | undefined {
  const text = headers.get(name)
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
