import type { CreateChatModelConfigRequest, UpdateChatModelConfigRequest } from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { ApiError, badRequest, conflict, notFound } from '../errors/index.ts'
import { checkCallConfig } from './call-config.ts'
import { type ChatSettings, worksWithChats } from './chat-settings.ts'
import {
  clearDefault,
  holdModelConfigs,
  insertModelConfig,
  type ModelConfigChange,
  type ModelConfigRow,
  updateModelConfig,
} from './store/model-configs.ts'

/** Live configs: lists and caches look at all of them. */
const MAX_CONFIGS = 500
const DEFAULT_THRESHOLD = 70

/**
 * Adds a model; the first one becomes the default (CH-503).
 *
 * @throws ApiError 403, 400 for what is missing or wrong, 412 while its provider is off, 409 when there are too many.
 */
export async function createModelConfig(
  settings: ChatSettings,
  actor: Actor,
  given: CreateChatModelConfigRequest,
): Promise<ModelConfigRow> {
  authorize(actor, 'update', { type: 'deployment_config' })
  const providerId = given.ai_provider_id?.toLowerCase()
  if (providerId === undefined) throw missing('ai_provider_id', 'AI provider ID is required.')
  const model = given.model?.trim() ?? ''
  if (model === '') throw missing('model', 'Model is required.')
  const limit = given.context_limit
  if (limit === undefined) throw missing('context_limit', 'Context limit is required.')
  const call = given.model_config ?? {}
  checkCallConfig(call)
  await requireProvider(settings, providerId)
  const row = await settings.context.database.transaction(async (tx) => {
    const live = await holdModelConfigs(actor, tx)
    if (live.length >= MAX_CONFIGS) throw conflict(`There can be at most ${MAX_CONFIGS} chat model configs.`)
    const isDefault = given.is_default === true || live.length === 0
    if (isDefault) await clearDefault(actor, tx)
    return insertModelConfig(actor, tx, {
      ai_provider_id: providerId,
      model,
      display_name: given.display_name?.trim() ?? '',
      enabled: given.enabled ?? true,
      is_default: isDefault,
      context_limit: limit,
      compression_threshold: given.compression_threshold ?? DEFAULT_THRESHOLD,
      options: JSON.stringify(call),
      created_by: actor.id,
      updated_by: actor.id,
    })
  })
  settings.forget()
  return row
}

/**
 * Changes a model; what is left out stays. A default that is taken away goes to another model, and stays where there is
 * none (CH-503).
 *
 * @throws ApiError 403, 404, 400 for what is wrong, 412 when the provider that it moves to is off.
 */
export async function changeModelConfig(
  settings: ChatSettings,
  actor: Actor,
  id: string,
  given: UpdateChatModelConfigRequest,
): Promise<ModelConfigRow> {
  authorize(actor, 'update', { type: 'deployment_config' })
  const model = given.model?.trim()
  if (model === '') throw missing('model', 'Model is required.')
  if (given.model_config !== undefined) checkCallConfig(given.model_config)
  const row = await settings.context.database.transaction(async (tx) => {
    const live = await holdModelConfigs(actor, tx)
    const held = live.find((one) => one.id === id)
    if (held === undefined) throw notFound()
    const providerId = given.ai_provider_id?.toLowerCase() ?? held.ai_provider_id
    const moves = providerId !== held.ai_provider_id
    if (moves) await requireProvider(settings, providerId)
    const change: ModelConfigChange = {
      ...(moves ? { ai_provider_id: providerId } : {}),
      ...(model === undefined ? {} : { model }),
      ...(given.display_name === undefined ? {} : { display_name: given.display_name.trim() }),
      ...(given.enabled === undefined ? {} : { enabled: given.enabled }),
      ...(given.context_limit === undefined ? {} : { context_limit: given.context_limit }),
      ...(given.compression_threshold === undefined
        ? {}
        : { compression_threshold: given.compression_threshold }),
      ...(given.model_config === undefined ? {} : { options: JSON.stringify(given.model_config) }),
      updated_by: actor.id,
    }
    if (given.is_default === true && !held.is_default) {
      await clearDefault(actor, tx)
      return updateModelConfig(actor, tx, id, { ...change, is_default: true })
    }
    if (given.is_default === false && held.is_default) await promoteAnother(settings, actor, tx, live, id)
    return updateModelConfig(actor, tx, id, change)
  })
  settings.forget()
  return row
}

/** Takes a model away; messages go on naming it. @throws ApiError 403, 404. */
export async function removeModelConfig(settings: ChatSettings, actor: Actor, id: string): Promise<void> {
  await settings.context.database.transaction(async (tx) => {
    const live = await holdModelConfigs(actor, tx)
    const held = live.find((one) => one.id === id)
    if (held === undefined) throw notFound()
    if (held.is_default) await promoteAnother(settings, actor, tx, live, id)
    await updateModelConfig(actor, tx, id, { deleted: true, is_default: false, updated_by: actor.id })
  })
  settings.forget()
}

/** Makes another config the default, rather one that can be used; leaves all as it is where there is no other. */
async function promoteAnother(
  settings: ChatSettings,
  actor: Actor,
  tx: Db,
  live: readonly ModelConfigRow[],
  id: string,
): Promise<void> {
  const others = live.filter((one) => one.id !== id)
  const enabled = others.filter((one) => one.enabled)
  const working = enabled.find((one) => settings.providers.find(one.ai_provider_id)?.enabled === true)
  const next = working ?? enabled[0] ?? others[0]
  if (next === undefined) return
  await clearDefault(actor, tx)
  await updateModelConfig(actor, tx, next.id, { is_default: true, updated_by: actor.id })
}

/** @throws ApiError 400 for a provider that is not there or that chats cannot work with, 412 for one that is off. */
async function requireProvider(settings: ChatSettings, id: string): Promise<void> {
  // It may have been made a moment ago, by another replica.
  if (settings.providers.find(id) === undefined) await settings.providers.refresh()
  const provider = settings.providers.find(id)
  // A name may look like an id.
  if (provider?.id !== id) throw missing('ai_provider_id', 'AI provider not found.')
  if (!worksWithChats(provider))
    throw missing('ai_provider_id', `AI providers of type ${provider.type} do not work with chats.`)
  if (!provider.enabled)
    throw new ApiError(412, 'The AI provider is disabled.', {
      detail: 'Enable the provider before you add models of it.',
    })
}

function missing(field: string, message: string): ApiError {
  return badRequest(message, { validations: [{ field, detail: message }] })
}
