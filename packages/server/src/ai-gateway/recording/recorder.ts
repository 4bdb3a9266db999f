import { randomUUIDv7 } from 'node:crypto'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import type { Governance } from '../../ai-governance/index.ts'
import type { AppContext } from '../../context.ts'
import { isDatabaseFault } from '../../errors/index.ts'
import type { RecorderHealth } from '../observation/gateway-health.ts'
import type { InterceptTrace } from '../observation/intercept-trace.ts'
import type { GatewayMetrics } from '../observation/metrics.ts'
import { Spending } from '../spend/spending.ts'
import type { NewInterception } from '../store/interceptions.ts'
import { storable } from '../wires/json.ts'
import { Backlog, type Loss } from './backlog.ts'
import { endedRecord } from './ended-record.ts'
import type { Ending } from './ending.ts'
import { Gathering } from './gathering.ts'
import { logEnding, logPassing, logStart } from './interception-log.ts'
import { Privacy } from './privacy.ts'
import { RecordStore } from './record-store.ts'
import { Spool } from './spool.ts'
import { type PassedRecord, type StoredRecord, sizeOf } from './stored-record.ts'

/** How long a request waits for its records at most, in milliseconds (AG-78). */
const WAIT_MS = 5_000
/** How long it waits to begin where it goes on without. */
const BEGIN_MS = 2_000
const FAREWELL_MS = 4_000
/** Characters of records that wait in memory, and bytes of those on disk; what comes beyond them is lost. */
const MAX_WAITING = 64 * 1024 * 1024
const MAX_SPOOL = 512 * 1024 * 1024
const MAX_METHOD = 16
const MAX_ROUTE = 1024
const AWAY = new Error('it was away a moment ago')
const SLOW = new Error('it does not answer in time')
/** A storm of losses is told in this many lines. */
const LOSSES_EVERY_MS = 10_000

/** How much may wait: characters in memory, bytes on disk. */
interface RecorderLimits {
  readonly maxWaiting?: number
  readonly maxSpool?: number
}

/**
 * Writes what the gateway records. What comes within a moment is stored together, so that a request waits for the database
 * only where a budget hangs on it or the gateway is strict; while the database fails, no request begins, unless the
 * settings say that requests go on without it (AG-78, decision 16). A record that the database refuses is lost alone; while it is away, records wait (AG-78, AG-B23).
 */
export class Recorder implements AsyncDisposable {
  readonly #context: AppContext
  readonly #metrics: GatewayMetrics
  readonly #governance: Governance
  readonly #privacy: Privacy
  readonly #spending: Spending
  readonly #records: RecordStore
  readonly #backlog: Backlog
  readonly #spool: Spool
  readonly #maxWaiting: number
  readonly #pending = new Map<Promise<void>, StoredRecord>()
  /** Requests under way whose beginning is not stored. */
  readonly #unbegun = new Set<string>()
  readonly #gathering: Gathering
  /** Whether the database has refused a beginning just now, or has lost a connection. */
  #refusing = false
  #waiting = 0
  #losses: { readonly count: number; readonly last: Date | undefined } = { count: 0, last: undefined }
  #toldOfLosses = Number.NEGATIVE_INFINITY
  readonly #lostConnections: Disposable

