import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'
import { MinimalUser } from './template-versions.ts'

const tag = 'AI Gateway'

const Micros = Type.Union([Type.Integer(), Type.Null()])

/** Whether a price came with the release or was set by the deployment, whose price wins (AG-108). */
export const AIModelPriceSource = Type.Enum(['default', 'custom'])
export type AIModelPriceSource = Static<typeof AIModelPriceSource>

/** Millionths of a dollar for a million tokens; null is unknown, 0 is free (AG-108). */
export const AIModelPrice = Type.Object({
  provider: Type.String(),
  model: Type.String(),
  source: AIModelPriceSource,
  input_price: Micros,
  output_price: Micros,
  cache_read_price: Micros,
  cache_write_price: Micros,
  created_at: Time,
  updated_at: Time,
})
export type AIModelPrice = Static<typeof AIModelPrice>

const price = Type.Optional(Type.Union([Type.Number(), Type.Null()]))

/** All four prices are given; which values are allowed says AG-109. */
export const AIModelPriceUpsert = Type.Object({
  provider: Type.Optional(Type.String({ maxLength: 1024 })),
  model: Type.Optional(Type.String({ maxLength: 1024 })),
  input_price: price,
  output_price: price,
  cache_read_price: price,
  cache_write_price: price,
})
export type AIModelPriceUpsert = Static<typeof AIModelPriceUpsert>

export const UpsertAIModelPricesRequest = Type.Object({ prices: Type.Array(AIModelPriceUpsert) })
export type UpsertAIModelPricesRequest = Static<typeof UpsertAIModelPricesRequest>

/** Where a limit comes from. */
export const AIBudgetLimitSource = Type.Enum(['user_override', 'group'])
export type AIBudgetLimitSource = Static<typeof AIBudgetLimitSource>

export const AIBudgetLimit = Type.Object({
  spend_limit_micros: Type.Integer(),
  limit_source: AIBudgetLimitSource,
})
export type AIBudgetLimit = Static<typeof AIBudgetLimit>

/** What each member of a group may spend in a month; millionths of a dollar (AG-112). */
export const GroupAIBudget = Type.Object({
  group_id: Uuid,
  spend_limit_micros: Type.Integer(),
  created_at: Time,
  updated_at: Time,
})
export type GroupAIBudget = Static<typeof GroupAIBudget>

const limit = Type.Optional(Type.Number())

export const UpsertGroupAIBudgetRequest = Type.Object({ spend_limit_micros: limit })
export type UpsertGroupAIBudgetRequest = Static<typeof UpsertGroupAIBudgetRequest>

/** What one user may spend instead, charged to that group (AG-115). */
export const UserAIBudgetOverride = Type.Object({
  user_id: Uuid,
  group_id: Uuid,
  spend_limit_micros: Type.Integer(),
  created_at: Time,
  updated_at: Time,
})
export type UserAIBudgetOverride = Static<typeof UserAIBudgetOverride>

export const UpsertUserAIBudgetOverrideRequest = Type.Object({ group_id: Uuid, spend_limit_micros: limit })
export type UpsertUserAIBudgetOverrideRequest = Static<typeof UpsertUserAIBudgetOverrideRequest>

const period = { period_start: Time, period_end: Time }

/** Where a user stands in this month (AG-116). */
export const UserAISpendStatus = Type.Object({
  user_id: Uuid,
  /** Null without an organization. */
  effective_group_id: Type.Union([Uuid, Type.Null()]),
  /** Null without a limit. */
  effective_budget: Type.Union([AIBudgetLimit, Type.Null()]),
  current_spend_micros: Type.Integer(),
  ...period,
})
export type UserAISpendStatus = Static<typeof UserAISpendStatus>

/** Tokens of a session by kind. */
export const AIBridgeSessionTokenUsageSummary = Type.Object({
  input_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  cache_read_input_tokens: Type.Integer(),
  cache_write_input_tokens: Type.Integer(),
})
export type AIBridgeSessionTokenUsageSummary = Static<typeof AIBridgeSessionTokenUsageSummary>

const Metadata = Type.Record(Type.String(), Type.Unknown())

/** Requests of one user that belong together (AG-89, AG-90). */
export const AIBridgeSession = Type.Object({
  id: Type.String(),
  initiator: MinimalUser,
  client: Type.String(),
  providers: Type.Array(Type.String()),
  models: Type.Array(Type.String()),
  metadata: Metadata,
  started_at: Time,
  ended_at: Time,
  last_active_at: Time,
  threads: Type.Integer(),
  token_usage_summary: AIBridgeSessionTokenUsageSummary,
  /** Millionths of a dollar of what has a price; null where nothing has. */
  cost_micros: Type.Union([Type.Integer(), Type.Null()]),
  /** Of long prompts the beginning. */
  last_prompt: Type.Optional(Type.String()),
  /** Left out unless the session passed the firewall of agents. */
  network_calls: Type.Optional(Type.Object({ total: Type.Integer(), blocked: Type.Integer() })),
})
export type AIBridgeSession = Static<typeof AIBridgeSession>

