import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type AIProvider,
  type ChatModelConfig,
  getUser,
  putUserAIProviderKey,
  updateAIProvider,
  updateChatModelConfig,
  updateChatModelOverride,
  updateChatPersonalModelOverrides,
  updateChatSystemPrompt,
} from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import { fixtures, startTestServer, type TestServer, until } from '@slipway/testkit'
import { ModelProviders } from '../ai-providers/index.ts'
import { systemActor } from '../authz/index.ts'
import { parseConfig } from '../config/index.ts'
import { openContext } from '../open-context.ts'
import { ChatSettings } from './chat-settings.ts'
import { compactionThreshold, deploymentPrompt, userPrompt } from './prompts.ts'
import { effectiveEffort, parseReasoningEffort } from './reasoning-effort.ts'
import {
  type ModelWish,
  modelForRun,
  overrideModel,
  resolveModel,
  type SubagentWish,
  subagentModel,
  usableModels,
} from './resolve-model.ts'
import { addModel, addProvider } from './world.fixture.ts'

const actor = systemActor('chatd', 'a test')
const stack = new AsyncDisposableStack()
let server: TestServer
let admin: Client
let member: Client
let ownerId: string
/** As another replica knows them. */
let settings: ChatSettings
let off: AIProvider
let usual: ChatModelConfig
let thinking: ChatModelConfig
let disabled: ChatModelConfig
let unreachable: ChatModelConfig
let keyless: ChatModelConfig

beforeAll(async () => {
  server = stack.use(await startTestServer())
  admin = await server.owner()
  member = await server.user('member')
  ownerId = (await member.call(getUser, { params: { user: 'me' } })).id
  const openai = await addProvider(admin, 'openai')
  off = await addProvider(admin, 'off')
  const own = await addProvider(admin, 'own', { type: 'anthropic', api_keys: [] })
  usual = await addModel(admin, openai.id, 'usual')
  thinking = await addModel(admin, openai.id, 'thinking', {
    compression_threshold: 50,
    model_config: { reasoning_effort: { default: 'low', max: 'high' } },
  })
  disabled = await addModel(admin, openai.id, 'disabled', { enabled: false })
  unreachable = await addModel(admin, off.id, 'unreachable')
  keyless = await addModel(admin, own.id, 'keyless')
  await admin.call(updateAIProvider, { params: { idOrName: 'off' }, body: { enabled: false } })

  const configuration = parseConfig([], {
    CODER_PG_CONNECTION_URL: server.databaseUrl,
    CODER_CONFIG_DIR: server.configDirectory,
  })
  if (configuration.kind !== 'start') throw new Error('bad configuration')
  const { context } = await openContext(
    { configuration, log: silentLogger(), listening: () => server.url },
    stack,
  )
  const providers = stack.use(await ModelProviders.start(context))
  settings = stack.use(new ChatSettings(context, providers))
})
afterAll(() => stack.disposeAsync())

beforeEach(async () => {
  const { db } = settings.context.database
  await db.deleteFrom('user_chat_settings').execute()
  await db.deleteFrom('chat_settings').execute()
  await db.updateTable('chat_model_configs').set({ is_default: false }).execute()
  await db.updateTable('chat_model_configs').set({ is_default: true }).where('id', '=', usual.id).execute()
  settings.forget()
})

const db = () => settings.context.database.db
/** Model and effort of what is resolved, or the message of the refusal. */
const outcome = (resolved: ReturnType<typeof resolveModel>): Promise<unknown> =>
  resolved.then(
    ({ config, reasoningEffort }) =>
      reasoningEffort === undefined ? config.model : [config.model, reasoningEffort],
    (error: { readonly status: number; readonly message: string }) => [error.status, error.message],
  )
const resolve = (wish: Omit<ModelWish, 'ownerId'> = {}) =>
  outcome(resolveModel(settings, actor, db(), { ownerId, ...wish }))
const set = (key: string, value: object) =>
  fixtures.chatSetting(db(), { key, value: JSON.stringify(value) }).then(() => settings.forget())
