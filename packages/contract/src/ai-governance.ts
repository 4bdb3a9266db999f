import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'AI Governance'

const Micros = Type.Integer({ minimum: 0, maximum: 1_000_000_000_000 })
const Tokens = Type.Integer({ minimum: 0, maximum: 1_000_000_000_000 })
/** Null is no limit. */
const orNoLimit = <Limit extends typeof Micros>(limit: Limit) => Type.Union([limit, Type.Null()])
/** `*` stands for any characters; with a slash the part before it is the name of a provider. */
const ModelGlob = Type.String({ minLength: 1, maxLength: 256 })
const ProviderName = Type.String({ minLength: 1, maxLength: 64 })
const ModelName = Type.String({ minLength: 1, maxLength: 256 })

/** After which time budgets begin anew; days, weeks (from Monday) and months of UTC (AG-B14). */
export const AIBudgetPeriod = Type.Enum(['day', 'week', 'month', 'none'])
export type AIBudgetPeriod = Static<typeof AIBudgetPeriod>

/** Which budget counts for a user with several (AG-B14). */
export const AIBudgetPolicy = Type.Enum(['highest', 'lowest', 'sum'])
export type AIBudgetPolicy = Static<typeof AIBudgetPolicy>

/** What happens to prompts that hold secrets (AG-B17). */
export const AISecretGuardrail = Type.Enum(['off', 'flag', 'redact', 'block'])
export type AISecretGuardrail = Static<typeof AISecretGuardrail>

/** How finished interceptions are sent: JSON to a webhook, OTLP logs to a collector, objects to a bucket of S3 (AG-B23). */
export const AIExportFormat = Type.Enum(['json', 'otlp', 's3'])
export type AIExportFormat = Static<typeof AIExportFormat>

/** What is asked before a provider is (AG-B17). */
export const AIGuardrails = Type.Object({
  secrets: AISecretGuardrail,
  /** Regular expressions beside the built-in ones, of the kind that needs linear time. */
  patterns: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { maxItems: 64 }),
  /** Asked before each request; empty for none. */
  webhook_url: Type.String({ maxLength: 2048 }),
  webhook_timeout_ms: Type.Integer({ minimum: 10, maximum: 300 }),
  /** Whether requests go on when the webhook does not answer. */
  webhook_fail_open: Type.Boolean(),
  /** Whether requests to the webhook are signed. */
  webhook_secret_set: Type.Boolean(),
})
export type AIGuardrails = Static<typeof AIGuardrails>

/** Settings of the gateway that hold for the whole deployment; effective at once on all replicas. */
export const AIGatewaySettings = Type.Object({
  budget_period: AIBudgetPeriod,
  budget_policy: AIBudgetPolicy,
  /** Whether requests beyond a budget are refused, or only warned of in a header. */
  budget_enforced: Type.Boolean(),
  /** Whether what a request may cost at most is set aside before it, so that no budget is overshot. */
  budget_reservations: Type.Boolean(),
  /** Whether models without a price are refused to users with a budget (AG-B15). */
  block_unpriced_models: Type.Boolean(),
  /** Requests of one user at the same time on a replica; 0 is no limit (AG-B13). */
  max_concurrency_per_user: Type.Integer({ minimum: 0, maximum: 100_000 }),
  /** Requests that wait for a place, and for how long, before they are refused. */
  queue_length: Type.Integer({ minimum: 0, maximum: 10_000 }),
  queue_timeout_ms: Type.Integer({ minimum: 0, maximum: 60_000 }),
  /** Whether metrics tell users apart (AG-B21). */
  initiator_label: Type.Boolean(),
  guardrails: AIGuardrails,
  /** Whether requests go on while they cannot be recorded; they are recorded later (AG-B23). */
  record_fail_open: Type.Boolean(),
  /** Where finished interceptions are sent; empty for none (AG-B23). */
  export_webhook_url: Type.String({ maxLength: 2048 }),
  export_format: AIExportFormat,
  export_webhook_secret_set: Type.Boolean(),
  /** Whether `traceparent` reaches providers (AG-B22). */
  trace_upstream: Type.Boolean(),
  updated_at: Type.Union([Time, Type.Null()]),
})
export type AIGatewaySettings = Static<typeof AIGatewaySettings>

