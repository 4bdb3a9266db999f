import { type Static, Type } from 'typebox'

import { AIBudgetLimit } from './ai-gateway.ts'
import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'AI Gateway'

const IntegerOrNull = Type.Union([Type.Integer(), Type.Null()])

/** What the spend of a group is measured against; millionths of a dollar. */
const groupSpend = {
  group_id: Uuid,
  /** What all members have spent in the period. */
  current_spend_micros: Type.Integer(),
  /** What each member may spend; null without a budget. */
  spend_limit_micros: IntegerOrNull,
  /** What all members together may spend; null where nothing limits them. */
  total_spend_limit_micros: IntegerOrNull,
}

/** The period that spend is of, its end excluded. */
const period = { period_start: Time, period_end: Time }

/** What a group has spent in this period (AG-116). */
export const GroupAISpend = Type.Object({ ...groupSpend, ...period })
export type GroupAISpend = Static<typeof GroupAISpend>

/** What a member has spent at the expense of a group. */
export const GroupMemberAISpend = Type.Object({
  user_id: Uuid,
  /** The group that bears what the member spends now; null without one, and for a group of another organization. */
  effective_group_id: Type.Union([Uuid, Type.Null()]),
  /** What the member may spend at the expense of the group that was asked for; null where another one bears it, or without a limit. */
  group_budget: Type.Union([AIBudgetLimit, Type.Null()]),
  group_spend_micros: Type.Integer(),
})
export type GroupMemberAISpend = Static<typeof GroupMemberAISpend>

/** Those of the members that were asked for whom the caller may read. */
export const GroupMembersAISpend = Type.Object({ members: Type.Array(GroupMemberAISpend), ...period })
export type GroupMembersAISpend = Static<typeof GroupMembersAISpend>

/** What a group of an organization has spent. */
export const OrganizationGroupAISpend = Type.Object(groupSpend)
export type OrganizationGroupAISpend = Static<typeof OrganizationGroupAISpend>

/** Those of the groups that were asked for which the caller may read. */
export const OrganizationGroupsAISpend = Type.Object({
  groups: Type.Array(OrganizationGroupAISpend),
  ...period,
})
export type OrganizationGroupsAISpend = Static<typeof OrganizationGroupsAISpend>

/** Tokens and their cost; millionths of a dollar. Requests to models without a price count, but cost nothing known. */
const usage = {
  requests: Type.Integer(),
  input_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  cache_read_tokens: Type.Integer(),
  cache_write_tokens: Type.Integer(),
  cost_micros: Type.Integer(),
  /** Requests whose cost is unknown. */
  unpriced_requests: Type.Integer(),
}

/** What an organization has spent on models, for charts; days are those of UTC. */
export const OrganizationAISpendDaily = Type.Object({
  organization_id: Uuid,
  ...period,
  /** One for each day that has passed or is under way, the oldest first, also where nothing was spent. */
  days: Type.Array(Type.Object({ day: Type.String({ format: 'date' }), ...usage })),
  /** The dearest first. */
  models: Type.Array(
    Type.Object({
      provider_name: Type.String(),
      model: Type.String(),
      ...usage,
    }),
  ),
  /** What each model cost on each day, for those of `models`; days without any are left out. */
  model_days: Type.Array(
    Type.Object({
      day: Type.String({ format: 'date' }),
      provider_name: Type.String(),
      model: Type.String(),
      cost_micros: Type.Integer(),
      requests: Type.Integer(),
    }),
  ),
  /** Who spent most, the dearest first. */
  users: Type.Array(
    Type.Object({
      user_id: Uuid,
      username: Type.String(),
      name: Type.String(),
      avatar_url: Type.String(),
      ...usage,
    }),
  ),
})
export type OrganizationAISpendDaily = Static<typeof OrganizationAISpendDaily>

const userIds = Type.Object({ user_ids: Type.Optional(Type.String({ maxLength: 16_384 })) })

export const getGroupAISpend = route('GET /api/v2/groups/{group}/ai/spend', {
  id: 'get-group-ai-spend',
  tag,
  responses: { 200: GroupAISpend },
})

export const getGroupMembersAISpend = route('GET /api/v2/groups/{group}/members/ai/spend', {
  id: 'get-group-members-ai-spend',
  tag,
  query: userIds,
  responses: { 200: GroupMembersAISpend },
})

export const getOrganizationGroupsAISpend = route(
  'GET /api/v2/organizations/{organization}/groups/ai/spend',
  {
    id: 'get-organization-groups-ai-spend',
    tag,
    query: Type.Object({ group_ids: Type.Optional(Type.String({ maxLength: 16_384 })) }),
    responses: { 200: OrganizationGroupsAISpend },
  },
)

export const getGroupMembersAISpendByOrganization = route(
  'GET /api/v2/organizations/{organization}/groups/{groupName}/members/ai/spend',
  {
    id: 'get-group-members-ai-spend-by-organization',
    tag,
    query: userIds,
    responses: { 200: GroupMembersAISpend },
  },
)

/** CSV; both times or none, RFC 3339 (AG-117). */
export const exportOrganizationAISpend = route('GET /api/v2/organizations/{organization}/ai/spend/export', {
  id: 'export-organization-ai-spend-as-csv',
  tag,
  query: Type.Object({
    period_start: Type.Optional(Type.String({ maxLength: 64 })),
    period_end: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  responses: { 200: null },
  stream: 'bytes',
})

export const getOrganizationAISpendDaily = route('GET /api/v2/organizations/{organization}/ai/spend/daily', {
  id: 'get-organization-ai-spend-daily',
  tag,
  query: Type.Object({
    /** Today and those before it; 30 unless it is said. */
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 92 })),
    /** Models and users that are named at most; 20 unless it is said. */
    top: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  }),
  responses: { 200: OrganizationAISpendDaily },
})
