import { randomUUID } from 'node:crypto'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  AIProviderType,
  createChatModelConfig,
  deleteAIProvider,
  deleteChatModelConfig,
  listChatModelConfigs,
  listChatModels,
  type UpdateChatModelConfigRequest,
  updateAIProvider,
  updateChatModelConfig,
} from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { worksWithChats } from './chat-settings.ts'
import { addModel, addProvider } from './world.fixture.ts'

let server: TestServer
let admin: Client

beforeEach(async () => {
  server = await startTestServer()
  admin = await server.owner()
})
afterEach(() => server[Symbol.asyncDispose]())

const list = (client: Client) => client.call(listChatModelConfigs)
const changeAs = (client: Client, id: string, body: UpdateChatModelConfigRequest) =>
  client.call(updateChatModelConfig, { params: { modelConfig: id }, body })
const change = (id: string, body: UpdateChatModelConfigRequest) => changeAs(admin, id, body)
const remove = (client: Client, id: string) =>
  client.call(deleteChatModelConfig, { params: { modelConfig: id } })
/** Names of all models, the default one with a star. */
const models = async (client = admin): Promise<string[]> =>
  (await list(client)).map(({ model, is_default }) => (is_default ? `${model}*` : model))

describe('CH-5.3: models of chats', () => {
  it('have defaults and show what was given', async () => {
    const provider = await addProvider(admin, 'openai')
    const made = await addModel(admin, provider.id, ' gpt-5 ')
    expect(made).toEqual({
      id: expect.any(String),
      ai_provider_id: provider.id,
      model: 'gpt-5',
      display_name: '',
      enabled: true,
      is_default: true,
      context_limit: 128_000,
      compression_threshold: 70,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    })
    const changed = await change(made.id, {
      display_name: 'GPT',
      context_limit: 1000,
      compression_threshold: 100,
    })
    expect(changed).toMatchObject({ model: 'gpt-5', display_name: 'GPT', context_limit: 1000 })
    expect(await list(admin)).toEqual([changed])
  })

  it('need a provider that is on, a model and a context limit', async () => {
    const off = await addProvider(admin, 'off', { enabled: false })
    const copilot = await addProvider(admin, 'copilot', { type: 'copilot', api_keys: [] })
    const on = await addProvider(admin, 'on')
    const refusal = (body: UpdateChatModelConfigRequest) =>
      admin.call(createChatModelConfig, { body }).then(
        () => 201,
        (error: { readonly status: number }) => error.status,
      )
    const good = { ai_provider_id: on.id, model: 'm', context_limit: 1 }
    expect(await refusal({ model: 'm', context_limit: 1 })).toBe(400)
    expect(await refusal({ ...good, ai_provider_id: randomUUID() })).toBe(400)
    expect(await refusal({ ...good, ai_provider_id: copilot.id })).toBe(400)
    expect(await refusal({ ...good, ai_provider_id: off.id })).toBe(412)
    expect(await refusal({ ...good, model: ' ' })).toBe(400)
    expect(await refusal({ ai_provider_id: on.id, model: 'm' })).toBe(400)
    expect(await refusal({ ...good, context_limit: 0 })).toBe(400)
    expect(await refusal({ ...good, compression_threshold: 101 })).toBe(400)
    expect(await models()).toEqual([])
    expect(await refusal(good)).toBe(201)
    const [made] = await list(admin)
    await expect(change(made?.id ?? '', { ai_provider_id: off.id })).rejects.toMatchObject({ status: 412 })
  })

  it('are changed by administrators only, and members see those that they can choose', async () => {
    const provider = await addProvider(admin, 'openai')
    const other = await addProvider(admin, 'other')
    const shown = await addModel(admin, provider.id, 'shown')
    await addModel(admin, provider.id, 'disabled', { enabled: false })
    await addModel(admin, other.id, 'unreachable')
    await admin.call(updateAIProvider, { params: { idOrName: 'other' }, body: { enabled: false } })
    for (const role of ['member', 'auditor', 'template-admin']) {
      const client = await server.user(`a-${role}`, role === 'member' ? [] : [role])
      expect(await models(client)).toEqual(['shown*'])
      const body = { ai_provider_id: provider.id, model: 'm', context_limit: 1 }
      await expect(client.call(createChatModelConfig, { body })).rejects.toMatchObject({ status: 403 })
      await expect(changeAs(client, shown.id, { model: 'x' })).rejects.toMatchObject({ status: 403 })
      await expect(remove(client, shown.id)).rejects.toMatchObject({ status: 403 })
    }
    expect(await models()).toEqual(['shown*', 'disabled', 'unreachable'])
    await expect(list(server.anonymous)).rejects.toMatchObject({ status: 401 })
    for (const id of [randomUUID(), 'x'])
      await expect(remove(admin, id)).rejects.toMatchObject({ status: 404 })
  })
})