export const AIBridgeListSessionsResponse = Type.Object({
  /** Up to one more than `count_cap`: there may be more then. */
  count: Type.Integer(),
  count_cap: Type.Integer(),
  sessions: Type.Array(AIBridgeSession),
})
export type AIBridgeListSessionsResponse = Static<typeof AIBridgeListSessionsResponse>

export const listAIModelPrices = route('GET /api/experimental/ai/model-prices', {
  id: 'list-ai-model-prices',
  tag,
  query: Type.Object({
    provider: Type.Optional(Type.String({ maxLength: 64 })),
    model: Type.Optional(Type.String({ maxLength: 256 })),
    source: Type.Optional(Type.Enum(['default', 'custom', 'all'])),
  }),
  responses: { 200: Type.Array(AIModelPrice) },
})

export const upsertAIModelPrices = route('POST /api/experimental/ai/model-prices', {
  id: 'upsert-ai-model-prices',
  tag,
  body: UpsertAIModelPricesRequest,
  responses: { 204: null },
})

/** Takes away the price that the deployment has set; that of the release counts again, where there is one (AG-108). */
export const deleteAIModelPrice = route('DELETE /api/experimental/ai/model-prices', {
  id: 'delete-ai-model-price',
  tag,
  query: Type.Object({
    provider: Type.String({ maxLength: 64 }),
    model: Type.String({ maxLength: 256 }),
  }),
  responses: { 204: null },
})

/** A price that a model has got, or lost, and from whom (AG-108). */
export const AIModelPriceChange = Type.Object({
  id: Uuid,
  changed_at: Time,
  /** Null for what the release has brought. */
  changed_by: Type.Union([MinimalUser, Type.Null()]),
  provider: Type.String(),
  model: Type.String(),
  source: AIModelPriceSource,
  /** Whether it was taken away; then the prices are those that it had. */
  removed: Type.Boolean(),
  input_price: Micros,
  output_price: Micros,
  cache_read_price: Micros,
  cache_write_price: Micros,
})
export type AIModelPriceChange = Static<typeof AIModelPriceChange>

/** What has changed of prices, the latest in front. */
export const listAIModelPriceChanges = route('GET /api/experimental/ai/model-prices/changes', {
  id: 'list-ai-model-price-changes',
  tag,
  query: Type.Object({
    provider: Type.Optional(Type.String({ maxLength: 64 })),
    model: Type.Optional(Type.String({ maxLength: 256 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 })),
  }),
  responses: { 200: Type.Array(AIModelPriceChange) },
})

export const getGroupAIBudget = route('GET /api/v2/groups/{group}/ai/budget', {
  id: 'get-group-ai-budget',
  tag,
  responses: { 200: GroupAIBudget },
})

export const upsertGroupAIBudget = route('PUT /api/v2/groups/{group}/ai/budget', {
  id: 'upsert-group-ai-budget',
  tag,
  body: UpsertGroupAIBudgetRequest,
  responses: { 200: GroupAIBudget },
})

export const deleteGroupAIBudget = route('DELETE /api/v2/groups/{group}/ai/budget', {
  id: 'delete-group-ai-budget',
  tag,
  responses: { 204: null },
})

export const getUserAIBudgetOverride = route('GET /api/v2/users/{user}/ai/budget/override', {
  id: 'get-user-ai-budget-override',
  tag,
  responses: { 200: UserAIBudgetOverride },
})

export const upsertUserAIBudgetOverride = route('PUT /api/v2/users/{user}/ai/budget/override', {
  id: 'upsert-user-ai-budget-override',
  tag,
  body: UpsertUserAIBudgetOverrideRequest,
  responses: { 200: UserAIBudgetOverride },
})

export const deleteUserAIBudgetOverride = route('DELETE /api/v2/users/{user}/ai/budget/override', {
  id: 'delete-user-ai-budget-override',
  tag,
  responses: { 204: null },
})

export const getUserAISpend = route('GET /api/v2/users/{user}/ai/spend', {
  id: 'get-user-ai-spend',
  tag,
  responses: { 200: UserAISpendStatus },
})

const sessionsQuery = Type.Object({
  q: Type.Optional(Type.String({ maxLength: 4096 })),
  limit: Type.Optional(Type.Integer()),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 })),
  after_session_id: Type.Optional(Type.String({ maxLength: 256 })),
  /** Whose session that is; needed where several users have one of that id. */
  after_initiator_id: Type.Optional(Type.String({ maxLength: 36 })),
})

export const listAIGatewaySessions = route('GET /api/v2/ai-gateway/sessions', {
  id: 'list-ai-gateway-sessions',
  tag,
  query: sessionsQuery,
  responses: { 200: AIBridgeListSessionsResponse },
})

const namesQuery = Type.Object({
  q: Type.Optional(Type.String({ maxLength: 1024 })),
  limit: Type.Optional(Type.Integer()),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 })),
})

export const listAIGatewayModels = route('GET /api/v2/ai-gateway/models', {
  id: 'list-ai-gateway-models',
  tag,
  query: namesQuery,
  responses: { 200: Type.Array(Type.String()) },
})

export const listAIGatewayClients = route('GET /api/v2/ai-gateway/clients', {
  id: 'list-ai-gateway-clients',
  tag,
  query: namesQuery,
  responses: { 200: Type.Array(Type.String()) },
})
