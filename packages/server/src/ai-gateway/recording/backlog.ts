import { setTimeout as delay } from 'node:timers/promises'

import { describeError, type Logger } from '@slipway/request-log'
import type { Spool } from './spool.ts'
import { readRecord, type StoredRecord, sizeOf } from './stored-record.ts'

/** Pauses between attempts while the database is away, and until what waits is written to disk; milliseconds. */
const RETRY_MS = 500
const FLUSH_MS = 100
/** For what is being stored at the end. */
const FAREWELL_MS = 2_000
/** Records that are stored together. */
const CHUNK = 64
/** Characters of one file. */
const FILE_SIZE = 4 * 1024 * 1024

/** Why a record is lost. */
export type Loss = 'too_many' | 'refused' | 'damaged'

/** What a backlog works with. */
export interface BacklogParts {
  /** Stores a record, once however often it is called. Rejects while the database is away. */
  readonly store: (record: StoredRecord) => Promise<void>
  readonly spool: Spool
  /** Whether what waits goes to disk at once. */
  readonly onDisk: () => boolean
  /** Characters of records in memory. */
  readonly maxWaiting: number
  readonly lost: (why: Loss, count: number) => void
  readonly log: Logger
}

/**
 * Records that wait until the database is back: in memory, or on disk where requests go on without it (AG-B23). They are
 * stored in the order in which they came; what other processes have left on disk is taken over.
 */
export class Backlog implements AsyncDisposable {
  readonly #parts: BacklogParts
  #waiting: StoredRecord[] = []
  /** Those from memory that are being stored. */
  #inHand: readonly StoredRecord[] = []
  #size = 0
  #onDisk = true
  #away = false
  #awaySince = 0
  #failing = false
  #draining: Promise<void>
  #flushing: Promise<void> | undefined
  #wake = new AbortController()
  readonly #closing = new AbortController()

  constructor(parts: BacklogParts) {
    this.#parts = parts
    this.#draining = this.#run()
  }

  /** Whether the database was away a moment ago, so that it need not be asked. */
  get away(): boolean {
    // Nothing waits, so that nothing finds out when it is back.
    if (this.#away && this.#waiting.length === 0 && !this.#onDisk)
      this.#away = performance.now() - this.#awaySince < RETRY_MS
    return this.#away
  }

  /** Characters of records in memory. */
  get size(): number {
    return this.#size
  }

  /** Notes that the database cannot be asked. */
  gone(error: unknown): void {
    if (!this.#away)
      this.#parts.log.warn('the AI gateway cannot reach the database; its records wait', {
        error: describeError(error),
      })
    this.#away = true
    this.#awaySince = performance.now()
  }

  /** Takes a record that could not be stored. */
  add(record: StoredRecord, error: unknown): void {
    this.gone(error)
    this.#add([record])
    this.#wake.abort()
  }

  #add(records: readonly StoredRecord[]): void {
    let over = 0
    for (const record of records) {
      const size = sizeOf(record)
      if (this.#size + size > this.#parts.maxWaiting) over += 1
      else {
        this.#waiting.push(record)
        this.#size += size
      }
    }
    if (over > 0) this.#parts.lost('too_many', over)
    if (this.#waiting.length > 0 && this.#parts.onDisk()) this.#flushing ??= this.#flushSoon()
  }

  /** What waits in memory, or the first of it. */
  #take(most: { readonly records: number; readonly size: number }): StoredRecord[] {
    let size = 0
    let count = 0
    for (const record of this.#waiting) {
      size += sizeOf(record)
      count += 1
      if (count >= most.records || size >= most.size) break
    }
    const taken = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    this.#size -= size
    return taken
  }

  async #flushSoon(): Promise<void> {
    try {
      await elapsed(FLUSH_MS, this.#closing.signal)
      await this.#flush()
    } finally {
      this.#flushing = undefined
    }
    // The disk has failed: it is tried again with what comes next.
  }

