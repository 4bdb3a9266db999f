export { ChatSettings, chatRetentionDays } from './chat-settings.ts'
export type { ModelConfig } from './model-config.ts'
export { compactionThreshold, deploymentPrompt, userPrompt } from './prompts.ts'
export { isReasoningEffort, parseReasoningEffort } from './reasoning-effort.ts'
export {
  ModelUnavailable,
  modelForRun,
  overrideModel,
  type RunModel,
  resolveModel,
  subagentModel,
  usableModels,
} from './resolve-model.ts'
export { chatSettingsRoutes } from './routes.ts'
export { sanitizedPrompt } from './sanitize-prompt.ts'
