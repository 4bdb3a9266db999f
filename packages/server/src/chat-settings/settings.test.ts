import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import type * as contract from '@slipway/contract'
import {
  type ChatModelConfig,
  deleteChatCompactionThreshold,
  getChatAutoArchiveDays,
  getChatCompactionThresholds,
  getChatModelOverride,
  getChatPersonalModelOverrides,
  getChatPlanModeInstructions,
  getChatRetentionDays,
  getChatSystemPrompt,
  getChatUserModelOverrides,
  getChatUserPrompt,
  getChatWorkspaceTtl,
  getUser,
  listAuditLogs,
  updateChatAutoArchiveDays,
  updateChatCompactionThreshold,
  updateChatModelOverride,
  updateChatPersonalModelOverrides,
  updateChatPlanModeInstructions,
  updateChatRetentionDays,
  updateChatSystemPrompt,
  updateChatUserModelOverride,
  updateChatUserPrompt,
  updateChatWorkspaceTtl,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { addModel, addProvider } from './world.fixture.ts'

let server: TestServer
let database: Database
let admin: Client
let auditor: Client
let member: Client
let memberId: string
let plain: ChatModelConfig
let thinking: ChatModelConfig
let disabled: ChatModelConfig
let foreign: ChatModelConfig

beforeAll(async () => {
  server = await startTestServer()
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  admin = await server.owner()
  auditor = await server.user('auditor', ['auditor'])
  member = await server.user('member')
  memberId = (await member.call(getUser, { params: { user: 'me' } })).id
  const openai = await addProvider(admin, 'openai')
  const own = await addProvider(admin, 'own', { type: 'anthropic', api_keys: [] })
  plain = await addModel(admin, openai.id, 'plain')
  thinking = await addModel(admin, openai.id, 'thinking', {
    model_config: { reasoning_effort: { default: 'low', max: 'high' } },
  })
  disabled = await addModel(admin, openai.id, 'disabled', { enabled: false })
  foreign = await addModel(admin, own.id, 'without-a-key')
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  await database.db.deleteFrom('user_chat_settings').execute()
})

/** The status of a call. */
const statusOf = (call: Promise<unknown>): Promise<number> =>
  call.then(
    () => 200,
    (error: { readonly status: number }) => error.status,
  )

/** Entries of the audit log about instructions, newest first. */
async function entries(): Promise<contract.AuditLog[]> {
  const query = { q: 'resource_type:chat_instruction_settings', limit: 100 }
  return (await admin.call(listAuditLogs, { query })).audit_logs
}

describe('CH-5.1: what models are told', () => {
  const put = (client: Client, body: contract.UpdateChatSystemPromptRequest) =>
    client.call(updateChatSystemPrompt, { body })
  const get = (client = admin) => client.call(getChatSystemPrompt)

  it('CH-509: is kept as a reader sees it', async () => {
    await put(admin, {
      system_prompt: ' a\r\nb\u200b\u202e\ufeff\u00adc\u0007\n\n\n\n\td\u2028e\u{e0041} \n',
    })
    expect((await get()).system_prompt).toBe('a\nbc\n\n\td\ne')
  })

  it('includes what is built in until somebody says otherwise, or another prompt is there', async () => {
    await put(admin, { system_prompt: '' })
    expect(await get()).toMatchObject({ system_prompt: '', include_default_system_prompt: true })
    expect((await get()).default_system_prompt.length).toBeGreaterThan(1000)
    await put(admin, { system_prompt: 'Mine.' })
    expect(await get()).toMatchObject({ system_prompt: 'Mine.', include_default_system_prompt: false })
    await put(admin, { system_prompt: 'Mine.', include_default_system_prompt: true })
    await put(admin, { system_prompt: 'Ours.' })
    expect(await get()).toMatchObject({ system_prompt: 'Ours.', include_default_system_prompt: true })
    await put(admin, { system_prompt: '', include_default_system_prompt: false })
    expect(await get()).toMatchObject({ system_prompt: '', include_default_system_prompt: false })
  })

  it('has 131,072 bytes at most when it is sanitized, and comes in 256 KiB', async () => {
    const most = 'ä'.repeat(65_536)
    await put(admin, { system_prompt: `${most}${'\n'.repeat(5000)}` })
    expect((await get()).system_prompt).toBe(most)
    expect(await statusOf(put(admin, { system_prompt: `${most}x` }))).toBe(400)
    expect(await statusOf(put(admin, { system_prompt: 'x'.repeat(256 * 1024) }))).toBe(413)
    expect((await get()).system_prompt).toBe(most)
  })

  it('is seen and changed by who may change the deployment only', async () => {
    for (const client of [member, auditor]) {
      expect(await statusOf(get(client))).toBe(404)
      expect(await statusOf(client.call(getChatPlanModeInstructions))).toBe(404)
      expect(await statusOf(put(client, { system_prompt: 'x' }))).toBe(403)
    }
    expect(await statusOf(get(server.anonymous))).toBe(401)
  })

  it('T-46, CH-501: changes and refused attempts are recorded, what changes nothing is not', async () => {
    await put(admin, { system_prompt: 'before', include_default_system_prompt: true })
    const count = (await entries()).length
    expect(await statusOf(put(member, { system_prompt: 'sneaky' }))).toBe(403)
    await put(admin, { system_prompt: ' before\n' })
    await put(admin, { system_prompt: 'after' })
    const fresh = (await entries()).slice(0, -count)
    expect(fresh).toMatchObject([
      {
        resource_id: 'c1a715c0-0000-0000-0000-000000000001',
        resource_target: '',
        status_code: 204,
        action: 'write',
        diff: { system_prompt: { old: 'before', new: 'after', secret: false } },
      },
      {
        resource_id: 'c1a715c0-0000-0000-0000-000000000001',
        status_code: 403,
        diff: {},
        user: { username: 'member' },
      },
    ])
    expect(Object.keys(fresh[0]?.diff ?? {})).toEqual(['system_prompt'])
  })

  it('CH-501: the body of a refused attempt is not read', async () => {
    const count = (await entries()).length
    for (const [client, status] of [
      [member, 403],
      [admin, 400],
    ] as const) {
      const response = await fetch(`${server.url}/api/experimental/chats/config/plan-mode-instructions`, {
        method: 'PUT',
        headers: { ...client.headers, 'Content-Type': 'application/json' },
        body: '{"plan_mode',
      })
      expect(response.status).toBe(status)
    }
    expect(await statusOf(admin.call(updateChatPlanModeInstructions, { body: {} as never }))).toBe(400)
    const fresh = (await entries()).slice(0, -count)
    expect(fresh.map(({ status_code: status }) => status)).toEqual([400, 400, 403])
  })

  it('CH-501: plan mode has an entry of its own', async () => {
    const body = { plan_mode_instructions: 'Ask first.\u200b' }
    await admin.call(updateChatPlanModeInstructions, { body })
    expect(await admin.call(getChatPlanModeInstructions)).toEqual({ plan_mode_instructions: 'Ask first.' })
    expect((await entries())[0]).toMatchObject({
      resource_id: 'c1a715c0-0000-0000-0000-000000000002',
      diff: { plan_mode_instructions: { old: '', new: 'Ask first.', secret: false } },
    })
  })

  it('CH-501: of two that write the same at once one changes something', async () => {
    const count = (await entries()).length
    await Promise.all(Array.from({ length: 4 }, () => put(admin, { system_prompt: 'together' })))
    expect((await entries()).length - count).toBe(1)
  })
})

describe('CH-5.1: days and times', () => {
  it('have defaults that everybody sees', async () => {
    expect(await member.call(getChatWorkspaceTtl)).toEqual({ workspace_ttl_ms: 0 })
    expect(await member.call(getChatRetentionDays)).toEqual({ retention_days: 30 })
    expect(await member.call(getChatAutoArchiveDays)).toEqual({ auto_archive_days: 0 })
  })

  it.each([
    ['retention_days', updateChatRetentionDays, getChatRetentionDays],
    ['auto_archive_days', updateChatAutoArchiveDays, getChatAutoArchiveDays],
  ] as const)('%s are 0 to 3650', async (name, update, get) => {
    const put = (client: Client, days: number) =>
      statusOf(client.call<contract.Route>(update, { body: { [name]: days } as never }))
    for (const days of [0, 3650, 7]) {
      expect(await put(admin, days)).toBe(200)
      expect(await member.call<contract.Route>(get)).toEqual({ [name]: days })
    }
    for (const days of [-1, 3651, 1.5]) expect(await put(admin, days)).toBe(400)
    expect(await put(member, 1)).toBe(403)
    expect(await put(auditor, -1)).toBe(403)
    expect(await member.call<contract.Route>(get)).toEqual({ [name]: 7 })
  })

  it('workspaces run as their template says, or a minute to 30 days', async () => {
    const put = (client: Client, workspace_ttl_ms: number) =>
      statusOf(client.call(updateChatWorkspaceTtl, { body: { workspace_ttl_ms } }))
    const days = 30 * 86_400_000
    for (const ttl of [60_000, days, 0]) {
      expect(await put(admin, ttl)).toBe(200)
      expect(await member.call(getChatWorkspaceTtl)).toEqual({ workspace_ttl_ms: ttl })
    }
    for (const ttl of [1, 59_999, days + 1, -1]) expect(await put(admin, ttl)).toBe(400)
    expect(await put(member, 60_000)).toBe(403)
  })
})

describe('CH-5.1: models in place of others', () => {
  const put = (client: Client, context: string, body: contract.UpdateChatModelOverrideRequest) =>
    statusOf(client.call(updateChatModelOverride, { params: { context }, body }))
  const get = (context: string, client = admin) => client.call(getChatModelOverride, { params: { context } })

  it('are an enabled model with an effort that it has, until they are taken away', async () => {
    const unset = { context: 'general', model_config_id: '', is_malformed: false }
    expect(await get('general')).toEqual(unset)
    const body = { model_config_id: thinking.id, reasoning_effort: 'high' }
    expect(await put(admin, 'general', body)).toBe(200)
    const set = { context: 'general', ...body, is_malformed: false }
    expect(await get('general')).toEqual(set)
    expect(await get('general', auditor)).toEqual(set)
    expect(await get('explore')).toEqual({ ...unset, context: 'explore' })
    for (const [context, bad] of [
      ['general', { model_config_id: randomUUID() }],
      ['general', { model_config_id: 'x' }],
      ['general', { model_config_id: disabled.id }],
      ['general', { model_config_id: thinking.id, reasoning_effort: 'xhigh' }],
      ['general', { model_config_id: thinking.id, reasoning_effort: 'huge' }],
      ['general', { model_config_id: plain.id, reasoning_effort: 'low' }],
      ['general', { model_config_id: '', reasoning_effort: 'low' }],
      ['root', { model_config_id: plain.id }],
    ] as const)
      expect(await put(admin, context, bad), JSON.stringify(bad)).toBe(400)
    expect(await get('general')).toEqual(set)
    expect(await put(admin, 'general', { model_config_id: '' })).toBe(200)
    expect(await get('general')).toEqual(unset)
  })

  it('that cannot be read count as none', async () => {
    for (const value of [
      '{',
      '[]',
      '{"model_config_id": 7}',
      `{"model_config_id":"${plain.id}","reasoning_effort":"x"}`,
    ]) {
      await database.db.deleteFrom('chat_settings').where('key', '=', 'model_override:compaction').execute()
      await fixtures.chatSetting(database.db, { key: 'model_override:compaction', value })
      const malformed = { context: 'compaction', model_config_id: '', is_malformed: true }
      await expect.poll(() => get('compaction')).toEqual(malformed)
    }
    expect(await put(admin, 'compaction', { model_config_id: '' })).toBe(200)
    expect(await get('compaction')).toMatchObject({ is_malformed: false })
  })

  it('are seen by who may read the settings of the deployment, and changed by who may change them', async () => {
    expect(await statusOf(get('general', member))).toBe(404)
    expect(await statusOf(get('nothing', member))).toBe(404)
    expect(await statusOf(get('nothing'))).toBe(400)
    expect(await put(member, 'general', { model_config_id: '' })).toBe(403)
    expect(await put(auditor, 'nothing', { model_config_id: '' })).toBe(403)
  })
})

describe('CH-5.2: settings of a user', () => {
  const allow = (allow_users: boolean) =>
    admin.call(updateChatPersonalModelOverrides, { body: { allow_users } })
  const own = (context: string, body: contract.UpdateChatUserModelOverrideRequest, client = member) =>
    client.call(updateChatUserModelOverride, { params: { context }, body })

  it('CH-509: the prompt is sanitized, bounded, and nobody else sees it', async () => {
    expect(await member.call(getChatUserPrompt)).toEqual({ custom_prompt: '' })
    const body = { custom_prompt: ' Be brief.\u200b\r\n' }
    expect(await member.call(updateChatUserPrompt, { body })).toEqual({ custom_prompt: 'Be brief.' })
    expect(await member.call(getChatUserPrompt)).toEqual({ custom_prompt: 'Be brief.' })
    expect(await admin.call(getChatUserPrompt)).toEqual({ custom_prompt: '' })
    const long = { custom_prompt: 'x'.repeat(131_073) }
    expect(await statusOf(member.call(updateChatUserPrompt, { body: long }))).toBe(400)
  })

  it('thresholds are percentages for models that are there and enabled', async () => {
    const put = (id: string, threshold_percent: number) =>
      member.call(updateChatCompactionThreshold, {
        params: { modelConfig: id },
        body: { threshold_percent },
      })
    const list = async () => (await member.call(getChatCompactionThresholds)).thresholds
    expect(await put(plain.id, 100)).toEqual({ model_config_id: plain.id, threshold_percent: 100 })
    expect(await put(thinking.id.toUpperCase(), 0)).toMatchObject({ model_config_id: thinking.id })
    expect(await statusOf(put(randomUUID(), 1))).toBe(404)
    expect(await statusOf(put('x', 1))).toBe(404)
    expect(await statusOf(put(disabled.id, 1))).toBe(400)
    for (const percent of [-1, 101, 1.5]) expect(await statusOf(put(plain.id, percent))).toBe(400)
    const both = [
      { model_config_id: plain.id, threshold_percent: 100 },
      { model_config_id: thinking.id, threshold_percent: 0 },
    ]
    expect((await list()).sort((a, b) => b.threshold_percent - a.threshold_percent)).toEqual(both)
    expect((await admin.call(getChatCompactionThresholds)).thresholds).toEqual([])
    for (const [key, value] of [
      [`compaction_threshold:${disabled.id}`, 'much'],
      [`compaction_threshold:${foreign.id}`, '101'],
      ['compaction_threshold:x', '1'],
    ] as const)
      await fixtures.userChatSetting(database.db, { user_id: memberId, key, value })
    expect(await list()).toHaveLength(2)
    for (const id of [plain.id, plain.id, randomUUID()])
      expect(
        await statusOf(member.call(deleteChatCompactionThreshold, { params: { modelConfig: id } })),
      ).toBe(200)
    expect(await list()).toEqual(both.slice(1))
  })

  it('models are chosen where the deployment lets users choose', async () => {
    expect(await statusOf(member.call(getChatPersonalModelOverrides))).toBe(404)
    expect(await auditor.call(getChatPersonalModelOverrides)).toEqual({ allow_users: false })
    const choice = { mode: 'model', model_config_id: thinking.id, reasoning_effort: 'high' } as const
    expect(await statusOf(own('root', choice))).toBe(403)
    expect(
      await statusOf(member.call(updateChatPersonalModelOverrides, { body: { allow_users: true } })),
    ).toBe(403)
    await allow(true)
    const unset = { model_config_id: '', is_set: false, is_malformed: false }
    const overrides = () => member.call(getChatUserModelOverrides)
    const nothing = { model_config_id: '', is_malformed: false }
    expect(await overrides()).toEqual({
      enabled: true,
      root: { context: 'root', mode: 'chat_default', ...unset },
      general: { context: 'general', mode: 'deployment_default', ...unset },
      explore: { context: 'explore', mode: 'deployment_default', ...unset },
      deployment_defaults: {
        general: { context: 'general', ...nothing },
        explore: { context: 'explore', ...nothing },
      },
    })
    const set = { context: 'root', ...choice, is_set: true, is_malformed: false }
    expect(await own('root', choice)).toEqual(set)
    expect(await own('explore', { mode: 'chat_default' })).toMatchObject({
      mode: 'chat_default',
      is_set: true,
    })
    expect(await overrides()).toMatchObject({ root: set, explore: { mode: 'chat_default' } })
    expect((await admin.call(getChatUserModelOverrides)).root).toMatchObject({ is_set: false })
    await allow(false)
    expect(await overrides()).toMatchObject({ enabled: false, root: set })
    expect(await statusOf(own('root', { mode: 'chat_default' }))).toBe(403)
  })

  it('choices that nothing can follow are refused', async () => {
    await allow(true)
    for (const [context, body] of [
      ['root', { mode: 'deployment_default' }],
      ['root', { mode: 'model' }],
      ['root', { mode: 'model', model_config_id: randomUUID() }],
      ['root', { mode: 'model', model_config_id: disabled.id }],
      ['root', { mode: 'model', model_config_id: foreign.id }],
      ['root', { mode: 'model', model_config_id: thinking.id, reasoning_effort: 'max' }],
      ['general', { mode: 'chat_default', model_config_id: plain.id }],
      ['general', { mode: 'deployment_default', reasoning_effort: 'low' }],
      ['general', { mode: 'best' as never }],
      ['compaction', { mode: 'chat_default' }],
    ] as const)
      expect(await statusOf(own(context, body)), JSON.stringify([context, body])).toBe(400)
    for (const value of ['{', '{"mode":"best"}', '{"mode":"model"}', '{"mode":"deployment_default"}']) {
      await database.db.deleteFrom('user_chat_settings').execute()
      await fixtures.userChatSetting(database.db, { user_id: memberId, key: 'model_override:root', value })
      expect((await member.call(getChatUserModelOverrides)).root).toEqual({
        context: 'root',
        mode: 'chat_default',
        model_config_id: '',
        is_set: true,
        is_malformed: true,
      })
    }
  })

  it('go with their user', async () => {
    const leaving = await server.user('leaving')
    const { id } = await leaving.call(getUser, { params: { user: 'me' } })
    await leaving.call(updateChatUserPrompt, { body: { custom_prompt: 'x' } })
    const left = () =>
      database.db.selectFrom('user_chat_settings').select('key').where('user_id', '=', id).execute()
    expect(await left()).toHaveLength(1)
    await database.db.updateTable('users').set({ deleted: true }).where('id', '=', id).execute()
    expect(await left()).toEqual([])
  })
})
