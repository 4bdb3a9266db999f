import type { Client } from '@slipway/client'
import {
  type AIProvider,
  type AIProviderType,
  type ChatModelConfig,
  type CreateChatModelConfigRequest,
  createAIProvider,
  createChatModelConfig,
} from '@slipway/contract'

/** An enabled provider with a key, of which nothing is asked. */
export function addProvider(
  admin: Client,
  name: string,
  { type = 'openai', ...given }: { type?: AIProviderType; enabled?: boolean; api_keys?: string[] } = {},
): Promise<AIProvider> {
  return admin.call(createAIProvider, {
    body: {
      type,
      name,
      base_url: 'https://models.example/v1',
      enabled: true,
      api_keys: ['sk-0123456789'],
      ...given,
    },
  })
}

/** A model of a provider. */
export function addModel(
  admin: Client,
  ai_provider_id: string,
  model: string,
  given: CreateChatModelConfigRequest = {},
): Promise<ChatModelConfig> {
  const body = { ai_provider_id, model, context_limit: 128_000, ...given }
  return admin.call(createChatModelConfig, { body })
}