describe('CH-132: what the database keeps', () => {
  it('is one live default at most, a provider for each live model, limits that make sense, and what was deleted', async () => {
    const provider = await addProvider(admin, 'openai')
    const first = await addModel(admin, provider.id, 'first')
    const second = await addModel(admin, provider.id, 'second')
    await using database = await openDatabase(server.databaseUrl)
    const row = (id: string) => database.db.selectFrom('chat_model_configs').selectAll().where('id', '=', id)
    for (const wrong of [
      { is_default: true },
      { ai_provider_id: null },
      { context_limit: 0 },
      { compression_threshold: 101 },
      { compression_threshold: -1 },
    ])
      await expect(
        database.db
          .updateTable('chat_model_configs')
          .set(wrong as object)
          .where('id', '=', second.id)
          .execute(),
        JSON.stringify(wrong),
      ).rejects.toThrow()
    await remove(admin, first.id)
    expect(await row(first.id).executeTakeFirst()).toMatchObject({
      model: 'first',
      deleted: true,
      is_default: false,
    })
    expect(await models()).toEqual(['second*'])
  })
})

it.each(AIProviderType.enum)('CH-133: chats work with providers of type %s, but for copilot', (type) => {
  expect(worksWithChats({ type })).toBe(type !== 'copilot')
})

describe('CH-503: the default', () => {
  it('is the first model, and the one that is made it', async () => {
    const { id: provider } = await addProvider(admin, 'openai')
    const first = await addModel(admin, provider, 'first', { enabled: false })
    const second = await addModel(admin, provider, 'second')
    expect(await models()).toEqual(['first*', 'second'])
    await change(second.id, { is_default: true })
    expect(await models()).toEqual(['first', 'second*'])
    await addModel(admin, provider, 'third', { is_default: true })
    expect(await models()).toEqual(['first', 'second', 'third*'])
    await change(first.id, { is_default: false })
    expect(await models()).toEqual(['first', 'second', 'third*'])
  })

  it('T-40: goes to one that can be used when it is deleted, or is given up', async () => {
    const { id: provider } = await addProvider(admin, 'openai')
    const off = await addProvider(admin, 'off')
    await addModel(admin, provider, 'disabled', { enabled: false })
    await addModel(admin, off.id, 'unreachable')
    const best = await addModel(admin, provider, 'best')
    const last = await addModel(admin, provider, 'last', { is_default: true })
    await admin.call(updateAIProvider, { params: { idOrName: 'off' }, body: { enabled: false } })
    await remove(admin, last.id)
    expect(await models()).toEqual(['disabled', 'unreachable', 'best*'])
    await change(best.id, { is_default: false })
    expect(await models()).toEqual(['disabled', 'unreachable*', 'best'])
  })

  it('stays where there is no other', async () => {
    const { id: provider } = await addProvider(admin, 'openai')
    const only = await addModel(admin, provider, 'only')
    expect(await change(only.id, { is_default: false })).toMatchObject({ is_default: true })
    await remove(admin, only.id)
    expect(await models()).toEqual([])
    await addModel(admin, provider, 'next')
    expect(await models()).toEqual(['next*'])
  })

  it('is one also when many ask for it at once', async () => {
    const { id: provider } = await addProvider(admin, 'openai')
    await Promise.all(
      Array.from({ length: 6 }, (_, n) => addModel(admin, provider, `m${n}`, { is_default: n % 2 === 0 })),
    )
    expect((await models()).filter((name) => name.endsWith('*'))).toHaveLength(1)
  })

  it('changes are known to other replicas', async () => {
    await using second = await startTestServer({ databaseUrl: server.databaseUrl })
    const { id: provider } = await addProvider(admin, 'openai')
    const there = new Client({ url: second.url, token: admin.headers['Coder-Session-Token'] })
    const elsewhere = async (): Promise<string[]> =>
      (await there.call(listChatModels)).providers.flatMap(({ models: of }) => of.map(({ model }) => model))
    const made = await addModel(admin, provider, 'one')
    await until('the other replica to know it', async () => (await elsewhere()).includes('one'))
    await change(made.id, { model: 'two' })
    await until('the other replica to know the change', async () => (await elsewhere()).includes('two'))
  })
})

