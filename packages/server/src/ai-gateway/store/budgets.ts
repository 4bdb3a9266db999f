import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** Where a user stands in a period. */
export interface SpendStatus {
  /** The group that bears what they spend; undefined for a user without an organization. */
  readonly groupId: string | undefined
  /** Millionths of a dollar; undefined without a budget, which is no limit. */
  readonly limitMicros: number | undefined
  readonly limitSource: 'user_override' | 'group' | undefined
  /** What the group has borne for the user since the period began; millionths of a dollar. */
  readonly spendMicros: number
}

/** Whom requests to models are made for. */
export interface Initiator {
  readonly username: string
  /** Neither suspended nor deleted, and a person or a service. */
  readonly live: boolean
  readonly spend: SpendStatus
}

/**
 * A user and where they stand now (AG-111, AG-113); undefined for one who does not exist.
 *
 * @param since first day of the period, as `2026-11-01`.
 * @throws ApiError 403 without the right to read the user.
 */
export async function findInitiator(
  actor: Actor,
  db: Db,
  userId: string,
  since: string,
): Promise<Initiator | undefined> {
  authorize(actor, 'read', { type: 'user', id: userId, owner: userId })
  const { rows } = await sql<{
    username: string
    live: boolean
    group_id: string | null
    spend_limit_micros: number | null
    limit_source: 'user_override' | 'group' | null
    spend_micros: number
  }>`
    select u.username, u.status <> 'suspended' and not u.deleted and not u.is_system as live,
           b.group_id, b.spend_limit_micros, b.limit_source,
           coalesce((select sum(s.spend_micros) from ai_user_daily_spend s
                      where s.user_id = u.id and s.effective_group_id = b.group_id
                        and s.day >= ${since}::date), 0)::bigint as spend_micros
      from users u left join lateral ai_effective_budget(u.id) b on true
     where u.id = ${userId}`.execute(db)
  const row = rows[0]
  if (row === undefined) return undefined
  return {
    username: row.username,
    live: row.live,
    spend: {
      groupId: row.group_id ?? undefined,
      limitMicros: row.spend_limit_micros ?? undefined,
      limitSource: row.limit_source ?? undefined,
      spendMicros: row.spend_micros,
    },
  }
}
