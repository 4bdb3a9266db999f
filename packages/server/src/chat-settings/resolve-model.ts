import type { ChatPersonalOverrideContext, ReasoningEffort } from '@slipway/contract'
import type { ModelProvider } from '../ai-providers/index.ts'
import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import type { ChatSettings } from './chat-settings.ts'
import type { ModelConfig } from './model-config.ts'
import { effectiveEffort } from './reasoning-effort.ts'
import { findUserSetting } from './store/user-settings.ts'
import { type PersonalOverride, personalOverrideKey, readPersonalOverride } from './stored-settings.ts'

/** A model that was chosen for messages, with the effort that was wished for. */
export interface ResolvedModel {
  readonly config: ModelConfig
  /** As it is stored with messages; each call clamps it (CH-505). Undefined leaves the model its default. */
  readonly reasoningEffort: ReasoningEffort | undefined
}

/** What a request says about its model. */
export interface ModelWish {
  /** Whose chat it is, and whose credentials count. */
  readonly ownerId: string
  readonly modelConfigId?: string | undefined
  readonly reasoningEffort?: ReasoningEffort | undefined
  /** What answered before: the chat's last model, or that of an edited message (CH-431, CH-433). */
  readonly previousModelConfigId?: string | undefined
}

/**
 * The model of a new chat or message (CH-404): the named one; else what answered before while that is usable; else, for
 * a new chat, the owner's personal choice; else the default.
 *
 * @param actor who may read the personal settings of the owner.
 * @param db the transaction of the request.
 * @throws ApiError 400 saying why the named model cannot be used, or that there is no default.
 */
export async function resolveModel(
  settings: ChatSettings,
  actor: Actor,
  db: Db,
  wish: ModelWish,
): Promise<ResolvedModel> {
  const { ownerId, modelConfigId, reasoningEffort, previousModelConfigId: previous } = wish
  if (modelConfigId !== undefined)
    return { config: await requireUsable(settings, ownerId, modelConfigId), reasoningEffort }
  if (previous !== undefined) {
    const config = await usable(settings, ownerId, previous)
    if (config !== undefined) return { config, reasoningEffort }
  } else {
    const override = await personalOverride(settings, actor, db, ownerId, 'root')
    const config = await usable(settings, ownerId, override?.modelConfigId)
    if (config !== undefined) return { config, reasoningEffort: reasoningEffort ?? override?.reasoningEffort }
  }
  return { config: await requireDefault(settings), reasoningEffort }
}

/** What a model that spawns a subagent says about its model (CH-1121). */
export interface SubagentWish {
  readonly ownerId: string
  readonly kind: 'general' | 'explore'
  readonly modelConfigId?: string | undefined
  readonly reasoningEffort?: ReasoningEffort | undefined
  /** The model of the chat that spawns it. */
  readonly parent: { readonly modelConfigId: string; readonly reasoningEffort?: ReasoningEffort | undefined }
}

/**
 * The model of a subagent: the named one, else the owner's personal choice, else that of the deployment, else the
 * parent's (CH-1121). Choices that cannot be used any more are passed over.
 *
 * @throws ApiError 400 saying why the named model cannot be used, or that there is none at all.
 */
export async function subagentModel(
  settings: ChatSettings,
  actor: Actor,
  db: Db,
  wish: SubagentWish,
): Promise<ResolvedModel> {
  const { ownerId, kind, parent } = wish
  if (wish.modelConfigId !== undefined)
    return {
      config: await requireUsable(settings, ownerId, wish.modelConfigId),
      reasoningEffort: wish.reasoningEffort,
    }
  const personal = await personalOverride(settings, actor, db, ownerId, kind)
  const deployment = (await settings.deployment()).overrides[kind]
  const choices =
    personal?.mode === 'chat_default' ? [] : [...(personal === undefined ? [] : [personal]), deployment]
  for (const choice of choices) {
    const config = await usable(settings, ownerId, choice.modelConfigId)
    if (config !== undefined)
      return { config, reasoningEffort: wish.reasoningEffort ?? choice.reasoningEffort }
  }
  const config = await usable(settings, ownerId, parent.modelConfigId)
  return config === undefined
    ? { config: await requireDefault(settings), reasoningEffort: wish.reasoningEffort }
    : { config, reasoningEffort: wish.reasoningEffort ?? parent.reasoningEffort }
}

/** A model with everything that a call of it needs. */
export interface RunModel {
  readonly config: ModelConfig
  readonly provider: ModelProvider
  /** What the call asks for; undefined for a model without efforts (CH-505). */
  readonly effort: ReasoningEffort | undefined
}

/** Why a chat has no model to go on with; the kinds are those of chat errors (CH-7.4). */
export class ModelUnavailable extends Error {
  override readonly name = 'ModelUnavailable'
  readonly kind: 'config' | 'provider_disabled' | 'missing_key'
  /** Name of the provider, where it is known. */
  readonly provider: string | undefined

