import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { deleteExpired, EXPIRED_KINDS, tryExpiryLock } from './store/expired.ts'

const EVERY_MS = 60 * 60_000
/** Rows of one transaction. */
const BATCH = 5_000

const actor = systemActor('system_oauth', 'codes and tokens that have expired are cleared away')

/**
 * Clears away codes, tokens and grants that are of no use any more: at the start and an hour after each round has ended,
 * on one replica at a time (OA-B18).
 */
export class OAuth2Expiry implements AsyncDisposable {
  readonly #context: AppContext
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void>
  #closed = false

  constructor(context: AppContext) {
    this.#context = context
    this.#round = this.#run()
  }

  async #run(): Promise<void> {
    for (const kind of EXPIRED_KINDS) {
      try {
        await labelled('db-purge', () => this.#clear(kind))
      } catch (error) {
        this.#context.log.error('what clients held could not be cleared away', {
          kind,
          error: describeError(error),
        })
      }
    }
    if (!this.#closed)
      this.#timer = setTimeout(() => {
        this.#round = this.#run()
      }, EVERY_MS).unref()
  }

  async #clear(kind: (typeof EXPIRED_KINDS)[number]): Promise<void> {
    const { clock, database } = this.#context
    const now = clock.now()
    for (let more = true; more && !this.#closed; )
      more = await database.transaction(
        async (tx) =>
          (await tryExpiryLock(actor, tx)) &&
          (await deleteExpired(actor, tx, kind, { now, limit: BATCH })) === BATCH,
      )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    clearTimeout(this.#timer)
  }
}
