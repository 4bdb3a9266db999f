import { Redis } from 'iovalkey'

import type { SharedCount, SharedTake } from '../edge/index.ts'
import type { CounterStore } from './fail-open.ts'

/** How long a command may take; the next one comes without waiting for a connection that is not there. */
const COMMAND_MS = 250
const CONNECT_MS = 2_000
const MAX_RETRY_MS = 5_000

/**
 * Counts in Valkey or Redis: one round trip for each request that is not refused already. The count is raised first and
 * given back when it was over the limit, so that no two replicas can give away the same place. Both windows of a bucket
 * lie in one slot of a cluster, and vanish by themselves.
 */
export class ValkeyCounters implements CounterStore {
  readonly #client: Redis

  private constructor(client: Redis) {
    this.#client = client
  }

  /**
   * Connects; a server that does not answer yet is connected to later, and commands fail until then.
   *
   * @param url such as `redis://user:password@host:6379/0`, `rediss:` for TLS.
   */
  static async connect(url: string): Promise<ValkeyCounters> {
    const client = new Redis(url, {
      lazyConnect: true,
      connectionName: 'slipway',
      connectTimeout: CONNECT_MS,
      commandTimeout: COMMAND_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      keepAlive: 10_000,
      retryStrategy: (attempt) => Math.min(attempt * 200, MAX_RETRY_MS),
    })
    // Each command fails by itself; without a listener the same errors would be printed.
    client.on('error', () => undefined)
    await client.connect().catch(() => undefined)
    return new ValkeyCounters(client)
  }

  async take({ bucket, windowStart, windowMs, elapsed, limit }: SharedTake): Promise<SharedCount> {
    const name = `slipway:limit:{${bucket.toString('base64url')}}`
    const key = `${name}:${windowStart}`
    const results = await this.#client
      .multi()
      .incr(key)
      .pexpire(key, 2 * windowMs)
      .get(`${name}:${windowStart - windowMs}`)
      .exec()
    const [raised, , before] = results ?? []
    const failed =
      results === null ? new Error('the transaction was discarded') : (raised?.[0] ?? before?.[0])
    if (failed instanceof Error) throw failed
    const current = Number(raised?.[1])
    const previous = Number(before?.[1] ?? 0)
    if (!Number.isSafeInteger(current) || !Number.isSafeInteger(previous))
      throw new Error('the counters hold something that is no count')
    if (current + previous * (1 - elapsed) <= limit) return { allowed: true, current, previous }
    await this.#client.decr(key)
    return { allowed: false, current: current - 1, previous }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.disconnect()
  }
}