describe('CH-504, CH-505: options of calls', () => {
  it('are kept, with the efforts that may be chosen', async () => {
    const { id: provider } = await addProvider(admin, 'openai')
    const model_config = {
      max_output_tokens: 4096,
      temperature: 0.5,
      reasoning_effort: { default: 'low', max: 'high' },
      openai_config: { use_responses_api: true },
      provider_options: { openai: { text_verbosity: 'low' } },
    } as const
    const made = await addModel(admin, provider, 'm', { model_config })
    expect(made).toMatchObject({
      model_config,
      reasoning_efforts: ['none', 'minimal', 'low', 'medium', 'high'],
    })
    // What is left out stays; what is given takes the place of all.
    expect(await change(made.id, { enabled: false })).toMatchObject({ model_config })
    const changed = await change(made.id, { model_config: { top_k: 3 } })
    expect(changed.model_config).toEqual({ top_k: 3 })
    expect(changed).not.toHaveProperty('reasoning_efforts')
  })

  it('are refused when they contradict themselves or name unknown blocks', async () => {
    const { id: provider } = await addProvider(admin, 'openai')
    for (const model_config of [
      { reasoning_effort: { default: 'max', max: 'low' } },
      { reasoning_effort: { default: 'low' } },
      { reasoning_effort: { default: 'some', max: 'more' } },
      { provider_options: { acme: {} } },
      { provider_options: { openai: { text: 'x'.repeat(70_000) } } },
      { temperature: 3 },
    ])
      await expect(
        addModel(admin, provider, 'm', { model_config } as never),
        JSON.stringify(model_config).slice(0, 60),
      ).rejects.toMatchObject({ status: 400 })
    expect(await models()).toEqual([])
  })

  it('of former versions are left out', async () => {
    const { id: provider } = await addProvider(admin, 'openai')
    const { id } = await addModel(admin, provider, 'm')
    await using database = await openDatabase(server.databaseUrl)
    await database.db
      .updateTable('chat_model_configs')
      .set({
        options: JSON.stringify({ input_price: 1, cost: { cached: 2 }, temperature: 'warm', top_p: 0.5 }),
      })
      .where('id', '=', id)
      .execute()
    expect((await list(admin))[0]?.model_config).toEqual({ top_p: 0.5 })
  })
})

describe('CH-506: what a user may choose from', () => {
  it('names each enabled provider with its enabled models, and why some cannot be used', async () => {
    const openai = await addProvider(admin, 'openai')
    const own = await addProvider(admin, 'bring-your-own', { type: 'anthropic', api_keys: [] })
    const off = await addProvider(admin, 'off')
    await addProvider(admin, 'pilot', { type: 'copilot', api_keys: [] })
    const made = await addModel(admin, openai.id, 'gpt', { display_name: 'The model' })
    await addModel(admin, openai.id, 'disabled', { enabled: false })
    const claude = await addModel(admin, own.id, 'claude')
    await addModel(admin, off.id, 'unreachable')
    await admin.call(updateAIProvider, { params: { idOrName: 'off' }, body: { enabled: false } })
    const member = await server.user('member')
    expect(await member.call(listChatModels)).toEqual({
      providers: [
        expect.objectContaining({
          provider: 'bring-your-own',
          provider_type: 'anthropic',
          available: false,
          unavailable_reason: 'user_api_key_required',
          models: [{ id: claude.id, provider: 'bring-your-own', model: 'claude', display_name: 'claude' }],
        }),
        expect.objectContaining({
          provider: 'openai',
          available: true,
          models: [{ id: made.id, provider: 'openai', model: 'gpt', display_name: 'The model' }],
        }),
      ],
      unsupported_providers: [{ provider: 'pilot', display_name: 'pilot' }],
    })
    await admin.call(deleteAIProvider, { params: { idOrName: 'openai' } })
    const after = await member.call(listChatModels)
    expect(after.providers.map(({ provider }) => provider)).toEqual(['bring-your-own'])
  })
})