/** What is left out stays as it is; an empty secret goes. */
export const UpdateAIGatewaySettingsRequest = Type.Partial(
  Type.Object({
    ...Type.Omit(AIGatewaySettings, ['guardrails', 'export_webhook_secret_set', 'updated_at']).properties,
    guardrails: Type.Partial(
      Type.Object({
        ...Type.Omit(AIGuardrails, ['webhook_secret_set']).properties,
        webhook_secret: Type.String({ maxLength: 512 }),
      }),
    ),
    export_webhook_secret: Type.String({ maxLength: 512 }),
  }),
)
export type UpdateAIGatewaySettingsRequest = Static<typeof UpdateAIGatewaySettingsRequest>

const policyFields = {
  /** Empty allows every model, or says nothing where there is nothing but aliases. */
  allow: Type.Array(ModelGlob, { maxItems: 256 }),
  /** Wins over what is allowed. */
  deny: Type.Array(ModelGlob, { maxItems: 256 }),
  /** Names that clients may use for models. */
  aliases: Type.Record(ModelName, ModelName),
}

/** Which models members of a group may use (AG-B9). Members of several groups may use what any of them allows and none denies. */
export const GroupAIModelPolicy = Type.Object({
  group_id: Uuid,
  ...policyFields,
  created_at: Time,
  updated_at: Time,
})
export type GroupAIModelPolicy = Static<typeof GroupAIModelPolicy>

export const UpsertGroupAIModelPolicyRequest = Type.Partial(Type.Object(policyFields))
export type UpsertGroupAIModelPolicyRequest = Static<typeof UpsertGroupAIModelPolicyRequest>

const limitFields = {
  /** What all members spend together in a budget period. */
  total_spend_limit_micros: orNoLimit(Micros),
  /** What all members use together in a minute. */
  tokens_per_minute: orNoLimit(Tokens),
  member_tokens_per_minute: orNoLimit(Tokens),
}

/** Limits of a group beside its budget (AG-B12, AG-B14). */
export const GroupAILimits = Type.Object({
  group_id: Uuid,
  ...limitFields,
  created_at: Time,
  updated_at: Time,
})
export type GroupAILimits = Static<typeof GroupAILimits>

export const UpsertGroupAILimitsRequest = Type.Partial(Type.Object(limitFields))
export type UpsertGroupAILimitsRequest = Static<typeof UpsertGroupAILimitsRequest>

/** What an organization has set for AI, for its administrators at one glance. */
export const OrganizationAIGovernance = Type.Object({
  organization_id: Uuid,
  /** Null without a budget. */
  spend_limit_micros: orNoLimit(Micros),
  groups: Type.Array(
    Type.Object({
      group_id: Uuid,
      model_policy: Type.Union([GroupAIModelPolicy, Type.Null()]),
      limits: Type.Union([GroupAILimits, Type.Null()]),
      budget_micros: orNoLimit(Micros),
    }),
  ),
})
export type OrganizationAIGovernance = Static<typeof OrganizationAIGovernance>

/** What all members of an organization may spend together in a budget period (AG-B14). */
export const OrganizationAIBudget = Type.Object({
  organization_id: Uuid,
  spend_limit_micros: Micros,
  created_at: Time,
  updated_at: Time,
})
export type OrganizationAIBudget = Static<typeof OrganizationAIBudget>

export const UpsertOrganizationAIBudgetRequest = Type.Object({ spend_limit_micros: Micros })
export type UpsertOrganizationAIBudgetRequest = Static<typeof UpsertOrganizationAIBudgetRequest>

/** How much of prompts, arguments of tools and thoughts is kept; counts and costs always are (AG-B16). */
export const AIPrivacyLevel = Type.Enum(['full', 'redacted', 'hash', 'none'])
export type AIPrivacyLevel = Static<typeof AIPrivacyLevel>

/** Of a user in several organizations the strictest level holds. */
export const OrganizationAIPrivacy = Type.Object({
  organization_id: Uuid,
  level: AIPrivacyLevel,
  /** Whether members may read their own sessions. */
  own_sessions: Type.Boolean(),
})
export type OrganizationAIPrivacy = Static<typeof OrganizationAIPrivacy>

