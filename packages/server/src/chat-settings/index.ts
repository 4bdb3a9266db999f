export { ChatSettings, chatRetentionDays } from './chat-settings.ts'
export type { ModelConfig } from './model-config.ts'
export { compactionThreshold, deploymentPrompt, userPrompt } from './prompts.ts'
export { effectiveEffort, isReasoningEffort, parseReasoningEffort } from './reasoning-effort.ts'
export {
  ModelUnavailable,
  type ModelWish,
  modelForRun,
  type OverrideModel,
  overrideModel,
  type ResolvedModel,
  type RunModel,
  resolveModel,
  type SubagentWish,
  subagentModel,
  usableModels,
} from './resolve-model.ts'
export { chatSettingsRoutes } from './routes.ts'
export { MAX_PROMPT_BYTES, sanitizedPrompt } from './sanitize-prompt.ts'