  constructor(kind: ModelUnavailable['kind'], message: string, provider?: string) {
    super(message)
    this.kind = kind
    this.provider = provider
  }
}

/**
 * The model that a turn is generated with: the one of the chat, or the default once that was deleted or disabled.
 *
 * @throws ModelUnavailable saying why there is none.
 */
export async function modelForRun(
  settings: ChatSettings,
  run: {
    readonly ownerId: string
    readonly modelConfigId: string
    readonly reasoningEffort?: ReasoningEffort | undefined
  },
): Promise<RunModel> {
  const { configs } = await settings.known()
  const own = configs.get(run.modelConfigId)
  const config = own?.enabled ? own : [...configs.values()].find((other) => other.isDefault && other.enabled)
  if (config === undefined)
    throw new ModelUnavailable(
      'config',
      'The model of this chat is not available any more. Choose another one.',
    )
  const provider = settings.providerOf(config)
  if (provider === undefined)
    throw new ModelUnavailable(
      'provider_disabled',
      `The provider of the model ${config.displayName} is disabled. Choose another model or ask an administrator.`,
      settings.providers.find(config.providerId)?.name,
    )
  if (!(await settings.hasCredentials(run.ownerId, provider)))
    throw new ModelUnavailable(
      'missing_key',
      `There is no API key for the provider ${provider.displayName}. Add your own key or ask an administrator.`,
      provider.name,
    )
  return { config, provider, effort: effectiveEffort(config.call, run.reasoningEffort) }
}

/**
 * What the deployment has chosen for work beside the turns of chats: nothing, what nobody can use any more (`stale`),
 * what this user cannot use (`unusable`), or a model.
 */
export type OverrideModel =
  | { readonly kind: 'unset' | 'stale' | 'unusable' }
  | { readonly kind: 'model'; readonly model: RunModel }

/** The model that the deployment has chosen for titles (CH-1010) or for compaction (CH-803). */
export async function overrideModel(
  settings: ChatSettings,
  context: 'title_generation' | 'compaction',
  ownerId: string,
): Promise<OverrideModel> {
  const override = (await settings.deployment()).overrides[context]
  if (override.modelConfigId === undefined) return { kind: 'unset' }
  const config = (await settings.known()).configs.get(override.modelConfigId)
  const provider = config?.enabled ? settings.providerOf(config) : undefined
  if (config === undefined || provider === undefined) return { kind: 'stale' }
  if (!(await settings.hasCredentials(ownerId, provider))) return { kind: 'unusable' }
  return {
    kind: 'model',
    model: { config, provider, effort: effectiveEffort(config.call, override.reasoningEffort) },
  }
}

/** The models that a user may name now, oldest first: for `list_subagent_models` (CH-1123). */
export async function usableModels(settings: ChatSettings, userId: string): Promise<ModelConfig[]> {
  const { configs } = await settings.known()
  const found: ModelConfig[] = []
  for (const id of configs.keys()) {
    const config = await usable(settings, userId, id)
    if (config !== undefined) found.push(config)
  }
  return found
}

/** A model that a user may use now. @throws ApiError 400 saying why not. */
export async function requireUsable(
  settings: ChatSettings,
  userId: string,
  modelConfigId: string,
): Promise<ModelConfig> {
  const config = (await settings.known()).configs.get(modelConfigId.toLowerCase())
  if (config === undefined) throw refused('Chat model config not found.')
  if (!config.enabled) throw refused('Chat model config is disabled.')
  const provider = settings.providerOf(config)
  if (provider === undefined) throw refused('The AI provider of the chat model config is disabled.')
  if (await settings.hasCredentials(userId, provider)) return config
  throw refused('No API key is available for the AI provider of the chat model config.')
}

function refused(message: string): ApiError {
  return badRequest(message, { validations: [{ field: 'model_config_id', detail: message }] })
}

async function usable(
  settings: ChatSettings,
  userId: string,
  modelConfigId: string | undefined,
): Promise<ModelConfig | undefined> {
  if (modelConfigId === undefined) return undefined
  try {
    return await requireUsable(settings, userId, modelConfigId)
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}

/** @throws ApiError 400. */
async function requireDefault(settings: ChatSettings): Promise<ModelConfig> {
  const { configs } = await settings.known()
  const config = [...configs.values()].find((one) => one.isDefault)
  if (config?.enabled && settings.providerOf(config) !== undefined) return config
  throw badRequest('No default chat model config is configured.', {
    detail: 'An administrator has to enable the default model of chats, or choose another one.',
  })
}

/** What a user has chosen; undefined where the deployment does not let users choose. */
async function personalOverride(
  settings: ChatSettings,
  actor: Actor,
  db: Db,
  userId: string,
  context: ChatPersonalOverrideContext,
): Promise<PersonalOverride | undefined> {
  if (!(await settings.deployment()).allowPersonalOverrides) return undefined
  return readPersonalOverride(context, await findUserSetting(actor, db, userId, personalOverrideKey(context)))
}
