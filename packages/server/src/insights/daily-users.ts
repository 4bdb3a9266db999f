import type { DAUsResponse } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { InsightsScope } from './store/scope.ts'
import { countDailyUsers } from './store/usage.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Days of an answer, today among them (WS-271). */
const DAYS = 60
/** How old an answer may be: minutes are rolled up no more often. */
const KEPT_MS = 60_000
const MAX_KEPT = 200

interface Kept {
  readonly until: number
  readonly answer: Promise<DAUsResponse>
}

/** Active users by day. Counting them is dear, so that an answer serves all who ask within a minute (L-2). */
export class DailyUsers {
  readonly #context: Pick<AppContext, 'clock' | 'database'>
  readonly #kept = new Map<string, Kept>()

  constructor(context: Pick<AppContext, 'clock' | 'database'>) {
    this.#context = context
  }

  /**
   * The last sixty days up to now, each with its active users.
   *
   * @param scope as it was found for this actor, who may therefore have what was counted for another.
   * @param hoursWest of UTC, where the days are: clients send the sign of JavaScript (OP-160).
   * @throws ApiError 404 (WS-274).
   */
  of(actor: Actor, scope: InsightsScope, hoursWest: number): Promise<DAUsResponse> {
    const now = this.#context.clock.now().getTime()
    const key = [hoursWest, ...scope.map(({ id }) => id).sort()].join(' ')
    const known = this.#kept.get(key)
    // The clock may have been set back.
    if (known !== undefined && known.until > now && known.until <= now + KEPT_MS) return known.answer
    const answer = this.#count(actor, scope, hoursWest, now)
    const kept = { until: now + KEPT_MS, answer }
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear()
    this.#kept.set(key, kept)
    answer.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key)
    })
    return answer
  }

  async #count(actor: Actor, scope: InsightsScope, hoursWest: number, now: number): Promise<DAUsResponse> {
    const shift = hoursWest * HOUR_MS
    const today = Math.floor((now - shift) / DAY_MS) * DAY_MS
    const first = today - (DAYS - 1) * DAY_MS
    const rows = await countDailyUsers(actor, this.#context.database.db, scope, {
      start: new Date(first + shift),
      end: new Date(today + DAY_MS + shift),
      hoursWest,
    })
    const counts = new Map(rows.map(({ day, count }) => [day, count]))
    return {
      tz_hour_offset: hoursWest,
      entries: Array.from({ length: DAYS }, (_, i) => {
        const date = new Date(first + i * DAY_MS).toISOString().slice(0, 10)
        return { date, amount: counts.get(date) ?? 0 }
      }),
    }
  }
}
