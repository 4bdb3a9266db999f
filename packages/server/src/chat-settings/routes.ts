import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/value'

import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import { type Actor, authorize, isAllowed } from '../authz/index.ts'
import { type BoundRoute, bodyCheck, forSession, refuseUnstorable } from '../edge/index.ts'
import { type ApiError, badRequest, notFound } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import type { ChatSettings } from './chat-settings.ts'
import {
  getPlanModeInstructions,
  getSystemPrompt,
  PLAN_MODE_ID,
  putPlanModeInstructions,
  putSystemPrompt,
  SYSTEM_PROMPT_ID,
} from './instructions.ts'
import { listModels, offeredModelConfigs } from './list-models.ts'
import { presentModelConfig } from './model-config.ts'
import { changeModelConfig, createModelConfig, removeModelConfig } from './model-configs.ts'
import { getOverride, getPersonalOverrides, putOverride, putPersonalOverride } from './overrides.ts'
import { userPrompt } from './prompts.ts'
import { sanitizedPrompt } from './sanitize-prompt.ts'
import { listModelConfigs } from './store/model-configs.ts'
import { storeSettings } from './store/settings.ts'
import { storeUserSetting } from './store/user-settings.ts'
import { MAX_DAYS, MAX_TTL_MS, MIN_TTL_MS, SETTING, USER_PROMPT } from './stored-settings.ts'
import { deleteThreshold, listThresholds, putThreshold } from './thresholds.ts'

/** Bytes of a request with a prompt (CH-5.1). */
const PROMPT_REQUEST = { bodyLimit: 256 * 1024 }

/** Models of chats, and the settings of the deployment and of users for them (chapter 04, section 5). */
export function chatSettingsRoutes(settings: ChatSettings): BoundRoute[] {
  return [
    forSession(contract.listChatModels, ({ actor }) => listModels(settings, actor.id)),
    ...modelConfigRoutes(settings),
    ...instructionRoutes(settings),
    ...deploymentRoutes(settings),
    ...userRoutes(settings),
  ]
}

function modelConfigRoutes(settings: ChatSettings): BoundRoute[] {
  const { db } = settings.context.database
  return [
    forSession(contract.listChatModelConfigs, async ({ actor }) => {
      if (isAllowed(actor, 'update', { type: 'deployment_config' }))
        return (await listModelConfigs(actor, db)).map(presentModelConfig)
      return offeredModelConfigs(settings)
    }),
    forSession(contract.createChatModelConfig, async ({ actor, body }) =>
      presentModelConfig(await createModelConfig(settings, actor, body)),
    ),
    forSession(contract.updateChatModelConfig, async ({ actor, params, body }) =>
      presentModelConfig(await changeModelConfig(settings, actor, idOf(actor, params), body)),
    ),
    forSession(contract.deleteChatModelConfig, async ({ actor, params }) => {
      await removeModelConfig(settings, actor, idOf(actor, params))
      return undefined
    }),
  ]
}

/** @throws ApiError 403 for who may not change configs, 404 for what is no id. */
function idOf(actor: Actor, params: Readonly<Record<string, string>>): string {
  authorize(actor, 'update', { type: 'deployment_config' })
  const id = params.modelConfig ?? ''
  if (!isUuid(id)) throw notFound()
  return id.toLowerCase()
}

function instructionRoutes(settings: ChatSettings): BoundRoute[] {
  const { context } = settings
  const prompt = lateBody(contract.UpdateChatSystemPromptRequest)
  const plan = lateBody(contract.ChatPlanModeInstructions)
  const what = { type: 'chat_instruction_settings', action: 'write' } as const
  return [
    forSession(contract.getChatSystemPrompt, ({ actor }) => getSystemPrompt(settings, actor)),
    forSession(
      contract.updateChatSystemPrompt,
      (incoming) =>
        audited(context, incoming, what, async (draft) => {
          // A refused attempt has an entry too, and its body is not read (CH-501).
          draft.resourceId = SYSTEM_PROMPT_ID
          authorize(incoming.actor, 'update', { type: 'deployment_config' })
          await putSystemPrompt(settings, incoming.actor, prompt(incoming.bytes), draft)
          return undefined
        }),
      PROMPT_REQUEST,
    ),
    forSession(contract.getChatPlanModeInstructions, ({ actor }) => getPlanModeInstructions(settings, actor)),
    forSession(
      contract.updateChatPlanModeInstructions,
      (incoming) =>
        audited(context, incoming, what, async (draft) => {
          draft.resourceId = PLAN_MODE_ID
          authorize(incoming.actor, 'update', { type: 'deployment_config' })
          await putPlanModeInstructions(settings, incoming.actor, plan(incoming.bytes), draft)
          return undefined
        }),
      PROMPT_REQUEST,
    ),
  ]
}

