import type {
  ChatModelConfig,
  ChatModelProvider,
  ChatModelsResponse,
  ChatUnsupportedProvider,
} from '@slipway/contract'
import { unavailableFor } from '../ai-providers/index.ts'
import { systemActor } from '../authz/index.ts'
import { type ChatSettings, worksWithChats } from './chat-settings.ts'
import { modelConfigOf, presentModelConfig } from './model-config.ts'
import { listModelConfigs } from './store/model-configs.ts'

/** The models that a user may choose from, by provider, and why those of some providers cannot be used (CH-506). */
export async function listModels(settings: ChatSettings, userId: string): Promise<ChatModelsResponse> {
  const { configs } = await settings.known()
  const enabled = settings.providers.list().filter((provider) => provider.enabled)
  const supported = enabled.filter(worksWithChats)
  const reasons = await unavailableFor(settings.context, userId, supported)
  const byProvider = Map.groupBy(
    [...configs.values()].filter((config) => config.enabled),
    (config) => config.providerId,
  )
  return {
    providers: supported.map((provider): ChatModelProvider => {
      const reason = reasons.get(provider.id)
      return {
        provider: provider.name,
        provider_id: provider.id,
        provider_type: provider.type,
        display_name: provider.displayName,
        icon: provider.icon,
        available: reason === undefined,
        ...(reason === undefined ? {} : { unavailable_reason: reason }),
        models: (byProvider.get(provider.id) ?? []).map((config) => ({
          id: config.id,
          provider: provider.name,
          model: config.model,
          display_name: config.displayName,
        })),
      }
    }),
    unsupported_providers: enabled
      .filter((provider) => !worksWithChats(provider))
      .map(
        (provider): ChatUnsupportedProvider => ({
          provider: provider.name,
          display_name: provider.displayName,
        }),
      ),
  }
}

const reader = systemActor('chatd', 'who may not change models sees those that can be chosen')

/** The configs that users see: enabled ones of enabled providers (CH-5.3). */
export async function offeredModelConfigs(settings: ChatSettings): Promise<ChatModelConfig[]> {
  const rows = await listModelConfigs(reader, settings.context.database.db)
  return rows
    .filter((row) => row.enabled && settings.providerOf(modelConfigOf(row)) !== undefined)
    .map(presentModelConfig)
}
