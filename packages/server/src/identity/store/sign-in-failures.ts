import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { SignInFailuresTable } from '../../database/tables.ts'

/** What is remembered of wrong guesses about an account. */
export type SignInFailures = Omit<Selectable<SignInFailuresTable>, 'account'>

/** How failures turn into delays (ID-209). */
export interface DelayPolicy {
  readonly now: Date
  /** Failures that cost nothing yet. */
  readonly free: number
  /** Shortest delay, in seconds. */
  readonly minSeconds: number
  /** Longest delay, in seconds. */
  readonly maxSeconds: number
  /** Failures before this are forgotten. */
  readonly forgetBefore: Date
}

/** The failures of an account, named by its digest; undefined when there are none. @throws ApiError 403. */
export async function findFailures(
  actor: Actor,
  db: Db,
  account: Buffer,
): Promise<SignInFailures | undefined> {
  authorize(actor, 'read', { type: 'system' })
  return db
    .selectFrom('sign_in_failures')
    .select(['failures', 'last_failure_at', 'delayed_until'])
    .where('account', '=', account)
    .executeTakeFirst()
}

/**
 * Counts a failure, and from some number on doubles the delay with each. Resolves to nothing when a delay is running
 * already: what comes during one is not looked at and does not count.
 *
 * @throws ApiError 403.
 */
export async function addFailure(
  actor: Actor,
  db: Db,
  account: Buffer,
  { now, free, minSeconds, maxSeconds, forgetBefore }: DelayPolicy,
): Promise<SignInFailures | undefined> {
  authorize(actor, 'update', { type: 'system' })
  const count = sql<number>`case when sign_in_failures.last_failure_at < ${forgetBefore} then 1 else sign_in_failures.failures + 1 end`
  return db
    .insertInto('sign_in_failures')
    .values({ account, failures: 1, last_failure_at: now })
    .onConflict((conflict) =>
      conflict
        .column('account')
        .doUpdateSet({
          failures: count,
          last_failure_at: now,
          delayed_until: sql<Date | null>`case when ${count} < ${free}::integer then null else
            ${now}::timestamptz + make_interval(secs => greatest(${minSeconds}::integer,
              least(${maxSeconds}::integer, power(2, least(${count} - ${free}::integer, 20))))) end`,
        })
        .where(
          sql<boolean>`(sign_in_failures.delayed_until is null or sign_in_failures.delayed_until <= ${now})`,
        ),
    )
    .returning(['failures', 'last_failure_at', 'delayed_until'])
    .executeTakeFirst()
}

/** Forgets the failures of an account; resolves to whether there were any. @throws ApiError 403. */
export async function deleteFailures(actor: Actor, db: Db, account: Buffer): Promise<boolean> {
  authorize(actor, 'delete', { type: 'system' })
  const { numDeletedRows } = await db
    .deleteFrom('sign_in_failures')
    .where('account', '=', account)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
