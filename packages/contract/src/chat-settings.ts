import { type Static, Type } from 'typebox'

import { AIProviderType } from './ai-providers.ts'
import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Chats'
const CHATS = '/api/experimental/chats'
const CONFIG = `${CHATS}/config` as const
const MODELS = `${CHATS}/model-configs` as const

/** How much a model thinks, from little to much (CH-504). */
export const ReasoningEffort = Type.Enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])
export type ReasoningEffort = Static<typeof ReasoningEffort>

/** Options of calls to a model (CH-504); members of `provider_options` are what the provider takes. */
export const ChatModelCallConfig = Type.Object({
  max_output_tokens: Type.Optional(Type.Integer({ minimum: 1 })),
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  top_k: Type.Optional(Type.Integer({ minimum: 0 })),
  presence_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
  reasoning_effort: Type.Optional(Type.Object({ default: ReasoningEffort, max: ReasoningEffort })),
  openai_config: Type.Optional(Type.Object({ use_responses_api: Type.Optional(Type.Boolean()) })),
  provider_options: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()))),
})
export type ChatModelCallConfig = Static<typeof ChatModelCallConfig>

/** A model that chats may use (CH-5.3). */
export const ChatModelConfig = Type.Object({
  id: Uuid,
  ai_provider_id: Uuid,
  model: Type.String(),
  display_name: Type.String(),
  enabled: Type.Boolean(),
  is_default: Type.Boolean(),
  context_limit: Type.Integer(),
  compression_threshold: Type.Integer(),
  model_config: Type.Optional(ChatModelCallConfig),
  reasoning_efforts: Type.Optional(Type.Array(ReasoningEffort)),
  created_at: Time,
  updated_at: Time,
})
export type ChatModelConfig = Static<typeof ChatModelConfig>

const modelName = Type.String({ maxLength: 256 })
const threshold = Type.Optional(Type.Integer({ minimum: 0, maximum: 100 }))
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000_000 }))

export const CreateChatModelConfigRequest = Type.Object({
  ai_provider_id: Type.Optional(Uuid),
  model: Type.Optional(modelName),
  display_name: Type.Optional(Type.String({ maxLength: 256 })),
  enabled: Type.Optional(Type.Boolean()),
  is_default: Type.Optional(Type.Boolean()),
  context_limit: limit,
  compression_threshold: threshold,
  model_config: Type.Optional(ChatModelCallConfig),
})
export type CreateChatModelConfigRequest = Static<typeof CreateChatModelConfigRequest>

/** What is left out stays as it is. */
export const UpdateChatModelConfigRequest = CreateChatModelConfigRequest
export type UpdateChatModelConfigRequest = CreateChatModelConfigRequest

export const ChatModelProviderUnavailableReason = Type.Enum([
  'missing_api_key',
  'fetch_failed',
  'user_api_key_required',
])
export type ChatModelProviderUnavailableReason = Static<typeof ChatModelProviderUnavailableReason>

/** `id` is that of the model config. */
export const ChatModel = Type.Object({
  id: Type.String(),
  provider: Type.String(),
  model: Type.String(),
  display_name: Type.String(),
})
export type ChatModel = Static<typeof ChatModel>

/** `provider` is the unique name of the provider; what depends on what it speaks goes by its type. */
export const ChatModelProvider = Type.Object({
  provider: Type.String(),
  provider_id: Uuid,
  provider_type: AIProviderType,
  display_name: Type.String(),
  icon: Type.String(),
  available: Type.Boolean(),
  unavailable_reason: Type.Optional(ChatModelProviderUnavailableReason),
  models: Type.Array(ChatModel),
})
export type ChatModelProvider = Static<typeof ChatModelProvider>

/** An enabled provider that chats cannot work with (CH-133). */
export const ChatUnsupportedProvider = Type.Object({ provider: Type.String(), display_name: Type.String() })
export type ChatUnsupportedProvider = Static<typeof ChatUnsupportedProvider>

/** What the caller may choose from (CH-506). */
export const ChatModelsResponse = Type.Object({
  providers: Type.Array(ChatModelProvider),
  unsupported_providers: Type.Array(ChatUnsupportedProvider),
})
export type ChatModelsResponse = Static<typeof ChatModelsResponse>

/** What new chats begin with: the prompt that is built in, where it is included, and the one of the deployment. */
export const ChatSystemPrompt = Type.Object({
  system_prompt: Type.String(),
  include_default_system_prompt: Type.Boolean(),
  default_system_prompt: Type.String(),
})
export type ChatSystemPrompt = Static<typeof ChatSystemPrompt>

/** At most 131,072 bytes (CH-5.1); the flag stays as it is when it is left out. */
export const UpdateChatSystemPromptRequest = Type.Object({
  system_prompt: Type.String(),
  include_default_system_prompt: Type.Optional(Type.Boolean()),
})
export type UpdateChatSystemPromptRequest = Static<typeof UpdateChatSystemPromptRequest>

