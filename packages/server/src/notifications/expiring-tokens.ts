import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { enqueueNotification } from './enqueue.ts'
import { findExpiringTokens, markExpiryTold } from './store/expiring-tokens.ts'
import { TEMPLATES } from './template-ids.ts'

const EVERY_MS = 3_600_000
/** How long before its end the user of a token hears of it (ID-214). */
const AHEAD_MS = 7 * 24 * 3_600_000
const BATCH = 500

const actor = systemActor('provisionerd', 'users hear of tokens of theirs that end soon')

/** Tells users of tokens that end within a week: at the start and hourly, on any replica, once for each (ID-214). */
export class ExpiringTokens implements AsyncDisposable {
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
      await labelled('notifications', () => this.#look())
    } catch (error) {
      this.#context.log.error('tokens that end soon could not be looked for', { error: describeError(error) })
    }
    if (!this.#closed)
      this.#timer = setTimeout(() => {
        this.#round = this.#run()
      }, EVERY_MS).unref()
  }

  async #look(): Promise<void> {
    const { clock, database } = this.#context
    for (let more = true; more && !this.#closed; ) {
      const tokens = await findExpiringTokens(actor, database.db, {
        now: clock.now(),
        withinMs: AHEAD_MS,
        limit: BATCH,
      })
      for (const token of tokens)
        await enqueueNotification(this.#context, actor, {
          templateId: TEMPLATES.tokenExpiring,
          userId: token.user_id,
          labels: {
            token_name: token.token_name,
            expires_at: `${token.expires_at.toISOString().slice(0, 10)} (UTC)`,
          },
        })
      // Afterwards: who looks in between tells the same again, which is dropped (OP-132); to be silent would be worse.
      await markExpiryTold(
        actor,
        database.db,
        tokens.map(({ id }) => id),
      )
      more = tokens.length === BATCH
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    clearTimeout(this.#timer)
  }
}
