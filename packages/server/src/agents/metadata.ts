import { StringDecoder } from 'node:string_decoder'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { EventStream } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { labelled } from '../profile-labels/index.ts'
import { MetadataMetrics } from './metadata-metrics.ts'
import { storable } from './storable.ts'
import { type AgentMetadataRow, listMetadata, type MetadataValue, storeMetadata } from './store/reports.ts'

const system = systemActor('provisionerd', 'values come from agents in batches of many owners')
const FLUSH_MS = 1_000
const MAX_WAITING = 10_000
const MAX_VALUE_BYTES = 2_048
/** Of one agent, in a report and among what waits (AC-75). */
const MAX_KEY_BYTES = 6_144
const SEND_AT_LEAST_MS = 5_000

/**
 * Values of agent metadata. They come often and from many agents, so they stay out of the change log: the
 * newest of each is kept in memory, written in batches, and sent to whoever watches (AC-75, AC-97).
 */
export class AgentMetadata implements AsyncDisposable {
  readonly #context: AppContext
  readonly #metrics: MetadataMetrics
  /** Values by agent and key. */
  #waiting = new Map<string, Map<string, MetadataValue>>()
  #size = 0
  /** What is on its way to the database. */
  #leaving: ReadonlyMap<string, ReadonlyMap<string, MetadataValue>> = new Map()
  #flushing: Promise<void> | undefined
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #timer: NodeJS.Timeout
  #dropped = 0

  constructor(context: AppContext) {
    this.#context = context
    this.#metrics = new MetadataMetrics(context.metrics)
    this.#timer = setInterval(() => void this.#flush('scheduled'), FLUSH_MS).unref()
  }

  /**
   * Takes new values; a full queue drops them and says so later. One agent cannot fill it for all others.
   *
   * @throws ApiError 400 after taking what fits, when the keys of an agent are too long together.
   */
  report(
    agentId: string,
    values: readonly { readonly key: string; readonly value: string; readonly error: string }[],
  ): void {
    const collectedAt = this.#context.clock.now()
    const own = this.#waiting.get(agentId) ?? new Map<string, MetadataValue>()
    let keyBytes = [...own.keys()].reduce((sum, key) => sum + Buffer.byteLength(key), 0)
    let refused = 0
    for (const { key, value, error } of values) {
      if (!own.has(key)) {
        keyBytes += Buffer.byteLength(key)
        if (keyBytes > MAX_KEY_BYTES) {
          refused += 1
          continue
        }
        if (this.#size >= MAX_WAITING) {
          this.#drop('queue_full')
          continue
        }
        this.#size += 1
      }
      own.set(key, {
        agentId,
        key: storable(key),
        collectedAt,
        ...limited(storable(value).trim(), storable(error).trim()),
      })
    }
    if (own.size > 0) this.#waiting.set(agentId, own)
    for (const wake of this.#watchers.get(agentId) ?? []) wake()
    if (refused === 0) return
    this.#metrics.dropped('keys_too_long', refused)
    throw badRequest(`The keys of an agent have ${MAX_KEY_BYTES} bytes at most: ${refused} were left out.`)
  }

  #drop(reason: 'queue_full' | 'not_stored'): void {
    this.#dropped += 1
    this.#metrics.dropped(reason, 1)
  }

  /** One at a time: a slow write must not put an older value over a newer one. */
  #flush(reason: 'scheduled' | 'shutdown'): Promise<void> {
    this.#flushing ??= labelled('agent-metrics-aggregator', () => this.#store(reason)).finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #store(reason: 'scheduled' | 'shutdown'): Promise<void> {
    if (this.#dropped > 0)
      this.#context.log.warn('metadata of agents was dropped, too much came at once', {
        dropped: this.#dropped,
      })
    this.#dropped = 0
    const taken = this.#waiting
    if (taken.size === 0) return
    this.#waiting = new Map()
    this.#size = 0
    this.#leaving = taken
    const values = [...taken.values()].flatMap((own) => [...own.values()])
    const stored = this.#metrics.flushing(taken, values.length, reason)
    try {
      await storeMetadata(system, this.#context.database.db, values)
      stored()
    } catch (error) {
      this.#context.log.warn('metadata of agents could not be stored yet', { error: describeError(error) })
      this.#putBack(taken)
    } finally {
      this.#leaving = new Map()
    }
  }

  /** Values of an agent that the database may not have yet. */
  #newer(agentId: string): ReadonlyMap<string, MetadataValue> {
    return new Map([...(this.#leaving.get(agentId) ?? []), ...(this.#waiting.get(agentId) ?? [])])
  }

  /** Some values are measured only once, so that they wait for the database; newer ones win. */
  #putBack(taken: ReadonlyMap<string, ReadonlyMap<string, MetadataValue>>): void {
    for (const [agentId, old] of taken) {
      const own = this.#waiting.get(agentId) ?? new Map<string, MetadataValue>()
      for (const [key, value] of old) {
        if (own.has(key)) continue
        if (this.#size >= MAX_WAITING) {
          this.#drop('not_stored')
          continue
        }
        own.set(key, value)
        this.#size += 1
      }
      if (own.size > 0) this.#waiting.set(agentId, own)
    }
  }

  /** Sends all items of an agent at once, on change at most every second, and at least every 5 s (AC-97). */
  async watch(agentId: string, stream: EventStream): Promise<void> {
    const watchers = this.#watchers.get(agentId) ?? new Set()
    this.#watchers.set(agentId, watchers)
    let dirty = false
    let wake: () => void = () => undefined
    const changed = (): void => {
      dirty = true
      wake()
    }
    watchers.add(changed)
    stream.closed.addEventListener('abort', changed, { once: true })
    try {
      while (!stream.closed.aborted) {
        dirty = false
        // From before the rows are read: some may be stored, and forgotten here, while that lasts.
        const before = this.#newer(agentId)
        const rows = await listMetadata(system, this.#context.database.db, agentId)
        const newer = new Map([...before, ...this.#newer(agentId)])
        const now = this.#context.clock.now()
        stream.send(
          'data',
          rows.map((row) => present(row, newer.get(row.key), now)),
        )
        await new Promise((resolve) => setTimeout(resolve, FLUSH_MS))
        // What has changed in that second is sent at once.
        if (dirty) continue
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, SEND_AT_LEAST_MS - FLUSH_MS)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    } finally {
      watchers.delete(changed)
      if (watchers.size === 0) this.#watchers.delete(agentId)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#flushing
    await this.#flush('shutdown')
  }
}

/** The text without a character that was cut at its end. */
function wholeCharacters(bytes: Buffer): string {
  return new StringDecoder('utf8').write(bytes)
}

function limited(value: string, error: string): { readonly value: string; readonly error: string } {
  const size = Buffer.byteLength(value)
  if (Buffer.byteLength(error) > MAX_VALUE_BYTES)
    return { value, error: `error of ${Buffer.byteLength(error)} bytes exceeded ${MAX_VALUE_BYTES} bytes` }
  if (size <= MAX_VALUE_BYTES) return { value, error }
  return {
    value: wholeCharacters(Buffer.from(value).subarray(0, MAX_VALUE_BYTES)),
    error: `value of ${size} bytes exceeded ${MAX_VALUE_BYTES} bytes`,
  }
}

function present(row: AgentMetadataRow, held: MetadataValue | undefined, now: Date): object {
  const stored = row.collected_at?.getTime() ?? 0
  const newer = held !== undefined && held.collectedAt.getTime() >= stored ? held : undefined
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
