import { describeError } from '@slipway/request-log'
import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { measureAt } from '../exchange/admission.ts'
import type { ModelGateway } from '../model-gateway.ts'
import { countBlockedUsers } from '../store/spend-reports.ts'

const actor = systemActor('aibridged', 'operators see how many users have used up their AI budgets')

const EVERY_MS = 5 * 60_000
/** Starting is busy enough. */
const FIRST_MS = 15_000

/** Counts every five minutes the users whose budgets are used up, for metrics (AG-123). */
export class BlockedUsers implements AsyncDisposable {
  readonly #context: AppContext
  readonly #gateway: ModelGateway
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  #closed = false

  constructor(context: AppContext, gateway: ModelGateway) {
    this.#context = context
    this.#gateway = gateway
    this.#schedule(FIRST_MS)
  }

  #schedule(ms: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#round = this.count().finally(() => this.#schedule(EVERY_MS))
    }, ms).unref()
  }

  /** Counts now. Never throws. */
  async count(): Promise<void> {
    const { clock, database, log } = this.#context
    const { governance, metrics } = this.#gateway.parts
    const measure = measureAt(clock.now(), governance.settings(), undefined)
    try {
      metrics.blockedUsers(await countBlockedUsers(actor, database.db, measure))
    } catch (error) {
      log.warn('users whose AI budgets are used up could not be counted', { error: describeError(error) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    clearTimeout(this.#timer)
  }
}