const choose = (context: string, value: object) =>
  fixtures.userChatSetting(db(), {
    user_id: ownerId,
    key: `model_override:${context}`,
    value: JSON.stringify(value),
  })
const allow = async () => {
  await fixtures.chatSetting(db(), { key: 'allow_personal_model_overrides', value: 'true' })
  settings.forget()
}

describe('CH-404: the model of a message', () => {
  it('is the one that is named, unless it cannot be used, and each reason has its words', async () => {
    expect(await resolve({ modelConfigId: thinking.id, reasoningEffort: 'high' })).toEqual([
      'thinking',
      'high',
    ])
    expect(await resolve({ modelConfigId: thinking.id.toUpperCase() })).toBe('thinking')
    const refusals = await Promise.all(
      [randomUUID(), disabled.id, unreachable.id, keyless.id].map((id) => resolve({ modelConfigId: id })),
    )
    expect(refusals).toEqual([
      [400, 'Chat model config not found.'],
      [400, 'Chat model config is disabled.'],
      [400, 'The AI provider of the chat model config is disabled.'],
      [400, 'No API key is available for the AI provider of the chat model config.'],
    ])
  })

  it('is the default when none is named, as long as it is enabled under an enabled provider', async () => {
    expect(await resolve({ reasoningEffort: 'low' })).toEqual(['usual', 'low'])
    const none = [400, 'No default chat model config is configured.']
    for (const id of [disabled.id, unreachable.id, undefined]) {
      await db().updateTable('chat_model_configs').set({ is_default: false }).execute()
      if (id !== undefined)
        await db().updateTable('chat_model_configs').set({ is_default: true }).where('id', '=', id).execute()
      settings.forget()
      expect(await resolve()).toEqual(none)
      expect(await resolve({ modelConfigId: thinking.id })).toBe('thinking')
    }
  })

  it("is the owner's own choice for a new chat, where that is allowed and can be used", async () => {
    await choose('root', { mode: 'model', model_config_id: thinking.id, reasoning_effort: 'high' })
    expect(await resolve()).toBe('usual')
    await allow()
    expect(await resolve()).toEqual(['thinking', 'high'])
    expect(await resolve({ reasoningEffort: 'none' })).toEqual(['thinking', 'none'])
    expect(await resolve({ modelConfigId: usual.id })).toBe('usual')
    for (const choice of [
      { mode: 'model', model_config_id: disabled.id },
      { mode: 'model', model_config_id: keyless.id },
      { mode: 'chat_default' },
      { mode: 'nonsense' },
    ]) {
      await db().deleteFrom('user_chat_settings').execute()
      await choose('root', choice)
      expect(await resolve(), JSON.stringify(choice)).toBe('usual')
    }
  })

  it('CH-431, CH-433: is what answered before while that can be used, whatever the owner chooses for new chats', async () => {
    await allow()
    await choose('root', { mode: 'model', model_config_id: usual.id })
    expect(await resolve({ previousModelConfigId: thinking.id })).toBe('thinking')
    expect(await resolve({ previousModelConfigId: thinking.id, modelConfigId: usual.id })).toBe('usual')
    for (const id of [disabled.id, unreachable.id, keyless.id, randomUUID()])
      expect(await resolve({ previousModelConfigId: id })).toBe('usual')
  })

  it('CH-507: a key that the owner brings makes a model usable', async () => {
    const friend = await server.user('friend')
    const { id } = await friend.call(getUser, { params: { user: 'me' } })
    const usable = async (userId: string) => (await usableModels(settings, userId)).map(({ model }) => model)
    expect(await usable(id)).toEqual(['usual', 'thinking'])
    await friend.call(putUserAIProviderKey, {
      params: { user: 'me', provider: 'own' },
      body: { api_key: 'sk-mine-0123456789' },
    })
    expect(await usable(id)).toEqual(['usual', 'thinking', 'keyless'])
    expect(await usable(ownerId)).toEqual(['usual', 'thinking'])
  })
})