export const UpdateOrganizationAIPrivacyRequest = Type.Partial(
  Type.Object({ level: AIPrivacyLevel, own_sessions: Type.Boolean() }),
)
export type UpdateOrganizationAIPrivacyRequest = Static<typeof UpdateOrganizationAIPrivacyRequest>

/** Which key of a provider is tried first (AG-B11); but for `primary` a session stays with its key. */
export const AIKeyStrategy = Type.Enum(['primary', 'round_robin', 'least_busy'])
export type AIKeyStrategy = Static<typeof AIKeyStrategy>

const mapping = {
  provider: ProviderName,
  /** Models of the one to models of the other; a model that is not named keeps its name. */
  models: Type.Optional(Type.Record(ModelName, ModelName)),
}

/** By which way requests to a provider go (AG-B10, AG-B11). Providers named here speak the same wire. */
export const AIProviderRouting = Type.Object({
  key_strategy: AIKeyStrategy,
  /** Tried in this order when the provider fails before its first byte. */
  fallbacks: Type.Array(Type.Object(mapping), { maxItems: 8 }),
  /** The provider's own share among those of `balance`; sessions stay where they began. */
  weight: Type.Integer({ minimum: 0, maximum: 1000 }),
  balance: Type.Array(Type.Object({ ...mapping, weight: Type.Integer({ minimum: 1, maximum: 1000 }) }), {
    maxItems: 8,
  }),
  /** Milliseconds; null is as the release has it (AG-56). */
  connect_timeout_ms: Type.Union([Type.Integer({ minimum: 100, maximum: 120_000 }), Type.Null()]),
  first_byte_timeout_ms: Type.Union([Type.Integer({ minimum: 100, maximum: 3_600_000 }), Type.Null()]),
  idle_timeout_ms: Type.Union([Type.Integer({ minimum: 100, maximum: 3_600_000 }), Type.Null()]),
  total_timeout_ms: Type.Union([Type.Integer({ minimum: 100, maximum: 86_400_000 }), Type.Null()]),
})
export type AIProviderRouting = Static<typeof AIProviderRouting>

export const UpdateAIProviderRoutingRequest = Type.Partial(AIProviderRouting)
export type UpdateAIProviderRoutingRequest = Static<typeof UpdateAIProviderRoutingRequest>

/** What a token may do at the gateway (AG-B8); null is no limit. A token with them is a virtual key. */
export const APIKeyAILimits = Type.Object({
  providers: Type.Union([Type.Array(ProviderName, { minItems: 1, maxItems: 64 }), Type.Null()]),
  models: Type.Union([Type.Array(ModelGlob, { minItems: 1, maxItems: 256 }), Type.Null()]),
  /** In a calendar month of UTC. */
  monthly_spend_limit_micros: orNoLimit(Micros),
  requests_per_second: Type.Union([Type.Integer({ minimum: 1, maximum: 100_000 }), Type.Null()]),
  tokens_per_minute: orNoLimit(Tokens),
})
export type APIKeyAILimits = Static<typeof APIKeyAILimits>

/** The limits of a token, and what it has spent in this month. */
export const APIKeyAILimitsStatus = Type.Object({
  ...APIKeyAILimits.properties,
  key_id: Type.String(),
  current_spend_micros: Type.Integer(),
})
export type APIKeyAILimitsStatus = Static<typeof APIKeyAILimitsStatus>

export const UpsertAPIKeyAILimitsRequest = Type.Partial(APIKeyAILimits)
export type UpsertAPIKeyAILimitsRequest = Static<typeof UpsertAPIKeyAILimitsRequest>

export const getAIGatewaySettings = route('GET /api/v2/ai/gateway-settings', {
  id: 'get-ai-gateway-settings',
  tag,
  responses: { 200: AIGatewaySettings },
})

export const updateAIGatewaySettings = route('PATCH /api/v2/ai/gateway-settings', {
  id: 'update-ai-gateway-settings',
  tag,
  body: UpdateAIGatewaySettingsRequest,
  responses: { 200: AIGatewaySettings },
})

