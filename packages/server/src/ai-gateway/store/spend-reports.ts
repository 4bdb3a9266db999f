import { type RawBuilder, type SqlBool, sql } from 'kysely'

import type { AIBudgetPolicy } from '@slipway/contract'
import { type Actor, authorize, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { BudgetGroup } from './budget-rows.ts'

/** What a group has spent, and may; millionths of a dollar. */
export interface GroupSpendRow {
  readonly id: string
  readonly current_spend_micros: number
  /** Of each member. */
  readonly spend_limit_micros: number | null
  /** Of all together. */
  readonly total_spend_limit_micros: number | null
}

/** What a member has spent at the expense of a group. */
export interface MemberSpendRow {
  readonly user_id: string
  readonly effective_group_id: string | null
  readonly effective_organization_id: string | null
  readonly spend_limit_micros: number | null
  readonly limit_source: 'user_override' | 'group' | null
  readonly group_spend_micros: number
}

/** Those of these groups of an organization that the actor may read, in the order of the ids (AG-116). */
export async function listGroupSpend(
  actor: Actor,
  db: Db,
  organizationId: string,
  groupIds: readonly string[],
  since: string,
): Promise<GroupSpendRow[]> {
  const readable = sqlFilter(actor, 'read', 'group', {
    id: sql.ref<string>('g.id'),
    organization: sql.ref<string>('g.organization_id'),
    groupAcl: sql`jsonb_build_object(g.id::text, '["read"]'::jsonb)`,
  })
  const { rows } = await sql<GroupSpendRow>`
    select g.id, ai_total_spend('group', g.id, ${since}::date) as current_spend_micros, b.spend_limit_micros,
           -- Null is left out of both. Of more members the sum may be more than a number of JavaScript holds.
           least(l.total_spend_limit_micros, b.spend_limit_micros * least(9000, (
             select count(*) from group_members_expanded m join users u on u.id = m.user_id
              where m.group_id = g.id and not u.deleted and not u.is_system))) as total_spend_limit_micros
      from groups g
      join organizations o on o.id = g.organization_id and not o.deleted
      left join group_ai_budgets b on b.group_id = g.id
      left join group_ai_limits l on l.group_id = g.id
     where g.organization_id = ${organizationId}::uuid and g.id = any(${[...groupIds]}::uuid[]) and ${readable}
     order by array_position(${[...groupIds]}::uuid[], g.id)`.execute(db)
  return rows
}

/** Those of these members of a group whom the actor may read, in the order of the ids (AG-116). */
export async function listMemberSpend(
  actor: Actor,
  db: Db,
  group: BudgetGroup,
  userIds: readonly string[],
  { policy, since }: { readonly policy: AIBudgetPolicy; readonly since: string },
): Promise<MemberSpendRow[]> {
  const readable: RawBuilder<SqlBool> = sql<SqlBool>`${sqlFilter(actor, 'read', 'group_member', {
    id: sql.ref<string>('u.id'),
    owner: sql.ref<string>('u.id'),
    organization: sql<string>`${group.organization_id}::uuid`,
  })}`
  const { rows } = await sql<MemberSpendRow>`
    select u.id as user_id, b.group_id as effective_group_id, b.organization_id as effective_organization_id,
           b.spend_limit_micros, b.limit_source,
           ai_user_spend(u.id, ${group.id}::uuid, false, ${since}::date) as group_spend_micros
      from users u
      join group_members_expanded m on m.user_id = u.id and m.group_id = ${group.id}::uuid
      left join lateral ai_budget_of(u.id, ${policy}) b on true
     where u.id = any(${[...userIds]}::uuid[]) and not u.deleted and not u.is_system and ${readable}
     order by array_position(${[...userIds]}::uuid[], u.id)`.execute(db)
  return rows
}

/** What one user has used of one model at the expense of one group. */
export interface SpendExportRow {
  readonly user_id: string
  readonly username: string
  readonly group_id: string
  readonly group_name: string
  readonly model: string
  readonly provider: string
  readonly provider_name: string
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly cost_micros: number
}

/** What an export is of, its end excluded. */
export interface SpendRange {
  readonly organizationId: string
  readonly start: Date
  readonly end: Date
}

/** What was used at the expense of groups of an organization, also of those that are gone. */
function usagesOf({ organizationId, start, end }: SpendRange): RawBuilder<unknown> {
  return sql`aibridge_token_usages t
      join (select id, name from groups where organization_id = ${organizationId}::uuid
            union all
            select group_id, name from ai_former_groups where organization_id = ${organizationId}::uuid) g
        on g.id = t.effective_group_id and t.created_at >= ${start} and t.created_at < ${end}
      join aibridge_interceptions i on i.id = t.interception_id
      join users u on u.id = i.initiator_id`
}

const sums = sql`
  coalesce(sum(t.input_tokens), 0)::bigint as input_tokens, coalesce(sum(t.output_tokens), 0)::bigint as output_tokens,
  coalesce(sum(t.cache_read_input_tokens), 0)::bigint as cache_read_tokens,
  coalesce(sum(t.cache_write_input_tokens), 0)::bigint as cache_write_tokens,
  coalesce(sum(t.cost_micros), 0)::bigint as cost_micros`

/**
 * Rows of an export behind the one that is given, in a stable order (AG-117).
 *
 * @throws ApiError 403 without `group_member:read` for the whole organization.
 */
export async function listSpendForExport(
  actor: Actor,
  db: Db,
  range: SpendRange,
  { after, limit }: { readonly after: SpendExportRow | undefined; readonly limit: number },
): Promise<SpendExportRow[]> {
  authorize(actor, 'read', { type: 'group_member', organization: range.organizationId })
  const behind =
    after === undefined
      ? sql`true`
      : sql`(i.initiator_id, g.id, i.provider, i.provider_name, i.model) >
            (${after.user_id}::uuid, ${after.group_id}::uuid, ${after.provider}, ${after.provider_name}, ${after.model})`
  const { rows } = await sql<SpendExportRow>`
    select i.initiator_id as user_id, u.username, g.id as group_id, g.name as group_name, i.model, i.provider,
           i.provider_name, ${sums}
      from ${usagesOf(range)}
     where ${behind}
     group by i.initiator_id, u.username, g.id, g.name, i.provider, i.provider_name, i.model
     order by i.initiator_id, g.id, i.provider, i.provider_name, i.model
     limit ${limit}`.execute(db)
  return rows
}

interface Used {
  readonly requests: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly cost_micros: number
  readonly unpriced_requests: number
}

/** What was used in an organization, by day, by model and by user. */
export interface DailySpend {
  readonly days: readonly (Used & { readonly day: string })[]
  readonly models: readonly (Used & { readonly provider_name: string; readonly model: string })[]
  readonly model_days: readonly {
    readonly day: string
    readonly provider_name: string
    readonly model: string
    readonly cost_micros: number
    readonly requests: number
  }[]
  readonly users: readonly (Used & {
    readonly user_id: string
    readonly username: string
    readonly name: string
    readonly avatar_url: string
  })[]
}

/**
 * What was used in an organization on each day; of models and users the dearest.
 *
 * @throws ApiError 403 without `group_member:read` for the whole organization.
 */
export async function sumDailySpend(
  actor: Actor,
  db: Db,
  range: SpendRange,
  top: number,
): Promise<DailySpend> {
  authorize(actor, 'read', { type: 'group_member', organization: range.organizationId })
  const added = sql`
    coalesce(sum(x.requests), 0)::bigint as requests, coalesce(sum(x.input_tokens), 0)::bigint as input_tokens,
    coalesce(sum(x.output_tokens), 0)::bigint as output_tokens,
    coalesce(sum(x.cache_read_tokens), 0)::bigint as cache_read_tokens,
    coalesce(sum(x.cache_write_tokens), 0)::bigint as cache_write_tokens,
    coalesce(sum(x.cost_micros), 0)::bigint as cost_micros,
    coalesce(sum(x.unpriced_requests), 0)::bigint as unpriced_requests`
  const { rows } = await sql<DailySpend>`
    with used as materialized (
      select (t.created_at at time zone 'UTC')::date as day, i.provider_name, i.model, i.initiator_id as user_id,
             count(distinct i.id) as requests,
             count(distinct i.id) filter (where t.cost_micros is null) as unpriced_requests, ${sums}
        from ${usagesOf(range)}
       group by 1, 2, 3, 4),
    days as (
      select d.day::date as day, ${added}
        from generate_series(${range.start}::timestamptz at time zone 'UTC',
               (${range.end}::timestamptz at time zone 'UTC') - interval '1 day', interval '1 day') d (day)
        left join used x on x.day = d.day::date
       group by 1),
    models as (
      select x.provider_name, x.model, ${added} from used x group by 1, 2
       order by sum(x.cost_micros) desc, sum(x.requests) desc, 1, 2 limit ${top}),
    users_ as (
      select x.user_id, u.username, u.name, u.avatar_url, ${added}
        from used x join users u on u.id = x.user_id group by 1, 2, 3, 4
       order by sum(x.cost_micros) desc, sum(x.requests) desc, 2 limit ${top}),
    model_days as (
      select x.day, x.provider_name, x.model, sum(x.cost_micros)::bigint as cost_micros, sum(x.requests)::bigint as requests
        from used x join models m using (provider_name, model) group by 1, 2, 3)
    select coalesce((select jsonb_agg(to_jsonb(d) order by d.day) from days d), '[]') as days,
           coalesce((select jsonb_agg(to_jsonb(m)) from models m), '[]') as models,
           coalesce((select jsonb_agg(to_jsonb(m) order by m.day, m.provider_name, m.model) from model_days m), '[]')
             as model_days,
           coalesce((select jsonb_agg(to_jsonb(u)) from users_ u), '[]') as users`.execute(db)
  const row = rows[0]
  if (row === undefined) throw new Error('the spend of an organization had no sum')
  return row
}

/**
 * How many users are refused because a budget is used up, theirs or one that they share, by the group that bears them;
 * only of those who have spent, or may not.
 */
export async function countBlockedUsers(
  actor: Actor,
  db: Db,
  { policy, since }: { readonly policy: AIBudgetPolicy; readonly since: string },
): Promise<ReadonlyMap<string, number>> {
  authorize(actor, 'read', { type: 'user' })
  const { rows } = await sql<{ group_id: string; users: number }>`
    with used_up as materialized (
      select l.group_id as id from group_ai_limits l
       where ai_total_spend('group', l.group_id, ${since}::date) >= l.total_spend_limit_micros),
    used_up_by_all as materialized (
      select o.organization_id as id from organization_ai_budgets o
       where ai_total_spend('organization', o.organization_id, ${since}::date) >= o.spend_limit_micros),
    candidates as (
      select s.user_id from ai_user_daily_spend s where s.day >= ${since}::date
      union select o.user_id from user_ai_budget_overrides o where o.spend_limit_micros = 0
      union select e.user_id from group_ai_budgets b join group_members_expanded e on e.group_id = b.group_id
             where b.spend_limit_micros = 0
      union select e.user_id from used_up t join group_members_expanded e on e.group_id = t.id
      union select m.user_id from used_up_by_all t join organization_members m on m.organization_id = t.id)
    select b.group_id, count(*)::int as users
      from candidates c
      join users u on u.id = c.user_id and not u.deleted and not u.is_system and u.status <> 'suspended'
      cross join lateral ai_budget_of(c.user_id, ${policy}) b
     where (ai_user_spend(c.user_id, b.group_id, ${policy} = 'sum' and b.limit_source = 'group', ${since}::date)
              >= b.spend_limit_micros
            or b.group_id in (select id from used_up) or b.organization_id in (select id from used_up_by_all))
       and (exists (select from group_ai_budgets) or exists (select from user_ai_budget_overrides)
            or exists (select from used_up) or exists (select from used_up_by_all))
     group by 1`.execute(db)
  return new Map(rows.map(({ group_id, users }) => [group_id, users]))
}
