import { sql } from 'kysely'

import type { AIBudgetPolicy } from '@slipway/contract'
import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** What a request may use at most, and by what that is measured. */
export interface NewReservation {
  readonly interceptionId: string
  readonly userId: string
  readonly apiKeyId: string | undefined
  readonly policy: AIBudgetPolicy
  /** First days of the budgets' period and of the month. */
  readonly since: string
  readonly month: string
  /** Types of providers and models that it may go to, by which prices are known; the first is asked first. */
  readonly models: readonly { readonly providerType: string; readonly model: string }[]
  /** Tokens. */
  readonly input: number
  readonly output: number
  readonly setsAside: boolean
  readonly refusesUnpriced: boolean
  readonly now: Date
  readonly expiresAt: Date
}

/** Whether it was set aside. */
export type ReservationOutcome =
  /** There is no budget, or nothing to set aside. Of the models those are named whose price is not known, by index. */
  | { readonly kind: 'unlimited' | 'reserved'; readonly unpriced: readonly number[] }
  | { readonly kind: 'unpriced' }
  | {
      readonly kind: 'exceeded'
      readonly of: 'user' | 'group' | 'organization' | 'key'
      readonly limitMicros: number
    }

/** Sets aside what a request may cost, unless a budget would be overshot (AG-B14). @throws ApiError 403. */
export async function insertReservation(
  actor: Actor,
  db: Db,
  wanted: NewReservation,
): Promise<ReservationOutcome> {
  authorize(actor, 'create', { type: 'aibridge_interception', owner: wanted.userId })
  const types = wanted.models.map(({ providerType }) => providerType)
  const models = wanted.models.map(({ model }) => model)
  const { rows } = await sql<{
    refusal: 'unpriced' | 'user' | 'group' | 'organization' | 'key' | null
    limit_micros: number | null
    amount_micros: number
    unpriced: number[] | null
  }>`select * from ai_reserve_spend(
      ${wanted.interceptionId}::uuid, ${wanted.userId}::uuid, ${wanted.apiKeyId ?? null}::text, ${wanted.policy},
      ${wanted.since}::date, ${wanted.month}::date, ${types}::text[], ${models}::text[],
      ${wanted.input}::bigint, ${wanted.output}::bigint, ${wanted.setsAside}::boolean,
      ${wanted.refusesUnpriced}::boolean, ${wanted.now}::timestamptz, ${wanted.expiresAt}::timestamptz)`.execute(
    db,
  )
  const row = rows[0]
  if (row === undefined) throw new Error('a reservation had no outcome')
  const { refusal, limit_micros, amount_micros, unpriced } = row
  if (refusal === null)
    return {
      kind: amount_micros > 0 ? 'reserved' : 'unlimited',
      unpriced: (unpriced ?? []).map((place) => place - 1),
    }
  if (refusal === 'unpriced') return { kind: 'unpriced' }
  return { kind: 'exceeded', of: refusal, limitMicros: limit_micros ?? 0 }
}

/** Gives back what is set aside for a request. @throws ApiError 403. */
export async function deleteReservation(
  actor: Actor,
  db: Db,
  { interceptionId, userId }: { readonly interceptionId: string; readonly userId: string },
): Promise<void> {
  authorize(actor, 'update', { type: 'aibridge_interception', owner: userId })
  await db.deleteFrom('ai_spend_reservations').where('interception_id', '=', interceptionId).execute()
}
