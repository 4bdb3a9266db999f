import { randomUUID } from 'node:crypto'

import { describeError } from '@slipway/request-log'
import { type ChatRow, changeChat, FencedOff, type LockedChat } from '../chats/index.ts'
import type { ChangeEvent, Db } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { capOf, poolOf } from './capacity.ts'
import { CHATD } from './chatd.ts'
import type { GenerationParts } from './parts.ts'
import { ChatRunner } from './runner.ts'
import {
  beat,
  type ChatVersions,
  countRunning,
  hasLiveRunner,
  holdAdmission,
  insertHeartbeat,
  listCandidates,
  listVersions,
  type Pool,
  sweepHeartbeats,
} from './store/leases.ts'

/** Somebody else has the chat, or it needs nobody. */
class NotTaken extends Error {
  override readonly name = 'NotTaken'
}

/** As many chats of its kind run as may. */
class NoRoom extends NotTaken {}

type TakeOutcome = 'taken' | 'no room' | 'not taken'

/** Chats that are taken at the same time. */
const TAKEN_AT_ONCE = 8

/**
 * Takes chats that need somebody and carries them on (CH-601): those of which an event tells at once, and all others at
 * the start and every 30 s. Several replicas share the work; a lease says who has which chat.
 */
export class ChatWorker implements AsyncDisposable {
  readonly #parts: GenerationParts
  readonly #workerId: string
  readonly #runners = new Map<string, ChatRunner>()
  /** Chats that are being taken, with what has happened to them meanwhile. */
  readonly #taking = new Map<string, ChatVersions[]>()
  readonly #wanted = new Set<string>()
  readonly #subscription: Disposable
  readonly #timers: readonly NodeJS.Timeout[]
  #pass: Promise<void> | undefined
  #passWanted = false
  #beating: Promise<void> | undefined
  #syncing: Promise<void> | undefined
  readonly #takes = new Set<Promise<TakeOutcome>>()
  readonly #releasing = new Set<Promise<void>>()
  #closed = false

