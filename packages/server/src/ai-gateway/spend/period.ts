import type { AIBudgetPeriod } from '@slipway/contract'

/** How long a budget lasts, in UTC, its end excluded (AG-113, AG-B14). */
export interface BudgetPeriod {
  readonly start: Date
  readonly end: Date
}

/** Before anything was spent and after all that will be. */
const ALWAYS: BudgetPeriod = {
  start: new Date(0),
  end: new Date(Date.UTC(9999, 11, 31)),
}

/** The period that a moment lies in; weeks begin on Monday. */
export function periodOf(now: Date, kind: AIBudgetPeriod = 'month'): BudgetPeriod {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  const between = (first: number, days: number): BudgetPeriod => ({
    start: new Date(Date.UTC(year, month, first)),
    end: new Date(Date.UTC(year, month, first + days)),
  })
  switch (kind) {
    case 'day':
      return between(day, 1)
    case 'week':
      return between(day - ((now.getUTCDay() + 6) % 7), 7)
    case 'month':
      return { start: new Date(Date.UTC(year, month)), end: new Date(Date.UTC(year, month + 1)) }
    case 'none':
      return ALWAYS
  }
}

/** A period as routes give it. */
export function presentPeriod({ start, end }: BudgetPeriod): { period_start: string; period_end: string } {
  return { period_start: start.toISOString(), period_end: end.toISOString() }
}

/** A day in UTC, as the database writes it. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10)
}