  /** @param directory where records wait while the database is away; of this deployment alone. */
  constructor(
    context: AppContext,
    metrics: GatewayMetrics,
    governance: Governance,
    directory: string,
    { maxWaiting = MAX_WAITING, maxSpool = MAX_SPOOL }: RecorderLimits = {},
  ) {
    this.#context = context
    this.#metrics = metrics
    this.#governance = governance
    this.#privacy = new Privacy(context.secrets)
    this.#spending = new Spending(context, governance)
    this.#records = new RecordStore({
      context,
      metrics,
      spending: this.#spending,
      beginningRefused: () => {
        this.#refusing = true
      },
    })
    this.#maxWaiting = maxWaiting
    const spool = new Spool(path.join(directory, 'ai-gateway-records', context.deploymentId), maxSpool)
    this.#spool = spool
    this.#backlog = new Backlog({
      store: (record) => this.#records.store(record),
      spool,
      onDisk: () => this.#failOpen,
      maxWaiting,
      lost: (why, count) => this.#lost(why, count),
      log: context.log,
    })
    this.#gathering = new Gathering({
      store: (records) => this.#storeTogether(records),
      storeBeginning: (interception) => this.#storeBeginning(interception),
      isUnderWay: (id) => this.#unbegun.has(id),
    })
    this.#lostConnections = context.database.onConnectionLost(() => {
      this.#refusing = true
    })
    metrics.recordsWait(() => ({ memory: this.#waiting + this.#backlog.size, disk: spool.bytes }))
  }

  get #failOpen(): boolean {
    return this.#governance.settings().recordFailOpen
  }

  /** What waits because it could not be stored, and what was lost. */
  health(): RecorderHealth {
    return {
      databaseAway: this.#backlog.away,
      waitingCharacters: this.#backlog.size,
      waitingBytes: this.#spool.bytes,
      lost: this.#losses.count,
      lastLostAt: this.#losses.last,
      failOpen: this.#failOpen,
    }
  }

  /** Whether the database was away a moment ago. */
  get databaseAway(): boolean {
    return this.#backlog.away
  }

  /**
   * Notes that a request has begun; it is stored with others in a moment, unless it has ended by then. Where the gateway
   * is strict, or storing has failed just now, it is stored at once, unless requests go on without the database.
   *
   * @throws Error when it cannot be stored; then the provider must not be asked.
   */
  async begin(interception: NewInterception): Promise<void> {
    const { aiGatewayStrict, aiGatewayStructuredLogging } = this.#context.config
    if (!aiGatewayStrict && !this.#refusing && !this.#backlog.away) {
      this.#unbegun.add(interception.id)
      this.#gathering.begun(interception)
    } else if (this.#failOpen) await this.#beginIfPossible(interception)
    else {
      await this.#records.begin(interception)
      this.#refusing = false
    }
    if (aiGatewayStructuredLogging) logStart(this.#context.log, interception)
  }

  async #beginIfPossible(interception: NewInterception): Promise<void> {
    this.#unbegun.add(interception.id)
    if (this.#backlog.away) return
    const stored = this.#records.begin(interception).then(() => void this.#unbegun.delete(interception.id))
    try {
      if (!(await atMost(BEGIN_MS, stored))) this.#backlog.gone(SLOW)
    } catch (error) {
      if (!isDatabaseFault(error)) {
        this.#unbegun.delete(interception.id)
        throw error
      }
      this.#backlog.gone(error)
    }
  }

  /** Whether a request is over only when it is stored how it has ended. */
  isWaitedFor({ isAwaited }: Pick<Ending, 'isAwaited'>): boolean {
    return isAwaited || this.#context.config.aiGatewayStrict
  }

  /**
   * Stores how a request has ended; resolves when that is done, or after five seconds. Never throws.
   *
   * @param trace undefined while there are no traces.
   */
  async end(ending: Ending, trace: InterceptTrace | undefined): Promise<void> {
    const record = endedRecord(ending, {
      id: randomUUIDv7,
      now: this.#context.clock.now(),
      privacy: this.#privacy,
      begun: !this.#unbegun.delete(ending.interception.id),
      queued: this.#governance.settings().exportWebhookUrl !== '',
      impossible: () =>
        this.#records.refused(
          'token usage',
          ending.interception.id,
          new Error('the provider counts tokens that cannot be'),
        ),
    })
    this.#metrics.ended(ending)
    trace?.answered(ending)
    if (this.#context.config.aiGatewayStructuredLogging) logEnding(this.#context.log, record)
    using _ = trace?.recording(record)
    if (this.isWaitedFor(ending)) await this.#keep(record)
    else this.#gather(record)
  }

  /**
   * Notes that a request is relayed without being recorded like others (AG-B20). Nobody waits for it to be stored.
   *
   * @returns the id of its record, and what is to be called with the status of the answer, or without one where there is
   *   none, and with what was decided about it; only the first call counts.
   */
  passing(of: Omit<PassedRecord, 'kind' | 'id' | 'status' | 'startedAt' | 'durationMs' | 'metadata'>): {
    readonly id: string
    readonly answered: (status?: number, metadata?: PassedRecord['metadata']) => void
  } {
    const id = randomUUIDv7()
    const startedAt = this.#context.clock.now().toISOString()
    const began = performance.now()
    let done = false
    const answered = (status?: number, metadata?: PassedRecord['metadata']): void => {
      if (done) return
      done = true
      const record: PassedRecord = {
        kind: 'passthrough',
        id,
        ...of,
        method: of.method.slice(0, MAX_METHOD),
        route: storable(of.route, MAX_ROUTE),
        status,
        startedAt,
        durationMs: Math.round(performance.now() - began),
        metadata,
      }
      if (this.#context.config.aiGatewayStructuredLogging) logPassing(this.#context.log, record)
      this.#gather(record)
    }
    return { id, answered }
  }

  /** Lets a record wait for others that are stored with it. */
  #gather(record: StoredRecord): void {
    void this.#counted(record, () => this.#gathering.add(record))
  }

  /** Stores a record, which counts among those that wait meanwhile; undefined where too much waits already. */
  #counted(record: StoredRecord, store: () => Promise<void>): Promise<void> | undefined {
    const size = sizeOf(record)
    if (this.#waiting + size > this.#maxWaiting) {
      this.#lost('too_many', 1)
      return undefined
    }
    this.#waiting += size
    const stored = store().finally(() => {
      this.#waiting -= size
      this.#pending.delete(stored)
    })
    this.#pending.set(stored, record)
    return stored
  }

  /** Stores records with as few statements as can be, and each by itself where one of them is at fault. Never rejects. */
  async #storeTogether(records: readonly StoredRecord[]): Promise<void> {
    try {
      await this.#records.storeTogether(records)
    } catch (error) {
      const alone = (record: StoredRecord): Promise<void> =>
        isDatabaseFault(error) ? Promise.reject(error) : this.#records.store(record)
      await Promise.all(
        records.map((record) => alone(record).catch((reason: unknown) => this.#backlog.add(record, reason))),
      )
    }
  }

  async #storeBeginning(interception: NewInterception): Promise<void> {
    try {
      await this.#records.begin(interception)
      this.#unbegun.delete(interception.id)
    } catch (error) {
      if (isDatabaseFault(error)) this.#backlog.gone(error)
      else {
        this.#refusing = true
        this.#records.refused('begin', interception.id, error)
      }
    }
  }

  /** Stores a record, or lets it wait for the database; resolves when that is settled, or after five seconds. */
  async #keep(record: StoredRecord): Promise<void> {
    if (this.#backlog.away) {
      this.#backlog.add(record, AWAY)
      return
    }
    const written = this.#counted(record, () =>
      this.#records.store(record).catch((error: unknown) => this.#backlog.add(record, error)),
    )
    if (written === undefined) return
    // Written twice it is stored once.
    if (!(await atMost(WAIT_MS, written)) && this.#failOpen) this.#backlog.add(record, SLOW)
  }

  #lost(why: Loss, count: number): void {
    this.#metrics.recordsLost(why, count)
    this.#losses = { count: this.#losses.count + count, last: this.#context.clock.now() }
    const now = performance.now()
    if (now - this.#toldOfLosses < LOSSES_EVERY_MS) return
    this.#toldOfLosses = now
    this.#context.log.error(
      why === 'damaged'
        ? 'records of the AI gateway on disk are damaged and lost'
        : 'records of the AI gateway are lost, because too many wait for the database; see coder_ai_gateway_records_lost_total',
      { reason: why, count },
    )
  }

  /** Waits for what is being stored; what is not by then goes to disk, for the next process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lostConnections[Symbol.dispose]()
    const gathered = this.#gathering[Symbol.asyncDispose]()
    await atMost(
      FAREWELL_MS,
      gathered.then(() => Promise.all(this.#pending.keys())),
    )
    for (const record of this.#pending.values()) this.#backlog.add(record, SLOW)
    await this.#backlog[Symbol.asyncDispose]()
    await this.#spending[Symbol.asyncDispose]()
  }
}

/** Whether work was done in a time. Rejects as the work does. */
async function atMost(ms: number, work: Promise<unknown>): Promise<boolean> {
  const late = new AbortController()
  try {
    return await Promise.race([
      work.then(() => true),
      delay(ms, false, { signal: late.signal }).catch(() => false),
    ])
  } finally {
    late.abort()
  }
}
