import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { EventStream } from '../edge/index.ts'
import { type AgentMetadataRow, listMetadata, type MetadataValue, storeMetadata } from './store/reports.ts'

const FLUSH_MS = 1_000
const MAX_WAITING = 10_000
const MAX_VALUE_BYTES = 2_048
const SEND_AT_LEAST_MS = 5_000

/**
 * Values of agent metadata. They come often and from many agents, so they stay out of the change log: the
 * newest of each is kept in memory, written in batches, and sent to whoever watches (AC-75, AC-97).
 */
export class AgentMetadata implements AsyncDisposable {
  readonly #context: AppContext
  readonly #waiting = new Map<string, MetadataValue>()
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #timer: NodeJS.Timeout
  #dropped = 0

  constructor(context: AppContext) {
    this.#context = context
    this.#timer = setInterval(() => void this.#flush(), FLUSH_MS).unref()
  }

  /** Takes new values; a full queue drops them and says so later. */
  report(
    agentId: string,
    values: readonly { readonly key: string; readonly value: string; readonly error: string }[],
  ): void {
    const collectedAt = this.#context.clock.now()
    for (const { key, value, error } of values) {
      const slot = `${agentId} ${key}`
      if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(slot)) {
        this.#dropped += 1
        continue
      }
      this.#waiting.set(slot, { agentId, key, collectedAt, ...limited(value.trim(), error.trim()) })
    }
    for (const wake of this.#watchers.get(agentId) ?? []) wake()
  }

  async #flush(): Promise<void> {
    if (this.#dropped > 0)
      this.#context.log.warn('metadata of agents was dropped, too much came at once', {
        dropped: this.#dropped,
      })
    this.#dropped = 0
    const values = [...this.#waiting.values()]
    if (values.length === 0) return
    this.#waiting.clear()
    try {
      await storeMetadata(systemActor('system_restricted'), this.#context.database.db, values)
    } catch (error) {
      this.#context.log.warn('metadata of agents could not be stored', { error: describeError(error) })
    }
  }

  /** Sends all items of an agent at once, on change at most every second, and at least every 5 s (AC-97). */
  async watch(agentId: string, stream: EventStream): Promise<void> {
    const watchers = this.#watchers.get(agentId) ?? new Set()
    this.#watchers.set(agentId, watchers)
    let wake: () => void = () => undefined
    const changed = (): void => wake()
    watchers.add(changed)
    stream.closed.addEventListener('abort', changed, { once: true })
    try {
      while (!stream.closed.aborted) {
        const rows = await listMetadata(systemActor('system_restricted'), this.#context.database.db, agentId)
        const now = this.#context.clock.now()
        stream.send(
          'data',
          rows.map((row) => present(row, this.#waiting.get(`${agentId} ${row.key}`), now)),
        )
        await new Promise((resolve) => setTimeout(resolve, FLUSH_MS))
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, SEND_AT_LEAST_MS - FLUSH_MS)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
          if (stream.closed.aborted) wake()
        })
      }
    } finally {
      watchers.delete(changed)
      if (watchers.size === 0) this.#watchers.delete(agentId)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#flush()
  }
}

function limited(value: string, error: string): { readonly value: string; readonly error: string } {
  const size = Buffer.byteLength(value)
  if (Buffer.byteLength(error) > MAX_VALUE_BYTES)
    return { value, error: `error of ${Buffer.byteLength(error)} bytes exceeded ${MAX_VALUE_BYTES} bytes` }
  if (size <= MAX_VALUE_BYTES) return { value, error }
  return {
    value: Buffer.from(value).subarray(0, MAX_VALUE_BYTES).toString(),
    error: `value of ${size} bytes exceeded ${MAX_VALUE_BYTES} bytes`,
  }
}

function present(row: AgentMetadataRow, newer: MetadataValue | undefined, now: Date): object {
  const collectedAt = newer?.collectedAt ?? row.collected_at
  return {
    result: {
      collected_at: collectedAt?.toISOString() ?? '0001-01-01T00:00:00Z',
      age: collectedAt === null ? 0 : Math.max(0, Math.round((now.getTime() - collectedAt.getTime()) / 1000)),
      value: newer?.value ?? row.value,
      error: newer?.error ?? row.error,
    },
    description: {
      display_name: row.display_name,
      key: row.key,
      script: row.script,
      interval: Math.round(row.interval_ns / 1e9),
      timeout: Math.round(row.timeout_ns / 1e9),
    },
  }
}
