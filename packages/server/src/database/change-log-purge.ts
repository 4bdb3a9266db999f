import { type Kysely, sql } from 'kysely'

import { describeError, type Logger } from '@slipway/request-log'
import type { Tables } from './tables.ts'

const EVERY_MS = 5 * 60_000

/**
 * Keeps the change log short. What goes is decided by transactions and not by age, because one that is open for an
 * hour may publish old rows: each run notes the oldest transaction that is still open and deletes what lies below
 * the note of the run before. A feed that was cut off for longer finds the horizon behind its cursor and resets.
 */
export class ChangeLogPurge implements AsyncDisposable {
  readonly #db: Kysely<Tables>
  readonly #log: Logger
  #horizon: string | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<unknown> | undefined
  #closed = false

  constructor(options: { readonly db: Kysely<Tables>; readonly log: Logger }) {
    this.#db = options.db
    this.#log = options.log
    this.#schedule()
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.run()
        .catch((error: unknown) =>
          this.#log.warn('old changes could not be deleted', { error: describeError(error) }),
        )
        .finally(() => {
          if (!this.#closed) this.#schedule()
        })
    }, EVERY_MS).unref()
  }

  /** Deletes what was old at the last run; resolves to the number of rows. */
  async run(): Promise<number> {
    const horizon = this.#horizon
    const deleted = horizon === undefined ? 0 : await this.#deleteBelow(horizon)
    const { rows } = await sql<{ xmin: string }>`
      select pg_snapshot_xmin(pg_current_snapshot())::text as xmin`.execute(this.#db)
    this.#horizon = rows[0]?.xmin
    return deleted
  }

  /** Rows of transactions that are yet to come were restored from the dump of another database server. */
  #deleteBelow(horizon: string): Promise<number> {
    return this.#db.transaction().execute(async (tx) => {
      await sql`
        update change_log_horizon
           set boundary = case when boundary > pg_snapshot_xmax(pg_current_snapshot()) then ${horizon}::text::xid8
                               else greatest(boundary, ${horizon}::text::xid8) end`.execute(tx)
      const { numAffectedRows } = await sql`
        delete from change_log
         where txid < ${horizon}::text::xid8 or txid >= pg_snapshot_xmax(pg_current_snapshot())`.execute(tx)
      return Number(numAffectedRows ?? 0)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }
}
