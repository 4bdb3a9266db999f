import type { ChatCompactionThreshold } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import type { ChatSettings } from './chat-settings.ts'
import { deleteUserSetting, listUserSettings, storeUserSetting } from './store/user-settings.ts'
import { readThresholds, thresholdKey } from './stored-settings.ts'

/** At how many percent of the context a user wants chats to be compacted, by model. @throws ApiError 404. */
export async function listThresholds(
  settings: ChatSettings,
  actor: Actor,
): Promise<ChatCompactionThreshold[]> {
  const stored = await listUserSettings(actor, settings.context.database.db, actor.id)
  return [...readThresholds(stored)].map(([model_config_id, threshold_percent]) => ({
    model_config_id,
    threshold_percent,
  }))
}

/** Sets one of them. @throws ApiError 404 for an unknown model, 400 for a disabled one or no percentage. */
export async function putThreshold(
  settings: ChatSettings,
  actor: Actor,
  modelConfigId: string,
  percent: number,
): Promise<ChatCompactionThreshold> {
  const config = (await settings.known()).configs.get(modelConfigId.toLowerCase())
  if (config === undefined) throw notFound()
  if (!config.enabled || settings.providerOf(config) === undefined)
    throw badRequest('Chat model config is disabled.')
  if (percent < 0 || percent > 100) {
    const message = 'threshold_percent must be between 0 and 100.'
    throw badRequest(message, { validations: [{ field: 'threshold_percent', detail: message }] })
  }
  const setting = { key: thresholdKey(config.id), value: String(percent) }
  await storeUserSetting(actor, settings.context.database.db, actor.id, setting)
  return { model_config_id: config.id, threshold_percent: percent }
}

/** Goes back to the threshold of the model. @throws ApiError 404 for what is no id. */
export async function deleteThreshold(
  settings: ChatSettings,
  actor: Actor,
  modelConfigId: string,
): Promise<void> {
  if (!isUuid(modelConfigId)) throw notFound()
  const key = thresholdKey(modelConfigId.toLowerCase())
  await deleteUserSetting(actor, settings.context.database.db, actor.id, key)
}