  /** Writes all that waits in memory to disk. */
  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const records = this.#take({ records: Number.POSITIVE_INFINITY, size: FILE_SIZE })
      try {
        if (!(await this.#parts.spool.write(records.map((record) => JSON.stringify(record)))))
          this.#parts.lost('too_many', records.length)
        else {
          this.#onDisk = true
          this.#wake.abort()
        }
        this.#failing = false
      } catch (error) {
        this.#putBack(records)
        if (!this.#failing)
          this.#parts.log.error('records of the AI gateway cannot be kept on disk; they wait in memory', {
            error: describeError(error),
          })
        this.#failing = true
        return
      }
    }
  }

  #putBack(records: readonly StoredRecord[]): void {
    this.#waiting = [...records, ...this.#waiting]
    this.#size += records.reduce((sum, record) => sum + sizeOf(record), 0)
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const caughtUp = await this.#round().catch((error: unknown) => {
        this.#parts.log.error('records of the AI gateway that wait could not be looked at', {
          error: describeError(error),
        })
        return false
      })
      if (signal.aborted) return
      if (!caughtUp) await elapsed(RETRY_MS, signal)
      else if (this.#waiting.length === 0 && !this.#onDisk) {
        this.#wake = new AbortController()
        await elapsed(Number.POSITIVE_INFINITY, AbortSignal.any([signal, this.#wake.signal]))
      }
    }
  }

  /** Stores what waits, the oldest first. Whether all of it is stored. */
  async #round(): Promise<boolean> {
    const { signal } = this.#closing
    while (this.#onDisk) {
      // Files that come meanwhile are looked at in the next turn.
      this.#onDisk = false
      if (await this.#storeFiles()) continue
      this.#onDisk = true
      return false
    }
    while (this.#waiting.length > 0 && !signal.aborted) {
      if (this.#parts.onDisk() && this.#away && !this.#failing) {
        // It is safe there, whatever comes of this attempt.
        await (this.#flushing ?? this.#flush())
        return false
      }
      this.#inHand = this.#take({ records: CHUNK, size: FILE_SIZE })
      const left = await this.#store(this.#inHand)
      this.#inHand = []
      if (left.length > 0) {
        this.#putBack(left)
        return false
      }
    }
    return true
  }

  /** Stores what is in the files that are there now. Whether all of it is stored. */
  async #storeFiles(): Promise<boolean> {
    try {
      for (const name of await this.#parts.spool.list())
        if (this.#closing.signal.aborted || !(await this.#storeFile(name))) return false
      return true
    } catch (error) {
      this.#onDisk = true
      throw error
    }
  }

  async #storeFile(name: string): Promise<boolean> {
    const lines = await this.#parts.spool.read(name)
    const records = lines.map(readRecord).filter((record) => record !== undefined)
    for (let at = 0; at < records.length; at += CHUNK)
      if ((await this.#store(records.slice(at, at + CHUNK))).length > 0) return false
    if (records.length < lines.length) this.#parts.lost('damaged', lines.length - records.length)
    await this.#parts.spool.remove(name)
    return true
  }

  /** Stores records, together as far as none goes on where another of them ends. What is left, when the database is away. */
  async #store(records: readonly StoredRecord[]): Promise<readonly StoredRecord[]> {
    for (let at = 0; at < records.length; ) {
      const together = independent(records.slice(at))
      const outcomes = await Promise.allSettled(together.map((record) => this.#parts.store(record)))
      const failed = together.filter((_, index) => outcomes[index]?.status === 'rejected')
      if (failed.length > 0) {
        this.gone(outcomes.find((outcome) => outcome.status === 'rejected')?.reason)
        return [...failed, ...records.slice(at + together.length)]
      }
      if (this.#away) this.#parts.log.info('the AI gateway reaches the database again')
      this.#away = false
      at += together.length
    }
    return []
  }

  /** What still waits goes to disk, for the next process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#wake.abort()
    const late = new AbortController()
    await Promise.race([this.#draining, elapsed(FAREWELL_MS, late.signal)])
    late.abort()
    // Of those it is not known; they are stored once all the same.
    this.#putBack(this.#inHand)
    await this.#flushing
    await this.#flush()
    if (this.#waiting.length > 0) this.#parts.lost('too_many', this.#waiting.length)
  }
}

/** The first records, as far as none of them brings the result of a tool that another of them has called (AG-80). */
export function independent(records: readonly StoredRecord[]): readonly StoredRecord[] {
  const calls = new Set<string>()
  const end = records.findIndex((record) => {
    if (record.kind === 'passthrough') return false
    const { toolCallId } = record.interception
    if (toolCallId !== undefined && calls.has(toolCallId)) return true
    for (const { callId } of record.tools) if (callId !== undefined) calls.add(callId)
    return false
  })
  return end === -1 ? records : records.slice(0, end)
}

async function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  if (Number.isFinite(ms)) {
    await delay(ms, undefined, { signal, ref: false }).catch(() => undefined)
    return
  }
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
