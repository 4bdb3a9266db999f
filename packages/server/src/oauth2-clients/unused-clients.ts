import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { deletePastBuckets } from '../rate-limits/index.ts'
import { deleteUnusedClients } from './store/registrations.ts'

const EVERY_MS = 60 * 60_000
const KEPT_MS = 30 * 24 * 60 * 60_000
const BATCH = 1_000

const actor = systemActor('system_oauth', 'clients that nobody has authorised for long are removed')

/** Removes self-registered clients that nobody has authorised within 30 days: at the start and every hour (OA-B7). */
export class UnusedClients implements AsyncDisposable {
  readonly #context: AppContext
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void>
  #closed = false

  constructor(context: AppContext) {
    this.#context = context
    this.#round = this.#run()
  }

  async #run(): Promise<void> {
    try {
      await labelled('db-purge', () => this.#remove())
    } catch (error) {
      this.#context.log.error('unused OAuth2 clients could not be removed', { error: describeError(error) })
    }
    if (!this.#closed)
      this.#timer = setTimeout(() => {
        this.#round = this.#run()
      }, EVERY_MS).unref()
  }

  async #remove(): Promise<void> {
    const { clock, database } = this.#context
    await deletePastBuckets(this.#context)
    const before = new Date(clock.now().getTime() - KEPT_MS)
    for (let more = true; more && !this.#closed; )
      more = (await deleteUnusedClients(actor, database.db, { before, limit: BATCH })) === BATCH
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    clearTimeout(this.#timer)
  }
}