export const ChatPlanModeInstructions = Type.Object({ plan_mode_instructions: Type.String() })
export type ChatPlanModeInstructions = Static<typeof ChatPlanModeInstructions>

/** What has a model of its own (CH-5.1). */
export const ChatModelOverrideContext = Type.Enum(['general', 'explore', 'title_generation', 'compaction'])
export type ChatModelOverrideContext = Static<typeof ChatModelOverrideContext>

/** An empty id means that none is set. */
export const ChatModelOverride = Type.Object({
  context: ChatModelOverrideContext,
  model_config_id: Type.String(),
  reasoning_effort: Type.Optional(Type.String()),
  is_malformed: Type.Boolean(),
})
export type ChatModelOverride = Static<typeof ChatModelOverride>

export const UpdateChatModelOverrideRequest = Type.Object({
  model_config_id: Type.String({ maxLength: 64 }),
  reasoning_effort: Type.Optional(Type.String({ maxLength: 32 })),
})
export type UpdateChatModelOverrideRequest = Static<typeof UpdateChatModelOverrideRequest>

/** Whether users may choose models of their own for their chats. */
export const ChatPersonalModelOverrides = Type.Object({ allow_users: Type.Boolean() })
/** Milliseconds; 0 leaves the rule of the template. */
export const ChatWorkspaceTtl = Type.Object({ workspace_ttl_ms: Type.Integer() })
/** How long archived chats and files that no chat links are kept; 0 is for ever (CH-1701). */
export const ChatRetentionDaysResponse = Type.Object({ retention_days: Type.Integer() })
export const UpdateChatRetentionDaysRequest = Type.Object({ retention_days: Type.Integer() })
/** After how many days without a message chats are archived; 0 is never (CH-1702). */
export const ChatAutoArchiveDays = Type.Object({ auto_archive_days: Type.Integer() })

export const ChatUserPrompt = Type.Object({ custom_prompt: Type.String() })
export type ChatUserPrompt = Static<typeof ChatUserPrompt>

export const ChatCompactionThreshold = Type.Object({
  model_config_id: Uuid,
  threshold_percent: Type.Integer(),
})
export type ChatCompactionThreshold = Static<typeof ChatCompactionThreshold>

export const ChatCompactionThresholds = Type.Object({ thresholds: Type.Array(ChatCompactionThreshold) })

export const UpdateChatCompactionThresholdRequest = Type.Object({ threshold_percent: Type.Integer() })

/** For which chats a user may choose a model of their own. */
export const ChatPersonalOverrideContext = Type.Enum(['root', 'general', 'explore'])
export type ChatPersonalOverrideContext = Static<typeof ChatPersonalOverrideContext>

export const ChatPersonalOverrideMode = Type.Enum(['deployment_default', 'chat_default', 'model'])
export type ChatPersonalOverrideMode = Static<typeof ChatPersonalOverrideMode>

export const ChatPersonalModelOverride = Type.Object({
  context: ChatPersonalOverrideContext,
  mode: ChatPersonalOverrideMode,
  model_config_id: Type.String(),
  reasoning_effort: Type.Optional(Type.String()),
  is_set: Type.Boolean(),
  is_malformed: Type.Boolean(),
})
export type ChatPersonalModelOverride = Static<typeof ChatPersonalModelOverride>

export const ChatUserModelOverrides = Type.Object({
  enabled: Type.Boolean(),
  root: ChatPersonalModelOverride,
  general: ChatPersonalModelOverride,
  explore: ChatPersonalModelOverride,
  deployment_defaults: Type.Object({ general: ChatModelOverride, explore: ChatModelOverride }),
})
export type ChatUserModelOverrides = Static<typeof ChatUserModelOverrides>

export const UpdateChatUserModelOverrideRequest = Type.Object({
  mode: ChatPersonalOverrideMode,
  model_config_id: Type.Optional(Type.String({ maxLength: 64 })),
  reasoning_effort: Type.Optional(Type.String({ maxLength: 32 })),
})
export type UpdateChatUserModelOverrideRequest = Static<typeof UpdateChatUserModelOverrideRequest>

export const listChatModels = route(`GET ${CHATS}/models`, {
  id: 'list-chat-models',
  tag,
  responses: { 200: ChatModelsResponse },
})

export const listChatModelConfigs = route(`GET ${MODELS}`, {
  id: 'list-chat-model-configs',
  tag,
  responses: { 200: Type.Array(ChatModelConfig) },
})
export const createChatModelConfig = route(`POST ${MODELS}`, {
  id: 'create-chat-model-config',
  tag,
  body: CreateChatModelConfigRequest,
  responses: { 201: ChatModelConfig },
})
export const updateChatModelConfig = route(`PATCH ${MODELS}/{modelConfig}`, {
  id: 'update-chat-model-config',
  tag,
  body: UpdateChatModelConfigRequest,
  responses: { 200: ChatModelConfig },
})
export const deleteChatModelConfig = route(`DELETE ${MODELS}/{modelConfig}`, {
  id: 'delete-chat-model-config',
  tag,
  responses: { 204: null },
})