/** Reads a JSON body that the edge has left as bytes. @throws ApiError 400 as the edge would. */
function lateBody<Schema extends TSchema>(schema: Schema): (bytes: Buffer) => Static<Schema> {
  const check = bodyCheck(schema)
  return (bytes) => {
    const body = parseJson(bytes)
    refuseUnstorable(body)
    check(body)
    if (Check(schema, body)) return body
    throw new Error('a body that was checked does not fit its schema')
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    throw badRequest('Request body must be valid JSON.')
  }
}

function deploymentRoutes(settings: ChatSettings): BoundRoute[] {
  const { db } = settings.context.database
  const store = async (actor: Actor, key: string, value: string): Promise<undefined> => {
    await storeSettings(actor, db, { [key]: value })
    settings.forget()
    return undefined
  }
  const storeDays = (actor: Actor, key: string, field: string, days: number): Promise<undefined> => {
    requireEditor(actor)
    if (days < 0 || days > MAX_DAYS) throw outside(field, `must be between 0 and ${MAX_DAYS}`)
    return store(actor, key, String(days))
  }
  return [
    forSession(contract.getChatModelOverride, ({ actor, params }) =>
      getOverride(settings, actor, params.context ?? ''),
    ),
    forSession(contract.updateChatModelOverride, async ({ actor, params, body }) => {
      await putOverride(settings, actor, params.context ?? '', body)
      return undefined
    }),
    forSession(contract.getChatPersonalModelOverrides, async ({ actor }) => {
      if (!isAllowed(actor, 'read', { type: 'deployment_config' })) throw notFound()
      return { allow_users: (await settings.deployment()).allowPersonalOverrides }
    }),
    forSession(contract.updateChatPersonalModelOverrides, ({ actor, body }) =>
      store(actor, SETTING.allowPersonalOverrides, String(body.allow_users)),
    ),
    forSession(contract.getChatWorkspaceTtl, async () => ({
      workspace_ttl_ms: (await settings.deployment()).workspaceTtlMs,
    })),
    forSession(contract.updateChatWorkspaceTtl, async ({ actor, body }) => {
      requireEditor(actor)
      const ttl = body.workspace_ttl_ms
      if (ttl !== 0 && (ttl < MIN_TTL_MS || ttl > MAX_TTL_MS))
        throw outside('workspace_ttl_ms', `must be 0, or between ${MIN_TTL_MS} and ${MAX_TTL_MS}`)
      return store(actor, SETTING.workspaceTtl, String(ttl))
    }),
    forSession(contract.getChatRetentionDays, async () => ({
      retention_days: (await settings.deployment()).retentionDays,
    })),
    forSession(contract.updateChatRetentionDays, async ({ actor, body }) =>
      storeDays(actor, SETTING.retentionDays, 'retention_days', body.retention_days),
    ),
    forSession(contract.getChatAutoArchiveDays, async () => ({
      auto_archive_days: (await settings.deployment()).autoArchiveDays,
    })),
    forSession(contract.updateChatAutoArchiveDays, async ({ actor, body }) =>
      storeDays(actor, SETTING.autoArchiveDays, 'auto_archive_days', body.auto_archive_days),
    ),
  ]
}

function requireEditor(actor: Actor): void {
  authorize(actor, 'update', { type: 'deployment_config' })
}

function outside(field: string, rule: string): ApiError {
  return badRequest(`${field} ${rule}.`, { validations: [{ field, detail: rule }] })
}

function userRoutes(settings: ChatSettings): BoundRoute[] {
  const { db } = settings.context.database
  return [
    forSession(contract.getChatUserPrompt, async ({ actor }) => ({
      custom_prompt: await userPrompt(actor, db, actor.id),
    })),
    forSession(
      contract.updateChatUserPrompt,
      async ({ actor, body }) => {
        const value = sanitizedPrompt(body.custom_prompt, 'custom_prompt')
        await storeUserSetting(actor, db, actor.id, { key: USER_PROMPT, value })
        return { custom_prompt: value }
      },
      PROMPT_REQUEST,
    ),
    forSession(contract.getChatCompactionThresholds, async ({ actor }) => ({
      thresholds: await listThresholds(settings, actor),
    })),
    forSession(contract.updateChatCompactionThreshold, ({ actor, params, body }) =>
      putThreshold(settings, actor, params.modelConfig ?? '', body.threshold_percent),
    ),
    forSession(contract.deleteChatCompactionThreshold, async ({ actor, params }) => {
      await deleteThreshold(settings, actor, params.modelConfig ?? '')
      return undefined
    }),
    forSession(contract.getChatUserModelOverrides, ({ actor }) => getPersonalOverrides(settings, actor)),
    forSession(contract.updateChatUserModelOverride, ({ actor, params, body }) =>
      putPersonalOverride(settings, actor, params.context ?? '', body),
    ),
  ]
}
