import type {
  ChatModelOverride,
  ChatModelOverrideContext,
  ChatPersonalModelOverride,
  ChatPersonalOverrideContext,
  ChatUserModelOverrides,
  ReasoningEffort,
  UpdateChatModelOverrideRequest,
  UpdateChatUserModelOverrideRequest,
} from '@slipway/contract'
import { type Actor, authorize, isAllowed } from '../authz/index.ts'
import { badRequest, forbidden, notFound } from '../errors/index.ts'
import type { ChatSettings } from './chat-settings.ts'
import type { ModelConfig } from './model-config.ts'
import { effortRank, parseReasoningEffort } from './reasoning-effort.ts'
import { requireUsable } from './resolve-model.ts'
import { storeSettings } from './store/settings.ts'
import { listUserSettings, storeUserSetting } from './store/user-settings.ts'
import {
  isOverrideContext,
  overrideKey,
  personalOverrideKey,
  readPersonalOverride,
  type StoredOverride,
  writeOverride,
  writePersonalOverride,
} from './stored-settings.ts'

/** The model of the deployment for one context. @throws ApiError 404 without `deployment_config:read`, 400. */
export async function getOverride(
  settings: ChatSettings,
  actor: Actor,
  context: string,
): Promise<ChatModelOverride> {
  if (!isAllowed(actor, 'read', { type: 'deployment_config' })) throw notFound()
  const known = requireContext(context)
  return presentOverride(known, (await settings.deployment()).overrides[known])
}

/** Sets that model; an empty id takes it away. @throws ApiError 403; 400 for one that is not enabled. */
export async function putOverride(
  settings: ChatSettings,
  actor: Actor,
  context: string,
  given: UpdateChatModelOverrideRequest,
): Promise<void> {
  authorize(actor, 'update', { type: 'deployment_config' })
  const key = overrideKey(requireContext(context))
  let value: string | undefined
  if (given.model_config_id !== '') {
    const config = (await settings.known()).configs.get(given.model_config_id.toLowerCase())
    if (config === undefined || !config.enabled || settings.providerOf(config) === undefined)
      throw refused('model_config_id', 'Model config must be an enabled chat model config.')
    value = writeOverride(config.id, requireSelectable(config, given.reasoning_effort))
  } else requireNoEffort(given.reasoning_effort)
  await storeSettings(actor, settings.context.database.db, { [key]: value })
  settings.forget()
}

/** A user's own choices and what holds without them. @throws ApiError 404. */
export async function getPersonalOverrides(
  settings: ChatSettings,
  actor: Actor,
): Promise<ChatUserModelOverrides> {
  const { allowPersonalOverrides, overrides } = await settings.deployment()
  const stored = await listUserSettings(actor, settings.context.database.db, actor.id)
  const own = (context: ChatPersonalOverrideContext) =>
    presentPersonal(context, stored.get(personalOverrideKey(context)))
  return {
    enabled: allowPersonalOverrides,
    root: own('root'),
    general: own('general'),
    explore: own('explore'),
    deployment_defaults: {
      general: presentOverride('general', overrides.general),
      explore: presentOverride('explore', overrides.explore),
    },
  }
}

/** Sets a user's own choice. @throws ApiError 403 where users may not choose, 400 for what they cannot choose. */
export async function putPersonalOverride(
  settings: ChatSettings,
  actor: Actor,
  context: string,
  given: UpdateChatUserModelOverrideRequest,
): Promise<ChatPersonalModelOverride> {
  if (!(await settings.deployment()).allowPersonalOverrides)
    throw forbidden('Personal model overrides are disabled.', {
      detail: 'An administrator has to allow users to choose models of their own.',
    })
  if (context !== 'root' && context !== 'general' && context !== 'explore') throw unknownContext()
  const { mode } = given
  const id = given.model_config_id ?? ''
  if (mode === 'deployment_default' && context === 'root')
    throw refused('mode', 'The mode deployment_default is only for subagents.')
  let value: string
  if (mode === 'model') {
    if (id === '') throw refused('model_config_id', 'A model config is required for the mode model.')
    const config = await requireUsable(settings, actor.id, id)
    value = writePersonalOverride(mode, config.id, requireSelectable(config, given.reasoning_effort))
  } else {
    if (id !== '') throw refused('model_config_id', 'A model config is only for the mode model.')
    requireNoEffort(given.reasoning_effort)
    value = writePersonalOverride(mode, undefined, undefined)
  }
  const key = personalOverrideKey(context)
  await storeUserSetting(actor, settings.context.database.db, actor.id, { key, value })
  return presentPersonal(context, value)
}

function requireContext(context: string): ChatModelOverrideContext {
  if (isOverrideContext(context)) return context
  throw unknownContext()
}

function unknownContext() {
  return badRequest('Invalid model override context.')
}

/** The wished effort, where it may be chosen for a model. @throws ApiError 400. */
function requireSelectable(config: ModelConfig, wished: string | undefined): ReasoningEffort | undefined {
  const effort = parseReasoningEffort(wished)
  const range = config.call.reasoning_effort
  if (effort === undefined || (range !== undefined && effortRank(effort) <= effortRank(range.max)))
    return effort
  throw refused('reasoning_effort', `Reasoning effort ${effort} cannot be selected for this model.`)
}

function requireNoEffort(wished: string | undefined): void {
  if (wished !== undefined && wished !== '')
    throw refused('reasoning_effort', 'A reasoning effort requires a model config.')
}

function refused(field: string, message: string) {
  return badRequest(message, { validations: [{ field, detail: message }] })
}

function presentOverride(context: ChatModelOverrideContext, override: StoredOverride): ChatModelOverride {
  return { context, ...presentChoice(override) }
}

function presentPersonal(
  context: ChatPersonalOverrideContext,
  stored: string | undefined,
): ChatPersonalModelOverride {
  const override = readPersonalOverride(context, stored)
  return { context, mode: override.mode, ...presentChoice(override), is_set: override.isSet }
}

function presentChoice({ modelConfigId, reasoningEffort, malformed }: StoredOverride) {
  return {
    model_config_id: modelConfigId ?? '',
    ...(reasoningEffort === undefined ? {} : { reasoning_effort: reasoningEffort }),
    is_malformed: malformed,
  }
}