export const getGroupAIModelPolicy = route('GET /api/v2/groups/{group}/ai/model-policy', {
  id: 'get-group-ai-model-policy',
  tag,
  responses: { 200: GroupAIModelPolicy },
})

export const upsertGroupAIModelPolicy = route('PUT /api/v2/groups/{group}/ai/model-policy', {
  id: 'upsert-group-ai-model-policy',
  tag,
  body: UpsertGroupAIModelPolicyRequest,
  responses: { 200: GroupAIModelPolicy },
})

export const deleteGroupAIModelPolicy = route('DELETE /api/v2/groups/{group}/ai/model-policy', {
  id: 'delete-group-ai-model-policy',
  tag,
  responses: { 204: null },
})

export const getGroupAILimits = route('GET /api/v2/groups/{group}/ai/limits', {
  id: 'get-group-ai-limits',
  tag,
  responses: { 200: GroupAILimits },
})

export const upsertGroupAILimits = route('PUT /api/v2/groups/{group}/ai/limits', {
  id: 'upsert-group-ai-limits',
  tag,
  body: UpsertGroupAILimitsRequest,
  responses: { 200: GroupAILimits },
})

export const deleteGroupAILimits = route('DELETE /api/v2/groups/{group}/ai/limits', {
  id: 'delete-group-ai-limits',
  tag,
  responses: { 204: null },
})

export const getOrganizationAIGovernance = route('GET /api/v2/organizations/{organization}/ai/governance', {
  id: 'get-organization-ai-governance',
  tag,
  responses: { 200: OrganizationAIGovernance },
})

export const getOrganizationAIBudget = route('GET /api/v2/organizations/{organization}/ai/budget', {
  id: 'get-organization-ai-budget',
  tag,
  responses: { 200: OrganizationAIBudget },
})

export const upsertOrganizationAIBudget = route('PUT /api/v2/organizations/{organization}/ai/budget', {
  id: 'upsert-organization-ai-budget',
  tag,
  body: UpsertOrganizationAIBudgetRequest,
  responses: { 200: OrganizationAIBudget },
})

export const deleteOrganizationAIBudget = route('DELETE /api/v2/organizations/{organization}/ai/budget', {
  id: 'delete-organization-ai-budget',
  tag,
  responses: { 204: null },
})

export const getOrganizationAIPrivacy = route('GET /api/v2/organizations/{organization}/ai/privacy', {
  id: 'get-organization-ai-privacy',
  tag,
  responses: { 200: OrganizationAIPrivacy },
})

export const updateOrganizationAIPrivacy = route('PATCH /api/v2/organizations/{organization}/ai/privacy', {
  id: 'update-organization-ai-privacy',
  tag,
  body: UpdateOrganizationAIPrivacyRequest,
  responses: { 200: OrganizationAIPrivacy },
})

export const getAIProviderRouting = route('GET /api/v2/ai/providers/{idOrName}/routing', {
  id: 'get-ai-provider-routing',
  tag,
  responses: { 200: AIProviderRouting },
})

export const updateAIProviderRouting = route('PATCH /api/v2/ai/providers/{idOrName}/routing', {
  id: 'update-ai-provider-routing',
  tag,
  body: UpdateAIProviderRoutingRequest,
  responses: { 200: AIProviderRouting },
})

export const getAPIKeyAILimits = route('GET /api/v2/users/{user}/keys/{keyid}/ai-limits', {
  id: 'get-api-key-ai-limits',
  tag,
  responses: { 200: APIKeyAILimitsStatus },
})

export const upsertAPIKeyAILimits = route('PUT /api/v2/users/{user}/keys/{keyid}/ai-limits', {
  id: 'upsert-api-key-ai-limits',
  tag,
  body: UpsertAPIKeyAILimitsRequest,
  responses: { 200: APIKeyAILimitsStatus },
})

export const deleteAPIKeyAILimits = route('DELETE /api/v2/users/{user}/keys/{keyid}/ai-limits', {
  id: 'delete-api-key-ai-limits',
  tag,
  responses: { 204: null },
})