describe('CH-1121: the model of a subagent', () => {
  const spawn = (wish: Partial<SubagentWish> = {}) =>
    outcome(
      subagentModel(settings, actor, db(), {
        ownerId,
        kind: 'general',
        parent: { modelConfigId: usual.id, reasoningEffort: 'minimal' },
        ...wish,
      }),
    )

  it("is the named one, else the owner's choice, else that of the deployment, else the parent's", async () => {
    expect(await spawn()).toEqual(['usual', 'minimal'])
    await set('model_override:general', { model_config_id: thinking.id, reasoning_effort: 'high' })
    expect(await spawn()).toEqual(['thinking', 'high'])
    expect(await spawn({ reasoningEffort: 'low' })).toEqual(['thinking', 'low'])
    expect(await spawn({ kind: 'explore' })).toEqual(['usual', 'minimal'])
    await choose('general', { mode: 'model', model_config_id: usual.id })
    expect(await spawn()).toEqual(['thinking', 'high'])
    await allow()
    expect(await spawn()).toBe('usual')
    expect(await spawn({ modelConfigId: thinking.id })).toBe('thinking')
    expect(await spawn({ modelConfigId: disabled.id })).toEqual([400, 'Chat model config is disabled.'])
  })

  it("keeps the parent's where the owner wants that, and passes over what cannot be used", async () => {
    await allow()
    await set('model_override:general', { model_config_id: thinking.id })
    await choose('general', { mode: 'chat_default' })
    expect(await spawn()).toEqual(['usual', 'minimal'])
    await db().deleteFrom('user_chat_settings').execute()
    await choose('general', { mode: 'model', model_config_id: keyless.id })
    expect(await spawn()).toBe('thinking')
    await db().deleteFrom('user_chat_settings').execute()
    await choose('general', { mode: 'deployment_default' })
    expect(await spawn()).toBe('thinking')
    await db().deleteFrom('chat_settings').where('key', '=', 'model_override:general').execute()
    await set('model_override:general', { model_config_id: disabled.id })
    expect(await spawn()).toEqual(['usual', 'minimal'])
    expect(await spawn({ parent: { modelConfigId: disabled.id, reasoningEffort: 'high' } })).toBe('usual')
  })
})