  constructor(parts: GenerationParts) {
    this.#parts = parts
    this.#workerId = parts.context.replicaId
    const { heartbeatMs, passMs, syncMs, staleSeconds } = parts.timings
    this.#subscription = parts.context.database.feed.subscribe({
      kinds: new Set(['chat']),
      onEvent: (event) => this.#onEvent(event),
      onReset: () => {
        this.#look()
        this.#sync()
      },
    })
    this.#timers = [
      setInterval(() => this.#look(), passMs).unref(),
      setInterval(() => this.#beat(), heartbeatMs).unref(),
      setInterval(() => this.#sync(), syncMs).unref(),
      setInterval(() => this.#sweep(), staleSeconds * 1000).unref(),
    ]
    this.#look()
  }

  /** How many chats this replica works on. */
  get active(): ReadonlyMap<Pool, number> {
    const counts = new Map<Pool, number>()
    for (const { pool } of this.#runners.values()) counts.set(pool, (counts.get(pool) ?? 0) + 1)
    return counts
  }

  #onEvent({ key, op, data }: ChangeEvent): void {
    if (this.#closed) return
    if (op === 'delete') {
      this.#runners.get(key)?.lose()
      return
    }
    const versions = versionsOf(key, data)
    if (versions === undefined) return
    this.#taking.get(key)?.push(versions)
    this.#runners.get(key)?.notify(versions)
    if (isRunnable(versions) && versions.runner_id === null) this.#hear(versions)
    // Room for those that wait (B-3).
    else if (versions.status !== 'running' && this.#isCapped) this.#look()
  }

  /** Somebody has to take this chat: at once, or in its turn where as many run as may (B-4). */
  #hear({ id, status }: ChatVersions): void {
    if (this.#isCapped && status === 'running') this.#look()
    else this.#want(id)
  }

  get #isCapped(): boolean {
    const { context } = this.#parts
    return capOf(context, 'root') > 0 || capOf(context, 'subagent') > 0
  }

  /** Takes one chat, of which somebody has just told. */
  #want(id: string): void {
    if (this.#taking.size < TAKEN_AT_ONCE) void this.#take(id)
    else this.#wanted.add(id)
  }

  /** Looks for all chats that need somebody; calls while it does lead to one more look. */
  #look(): void {
    this.#passWanted = true
    if (this.#closed || this.#pass !== undefined) return
    this.#pass = this.#lookOnce().finally(() => {
      this.#pass = undefined
      if (this.#passWanted) this.#look()
    })
  }

  async #lookOnce(): Promise<void> {
    this.#passWanted = false
    const { context, timings } = this.#parts
    const limit = context.config.chatAcquireBatchSize
    try {
      const candidates = await listCandidates(CHATD, context.database.db, {
        staleSeconds: timings.staleSeconds,
        limit,
      })
      let taken = 0
      const full = new Set<Pool>()
      for (const { id, status, pool, held } of candidates) {
        if (this.#closed) return
        // Room that comes up meanwhile is for whoever is first in the next look (B-4).
        if (status === 'running' && !held && full.has(pool)) continue
        const outcome = await this.#take(id)
        if (outcome === 'taken') taken += 1
        if (outcome === 'no room') full.add(pool)
      }
      if (taken > 0 && candidates.length === limit) this.#passWanted = true
    } catch (error) {
      context.log.warn('chats that need somebody could not be looked for', { error: describeError(error) })
    }
  }

  #take(id: string): Promise<TakeOutcome> {
    const take = this.#takeOnce(id).finally(() => this.#takes.delete(take))
    this.#takes.add(take)
    return take
  }

  /** Takes a chat, unless somebody else has it; never throws (CH-603). */
  async #takeOnce(id: string): Promise<TakeOutcome> {
    if (this.#closed || this.#taking.has(id)) return 'not taken'
    const missed: ChatVersions[] = []
    let latest: ChatVersions | undefined
    this.#taking.set(id, missed)
    try {
      const runnerId = randomUUID()
      const taken = await changeChat(this.#parts.context, CHATD, id, async (chat, tx) => ({
        chat,
        attempt: await this.#acquire(chat, tx, runnerId),
      }))
      this.#start(taken.chat.row, { runnerId, attempt: taken.attempt, missed })
      return 'taken'
    } catch (error) {
      if (!(error instanceof NotTaken || error instanceof FencedOff || error instanceof ApiError))
        this.#parts.context.log.warn('a chat could not be taken', {
          chat_id: id,
          error: describeError(error),
        })
      latest = missed.at(-1)
      return error instanceof NoRoom ? 'no room' : 'not taken'
    } finally {
      this.#taking.delete(id)
      // It was somebody else's when this began, and has become free meanwhile.
      if (latest !== undefined && isRunnable(latest) && latest.runner_id === null) this.#hear(latest)
      const [next] = this.#wanted
      if (next !== undefined) {
        this.#wanted.delete(next)
        this.#want(next)
      }
    }
  }

  /**
   * CH-602, CH-604: with the row locked, so that two replicas never have the same chat. Gives the attempt that was noted
   * with it, if any. @throws NotTaken.
   */
  async #acquire(chat: LockedChat, tx: Db, runnerId: string): Promise<number | undefined> {
    const { staleSeconds } = this.#parts.timings
    const { row } = chat
    if (row.archived || chat.state === undefined || !isRunnable(row)) throw new NotTaken()
    if (await hasLiveRunner(CHATD, tx, row, staleSeconds)) throw new NotTaken()
    await this.#admit(row, tx)
    chat.acquire(this.#workerId, runnerId)
    await insertHeartbeat(CHATD, tx, row, runnerId)
    // The model is about to be called: one transaction less before the first token.
    const isFirst = row.status === 'running' && row.generation_attempt === 0 && row.retry_state === null
    return isFirst ? chat.noteAttempt() : undefined
  }

  /** CH-607: caps hold for chats that begin to run; a lease that was lost is replaced without asking. @throws NotTaken. */
  async #admit(row: ChatRow, tx: Db): Promise<void> {
    const pool = poolOf(row)
    const cap = capOf(this.#parts.context, pool)
    if (cap === 0 || row.status !== 'running' || row.runner_id !== null) return
    await holdAdmission(CHATD, tx)
    const { staleSeconds } = this.#parts.timings
    if ((await countRunning(CHATD, tx, { pool, staleSeconds })) >= cap) throw new NoRoom()
  }

  #start(
    row: ChatRow,
    {
      runnerId,
      attempt,
      missed,
    }: {
      readonly runnerId: string
      readonly attempt: number | undefined
      readonly missed: readonly ChatVersions[]
    },
  ): void {
    // The chat was lost to nobody and taken again: the former run ends.
    this.#runners.get(row.id)?.lose()
    const runner = new ChatRunner(this.#parts, row, { runnerId, attempt })
    this.#runners.set(row.id, runner)
    for (const versions of missed) runner.notify(versions)
    void runner.done.then(() => {
      if (this.#runners.get(row.id) === runner) this.#runners.delete(row.id)
      if (this.#closed) return
      this.#forgetHeartbeat(runnerId)
      // Room for those that wait (B-3).
      if (this.#isCapped) this.#look()
    })
    if (this.#closed) this.#release(runner)
  }

  #beat(): void {
    if (this.#closed || this.#runners.size === 0) return
    this.#beating ??= this.#beatAll().finally(() => {
      this.#beating = undefined
    })
  }

  async #beatAll(): Promise<void> {
    const runners = [...this.#runners.values()]
    try {
      const { db } = this.#parts.context.database
      const alive = await beat(CHATD, db, runners)
      for (const runner of runners) if (!alive.has(runner.chatId)) runner.lose()
    } catch (error) {
      this.#parts.context.log.warn('signs of life of chats could not be written', {
        error: describeError(error),
      })
    }
  }

  #sync(): void {
    if (this.#closed || this.#runners.size === 0) return
    this.#syncing ??= this.#syncAll().finally(() => {
      this.#syncing = undefined
    })
  }

  /** For changes of which no event has come (CH-605). */
  async #syncAll(): Promise<void> {
    const ids = [...this.#runners.keys()]
    try {
      const found = await listVersions(CHATD, this.#parts.context.database.db, ids)
      for (const versions of found) this.#runners.get(versions.id)?.notify(versions)
    } catch (error) {
      this.#parts.context.log.debug('versions of chats could not be read', { error: describeError(error) })
    }
  }

  #sweep(runnerIds: readonly string[] = []): void {
    const { context, timings } = this.#parts
    sweepHeartbeats(CHATD, context.database.db, { runnerIds, olderThanSeconds: timings.staleSeconds }).catch(
      (error: unknown) =>
        context.log.debug('old signs of life could not be deleted', { error: describeError(error) }),
    )
  }

  #forgetHeartbeat(runnerId: string): void {
    this.#sweep([runnerId])
  }

  #release(runner: ChatRunner): void {
    const released = runner.release().finally(() => this.#releasing.delete(released))
    this.#releasing.add(released)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#subscription[Symbol.dispose]()
    for (const timer of this.#timers) clearInterval(timer)
    for (const runner of this.#runners.values()) this.#release(runner)
    await Promise.all([this.#pass, this.#beating, this.#syncing])
    // What was being taken is started, and so released, too.
    await Promise.all(this.#takes)
    await Promise.all(this.#releasing)
    const { asides, pushes } = this.#parts
    await Promise.all([asides[Symbol.asyncDispose](), pushes[Symbol.asyncDispose]()])
  }
}

function isRunnable({ status, archived }: Pick<ChatRow, 'status' | 'archived'>): boolean {
  switch (status) {
    case 'running':
    case 'interrupting':
    case 'requires_action':
      return !archived
    case 'waiting':
    case 'error':
      return false
  }
}

/** What an event tells of a chat; undefined for one of another form. */
function versionsOf(id: string, data: ChangeEvent['data']): ChatVersions | undefined {
  const { status, archived, worker_id, runner_id, snapshot_version, history_version, retry_state_version } =
    data
  if (
    !isStatus(status) ||
    typeof archived !== 'boolean' ||
    typeof snapshot_version !== 'number' ||
    typeof history_version !== 'number' ||
    typeof retry_state_version !== 'number'
  )
    return undefined
  return {
    id,
    status,
    archived,
    worker_id: typeof worker_id === 'string' ? worker_id : null,
    runner_id: typeof runner_id === 'string' ? runner_id : null,
    snapshot_version,
    history_version,
    retry_state_version,
  }
}

function isStatus(value: unknown): value is ChatRow['status'] {
  return (
    value === 'running' ||
    value === 'interrupting' ||
    value === 'requires_action' ||
    value === 'waiting' ||
    value === 'error'
  )
}
