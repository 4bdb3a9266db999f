import type * as contract from '@slipway/contract'
import { readCallConfig } from './call-config.ts'
import { reasoningEfforts } from './reasoning-effort.ts'
import type { ModelConfigRow } from './store/model-configs.ts'

/** A model that chats may use, with the options of its calls. */
export interface ModelConfig {
  readonly id: string
  readonly providerId: string
  /** As the provider calls it. */
  readonly model: string
  /** As people call it. */
  readonly displayName: string
  readonly enabled: boolean
  readonly isDefault: boolean
  /** Tokens. */
  readonly contextLimit: number
  /** Percent of the context at which chats are compacted; 100 is never (CH-801). */
  readonly compressionThreshold: number
  readonly call: contract.ChatModelCallConfig
}

/** A stored config as chats use it. */
export function modelConfigOf(row: ModelConfigRow): ModelConfig {
  return {
    id: row.id,
    providerId: row.ai_provider_id,
    model: row.model,
    displayName: row.display_name === '' ? row.model : row.display_name,
    enabled: row.enabled,
    isDefault: row.is_default,
    contextLimit: row.context_limit,
    compressionThreshold: row.compression_threshold,
    call: readCallConfig(row.options),
  }
}

/** A stored config as clients see it. */
export function presentModelConfig(row: ModelConfigRow): contract.ChatModelConfig {
  const call = readCallConfig(row.options)
  const efforts = reasoningEfforts(call)
  return {
    id: row.id,
    ai_provider_id: row.ai_provider_id,
    model: row.model,
    display_name: row.display_name,
    enabled: row.enabled,
    is_default: row.is_default,
    context_limit: row.context_limit,
    compression_threshold: row.compression_threshold,
    ...(Object.keys(call).length === 0 ? {} : { model_config: call }),
    ...(efforts === undefined ? {} : { reasoning_efforts: efforts }),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
