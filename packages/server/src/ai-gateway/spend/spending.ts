import { setTimeout as delay } from 'node:timers/promises'

import { describeError } from '@slipway/request-log'
import type { Governance } from '../../ai-governance/index.ts'
import { systemActor } from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import { pricedName } from '../prices/prices.ts'
import { insertTokens, type TokenRecord } from '../store/records.ts'
import { type Crossed, notifyCrossing } from './notify-crossing.ts'
import { dayOf, periodOf } from './period.ts'

const actor = systemActor('aibridged', 'what models cost is charged whoever asks')

const FAREWELL_MS = 2_000
/** Notifications on their way; more crossings at once than that are not told of. */
const MAX_UNDER_WAY = 1_000

/** What is known of tokens when they are charged. */
export type Charge = Omit<TokenRecord, 'policy' | 'since' | 'until'>

/** What charging has led to. */
export interface Charged {
  /** Whether the cost is known. */
  readonly priced: boolean
  /** Tells of budgets that are nearly used up by it. */
  readonly tell: () => void
}

/** Charges what models cost, by the budgets of this moment, and tells of those that are nearly used up (AG-110, AG-114). */
export class Spending implements AsyncDisposable {
  readonly #context: AppContext
  readonly #governance: Governance
  readonly #underWay = new Set<Promise<void>>()

  constructor(context: AppContext, governance: Governance) {
    this.#context = context
    this.#governance = governance
  }

  /**
   * Stores tokens and charges them. In a transaction nobody must be told before it has ended well.
   *
   * @throws Error when they cannot be stored.
   */
  async charge(record: Charge, db: Db = this.#context.database.db): Promise<Charged> {
    const { budgetPeriod: periodKind, budgetPolicy } = this.#governance.settings()
    const period = periodOf(record.createdAt, periodKind)
    const { priced, crossings } = await insertTokens(actor, db, {
      ...record,
      model: pricedName(record.providerType, record.model),
      policy: budgetPolicy,
      since: dayOf(period.start),
      until: dayOf(period.end),
    })
    return {
      priced,
      tell: () => {
        for (const crossing of crossings) this.#tell({ crossing, period, periodKind })
      },
    }
  }

  #tell(reached: Crossed): void {
    if (this.#underWay.size >= MAX_UNDER_WAY) return
    const told = notifyCrossing(this.#context, reached)
      .catch((error: unknown) =>
        this.#context.log.error('nobody could be told of an AI budget that is nearly used up', {
          user_id: reached.crossing.userId,
          error: describeError(error),
        }),
      )
      .finally(() => this.#underWay.delete(told))
    this.#underWay.add(told)
  }

  /** Settles when everybody is told who has to be by now. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const late = new AbortController()
    await Promise.race([
      this.idle(),
      delay(FAREWELL_MS, undefined, { signal: late.signal }).catch(() => undefined),
    ])
    late.abort()
  }
}
