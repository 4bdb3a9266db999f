import { sql } from 'kysely'

import type { AIBudgetPolicy } from '@slipway/contract'
import type { KeyLimits } from '../../ai-governance/index.ts'
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

/** A budget that a user shares with others, or that their token has (AG-B8, AG-B14). */
export interface FurtherBudget {
  readonly of: 'group' | 'organization' | 'key'
  readonly limitMicros: number
  readonly spendMicros: number
}

/** Whom requests to models are made for. */
export interface Initiator {
  readonly username: string
  /** Neither suspended nor deleted, and a person or a service. */
  readonly live: boolean
  /** All groups of the user, with those of all members of their organizations. */
  readonly groupIds: readonly string[]
  readonly organizationIds: readonly string[]
  /** What the token that is asked with may do; undefined for one without limits. */
  readonly keyLimits: KeyLimits | undefined
  readonly spend: SpendStatus
  readonly furtherBudgets: readonly FurtherBudget[]
  /** Who has used up the tokens of this minute; undefined while nobody has (AG-B12). */
  readonly tokensUsedUpBy: 'group' | 'user' | 'key' | undefined
  /** Whether anything limits what the user or the token may spend or use. */
  readonly isLimited: boolean
}

/** By what a user is measured. */
export interface Measure {
  /** Which of several budgets counts. */
  readonly policy: AIBudgetPolicy
  /** First days of the budgets' period and of the month, as `2026-11-01`. */
  readonly since: string
  readonly month: string
  /** When this minute began. */
  readonly minute: Date
  /** The token that is asked with. */
  readonly apiKeyId: string | undefined
}

interface InitiatorRow {
  readonly username: string
  readonly live: boolean
  readonly group_ids: string[]
  readonly organization_ids: string[]
  readonly group_id: string | null
  readonly spend_limit_micros: number | null
  readonly limit_source: 'user_override' | 'group' | null
  readonly spend_micros: number
  readonly group_limit: number | null
  readonly group_spend: number
  readonly organization_limit: number | null
  readonly organization_spend: number
  readonly used_up: 'group' | 'user' | null
  readonly rate_limited: boolean
  readonly key_limited: boolean
  readonly key_providers: string[] | null
  readonly key_models: string[] | null
  readonly key_limit: number | null
  readonly key_rate: number | null
  readonly key_tokens: number | null
  readonly key_spend: number
  readonly key_used: number
}

/**
 * A user and where they stand now (AG-111, AG-113); undefined for one who does not exist.
 *
 * @throws ApiError 403 without the right to read the user.
 */
export async function findInitiator(
  actor: Actor,
  db: Db,
  userId: string,
  { policy, since, month, minute, apiKeyId = '' }: Measure,
): Promise<Initiator | undefined> {
  authorize(actor, 'read', { type: 'user', id: userId, owner: userId })
  const { rows } = await sql<InitiatorRow>`
    select u.username, u.status <> 'suspended' and not u.deleted and not u.is_system as live,
           array(select e.group_id from group_members e
                   join groups g on g.id = e.group_id
                   join organizations o on o.id = g.organization_id and not o.deleted
                  where e.user_id = u.id) as group_ids,
           array(select m.organization_id from organization_members m
                   join organizations o on o.id = m.organization_id and not o.deleted
                  where m.user_id = u.id) as organization_ids,
           b.group_id, b.spend_limit_micros, b.limit_source,
           coalesce((select sum(s.spend_micros) from ai_user_daily_spend s
                      where s.user_id = u.id and s.day >= ${since}::date
                        and (s.effective_group_id = b.group_id or ${policy} = 'sum' and b.limit_source = 'group')),
                    0)::bigint as spend_micros,
           l.total_spend_limit_micros as group_limit,
           case when l.total_spend_limit_micros is not null
             then ai_total_spend('group', b.group_id, ${since}::date) else 0 end as group_spend,
           o.spend_limit_micros as organization_limit,
           case when o.spend_limit_micros is not null
             then ai_total_spend('organization', b.organization_id, ${since}::date) else 0 end as organization_spend,
           -- Functions, so that where nobody is limited not even their plans are made.
           case when exists (select from group_ai_limits) then ai_tokens_used_up(u.id, ${minute}::timestamptz) end
             as used_up,
           exists (select 1 from group_ai_limits r
                     join group_members_expanded e on e.group_id = r.group_id and e.user_id = u.id) as rate_limited,
           k.api_key_id is not null as key_limited, k.providers as key_providers, k.models as key_models,
           k.monthly_spend_limit_micros as key_limit, k.requests_per_second as key_rate,
           k.tokens_per_minute as key_tokens,
           case when k.monthly_spend_limit_micros is not null
             then ai_key_spend(k.api_key_id, ${month}::date) else 0 end as key_spend,
           case when k.tokens_per_minute is not null
             then ai_key_tokens(k.api_key_id, ${minute}::timestamptz) else 0 end as key_used
      from users u
      left join lateral ai_budget_of(u.id, ${policy}) b on true
      left join group_ai_limits l on l.group_id = b.group_id
      left join organization_ai_budgets o on o.organization_id = b.organization_id
      left join api_key_ai_limits k on k.api_key_id = ${apiKeyId}
     where u.id = ${userId}`.execute(db)
  const row = rows[0]
  return row === undefined ? undefined : initiatorOf(row)
}

function initiatorOf(row: InitiatorRow): Initiator {
  return {
    username: row.username,
    live: row.live,
    // Everybody belongs to the group that bears the id of the organization.
    groupIds: [...row.organization_ids, ...row.group_ids],
    organizationIds: row.organization_ids,
    keyLimits: row.key_limited
      ? {
          providers: row.key_providers ?? undefined,
          models: row.key_models ?? undefined,
          monthlySpendLimitMicros: row.key_limit ?? undefined,
          requestsPerSecond: row.key_rate ?? undefined,
          tokensPerMinute: row.key_tokens ?? undefined,
        }
      : undefined,
    spend: {
      groupId: row.group_id ?? undefined,
      limitMicros: row.spend_limit_micros ?? undefined,
      limitSource: row.limit_source ?? undefined,
      spendMicros: row.spend_micros,
    },
    furtherBudgets: [
      ...further('group', row.group_limit, row.group_spend),
      ...further('organization', row.organization_limit, row.organization_spend),
      ...further('key', row.key_limit, row.key_spend),
    ],
    isLimited:
      row.key_limited ||
      row.rate_limited ||
      row.spend_limit_micros !== null ||
      row.organization_limit !== null,
    tokensUsedUpBy:
      row.key_tokens !== null && row.key_used >= row.key_tokens ? 'key' : (row.used_up ?? undefined),
  }
}

function further(
  of: FurtherBudget['of'],
  limitMicros: number | null,
  spendMicros: number,
): readonly FurtherBudget[] {
  return limitMicros === null ? [] : [{ of, limitMicros, spendMicros }]
}