export const getChatSystemPrompt = route(`GET ${CONFIG}/system-prompt`, {
  id: 'get-chat-system-prompt',
  tag,
  responses: { 200: ChatSystemPrompt },
})
export const updateChatSystemPrompt = route(`PUT ${CONFIG}/system-prompt`, {
  id: 'update-chat-system-prompt',
  tag,
  body: UpdateChatSystemPromptRequest,
  // Read only for who may change it (CH-501).
  consumes: ['application/json'],
  responses: { 204: null },
})
export const getChatPlanModeInstructions = route(`GET ${CONFIG}/plan-mode-instructions`, {
  id: 'get-chat-plan-mode-instructions',
  tag,
  responses: { 200: ChatPlanModeInstructions },
})
export const updateChatPlanModeInstructions = route(`PUT ${CONFIG}/plan-mode-instructions`, {
  id: 'update-chat-plan-mode-instructions',
  tag,
  body: ChatPlanModeInstructions,
  consumes: ['application/json'],
  responses: { 204: null },
})
export const getChatModelOverride = route(`GET ${CONFIG}/model-override/{context}`, {
  id: 'get-chat-model-override',
  tag,
  responses: { 200: ChatModelOverride },
})
export const updateChatModelOverride = route(`PUT ${CONFIG}/model-override/{context}`, {
  id: 'update-chat-model-override',
  tag,
  body: UpdateChatModelOverrideRequest,
  responses: { 204: null },
})
export const getChatPersonalModelOverrides = route(`GET ${CONFIG}/personal-model-overrides`, {
  id: 'get-chat-personal-model-overrides',
  tag,
  responses: { 200: ChatPersonalModelOverrides },
})
export const updateChatPersonalModelOverrides = route(`PUT ${CONFIG}/personal-model-overrides`, {
  id: 'update-chat-personal-model-overrides',
  tag,
  body: ChatPersonalModelOverrides,
  responses: { 204: null },
})
export const getChatWorkspaceTtl = route(`GET ${CONFIG}/workspace-ttl`, {
  id: 'get-chat-workspace-ttl',
  tag,
  responses: { 200: ChatWorkspaceTtl },
})
export const updateChatWorkspaceTtl = route(`PUT ${CONFIG}/workspace-ttl`, {
  id: 'update-chat-workspace-ttl',
  tag,
  body: ChatWorkspaceTtl,
  responses: { 204: null },
})
export const getChatRetentionDays = route(`GET ${CONFIG}/retention-days`, {
  id: 'get-chat-retention-days',
  tag,
  responses: { 200: ChatRetentionDaysResponse },
})
export const updateChatRetentionDays = route(`PUT ${CONFIG}/retention-days`, {
  id: 'update-chat-retention-days',
  tag,
  body: UpdateChatRetentionDaysRequest,
  responses: { 204: null },
})
export const getChatAutoArchiveDays = route(`GET ${CONFIG}/auto-archive-days`, {
  id: 'get-chat-auto-archive-days',
  tag,
  responses: { 200: ChatAutoArchiveDays },
})
export const updateChatAutoArchiveDays = route(`PUT ${CONFIG}/auto-archive-days`, {
  id: 'update-chat-auto-archive-days',
  tag,
  body: ChatAutoArchiveDays,
  responses: { 204: null },
})

export const getChatUserPrompt = route(`GET ${CONFIG}/user-prompt`, {
  id: 'get-chat-user-prompt',
  tag,
  responses: { 200: ChatUserPrompt },
})
export const updateChatUserPrompt = route(`PUT ${CONFIG}/user-prompt`, {
  id: 'update-chat-user-prompt',
  tag,
  body: ChatUserPrompt,
  responses: { 200: ChatUserPrompt },
})
export const getChatCompactionThresholds = route(`GET ${CONFIG}/user-compaction-thresholds`, {
  id: 'get-chat-user-compaction-thresholds',
  tag,
  responses: { 200: ChatCompactionThresholds },
})
export const updateChatCompactionThreshold = route(`PUT ${CONFIG}/user-compaction-thresholds/{modelConfig}`, {
  id: 'update-chat-user-compaction-threshold',
  tag,
  body: UpdateChatCompactionThresholdRequest,
  responses: { 200: ChatCompactionThreshold },
})
export const deleteChatCompactionThreshold = route(
  `DELETE ${CONFIG}/user-compaction-thresholds/{modelConfig}`,
  { id: 'delete-chat-user-compaction-threshold', tag, responses: { 204: null } },
)
export const getChatUserModelOverrides = route(`GET ${CONFIG}/user-personal-model-overrides`, {
  id: 'get-chat-user-personal-model-overrides',
  tag,
  responses: { 200: ChatUserModelOverrides },
})
export const updateChatUserModelOverride = route(`PUT ${CONFIG}/user-personal-model-overrides/{context}`, {
  id: 'update-chat-user-personal-model-override',
  tag,
  body: UpdateChatUserModelOverrideRequest,
  responses: { 200: ChatPersonalModelOverride },
})