describe('what a turn is generated with', () => {
  const run = (modelConfigId: string, reasoningEffort?: 'none' | 'max') =>
    modelForRun(settings, { ownerId, modelConfigId, reasoningEffort }).then(
      ({ config, provider, effort }) => [config.model, provider.name, effort],
      (error: { readonly kind: string; readonly provider: string }) => [error.kind, error.provider],
    )

  it('CH-505: has its effort clamped, or none', async () => {
    expect(await run(thinking.id)).toEqual(['thinking', 'openai', 'low'])
    expect(await run(thinking.id, 'max')).toEqual(['thinking', 'openai', 'high'])
    expect(await run(thinking.id, 'none')).toEqual(['thinking', 'openai', 'none'])
    expect(await run(usual.id, 'max')).toEqual(['usual', 'openai', undefined])
    expect(effectiveEffort({ reasoning_effort: { default: 'max', max: 'low' } }, undefined)).toBe('low')
    expect(parseReasoningEffort('')).toBeUndefined()
    expect(() => parseReasoningEffort('hard')).toThrow('Invalid reasoning_effort.')
  })

  it('is the default once its own model is gone, and fails with the kind that says why', async () => {
    expect(await run(disabled.id)).toEqual(['usual', 'openai', undefined])
    expect(await run(randomUUID())).toEqual(['usual', 'openai', undefined])
    expect(await run(unreachable.id)).toEqual(['provider_disabled', 'off'])
    expect(await run(keyless.id)).toEqual(['missing_key', 'own'])
    await db().updateTable('chat_model_configs').set({ is_default: false }).execute()
    settings.forget()
    expect(await run(disabled.id)).toEqual(['config', undefined])
  })

  it('CH-803, CH-1010: titles and compaction have models of their own where one is set and can be used', async () => {
    expect(await overrideModel(settings, 'compaction', ownerId)).toEqual({ kind: 'unset' })
    await set('model_override:compaction', { model_config_id: thinking.id, reasoning_effort: 'high' })
    await set('model_override:title_generation', { model_config_id: keyless.id })
    expect(await overrideModel(settings, 'compaction', ownerId)).toMatchObject({
      kind: 'model',
      model: { config: { model: 'thinking' }, provider: { name: 'openai' }, effort: 'high' },
    })
    expect(await overrideModel(settings, 'title_generation', ownerId)).toEqual({ kind: 'unusable' })
    for (const gone of [disabled.id, unreachable.id, randomUUID()]) {
      await db().deleteFrom('chat_settings').execute()
      await set('model_override:compaction', { model_config_id: gone })
      expect(await overrideModel(settings, 'compaction', ownerId)).toEqual({ kind: 'stale' })
    }
  })

  it('CH-801: is compacted where the owner wants it, else where the model says', async () => {
    const threshold = () =>
      compactionThreshold(actor, db(), ownerId, { id: thinking.id, compressionThreshold: 50 })
    expect(await threshold()).toBe(50)
    const key = `compaction_threshold:${thinking.id}`
    await fixtures.userChatSetting(db(), { user_id: ownerId, key, value: '100' })
    expect(await threshold()).toBe(100)
    await db().updateTable('user_chat_settings').set({ value: '101' }).execute()
    expect(await threshold()).toBe(50)
  })

  it('CH-701, CH-702: begins with the prompts of the deployment, and has that of the owner', async () => {
    const builtIn = await deploymentPrompt(settings)
    expect(builtIn).toContain('workspace')
    const put = async (system_prompt: string, include_default_system_prompt: boolean) => {
      await admin.call(updateChatSystemPrompt, { body: { system_prompt, include_default_system_prompt } })
      const { systemPrompt, includeDefaultSystemPrompt } = await until(
        'this replica to know it',
        async () => {
          const known = await settings.deployment()
          return known.systemPrompt === system_prompt &&
            known.includeDefaultSystemPrompt === include_default_system_prompt
            ? known
            : undefined
        },
      )
      expect([systemPrompt, includeDefaultSystemPrompt]).toEqual([
        system_prompt,
        include_default_system_prompt,
      ])
      return deploymentPrompt(settings)
    }
    expect(await put('Ours.', true)).toBe(`${builtIn}\n\nOurs.`)
    expect(await put('Ours.', false)).toBe('Ours.')
    expect(await put('', false)).toBe('')
    expect(await userPrompt(actor, db(), ownerId)).toBe('')
    await fixtures.userChatSetting(db(), { user_id: ownerId, key: 'custom_prompt', value: 'Be brief.' })
    expect(await userPrompt(actor, db(), ownerId)).toBe('Be brief.')
  })
})

it('CH-503: what is known is forgotten when it changes anywhere, and read once otherwise', async () => {
  await until('changes of the tests before to be over', async () => {
    const first = await settings.known()
    return (await settings.known()) === first
  })
  await admin.call(updateChatModelConfig, {
    params: { modelConfig: thinking.id },
    body: { display_name: 'Thinker' },
  })
  await until('the model to be known here', async () =>
    [...(await settings.known()).configs.values()].some(({ displayName }) => displayName === 'Thinker'),
  )
  await admin.call(updateChatPersonalModelOverrides, { body: { allow_users: true } })
  await until(
    'the setting to be known here',
    async () => (await settings.deployment()).allowPersonalOverrides,
  )
  await admin.call(updateChatModelOverride, {
    params: { context: 'explore' },
    body: { model_config_id: thinking.id },
  })
  await until(
    'the choice to be known here',
    async () => (await settings.deployment()).overrides.explore.modelConfigId === thinking.id,
  )
})
