/** A month in UTC, its end excluded: how long a budget lasts (AG-113). */
export interface BudgetPeriod {
  readonly start: Date
  readonly end: Date
}

/** The period that a moment lies in. */
export function periodOf(now: Date): BudgetPeriod {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()]
  return { start: new Date(Date.UTC(year, month)), end: new Date(Date.UTC(year, month + 1)) }
}

/** A day in UTC, as the database writes it. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10)
}
