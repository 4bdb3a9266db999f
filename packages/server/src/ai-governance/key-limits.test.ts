import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createToken,
  deleteAPIKeyAILimits,
  getAPIKeyAILimits,
  listAuditLogs,
  listTokens,
  type UpsertAPIKeyAILimitsRequest,
  upsertAPIKeyAILimits,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const stack = new AsyncDisposableStack()
let server: TestServer
let database: Database
let owner: Client
let member: Client
let stranger: Client

beforeAll(async () => {
  server = stack.use(await startTestServer())
  database = stack.use(await openDatabase(server.databaseUrl))
  owner = await server.owner()
  member = await server.user('member')
  stranger = await server.user('stranger')
})
afterAll(() => stack.disposeAsync())

const latest = async (type: string) =>
  (await owner.call(listAuditLogs, { query: { q: `resource_type:${type}`, limit: 1 } })).audit_logs[0]

describe('AG-B8: limits of tokens', () => {
  const tokenOf = async (client: Client, name: string, more = {}) => {
    const { key } = await client.call(createToken, {
      params: { user: 'me' },
      body: { token_name: name, ...more },
    })
    return { secret: key, id: key.split('-')[0] ?? '' }
  }
  const at = (user: string, keyid: string) => ({ params: { user, keyid } })

  it('AG-B8: name no model or provider with a space around it, neither at first nor later', async () => {
    const wrong: readonly (readonly [field: string, limits: UpsertAPIKeyAILimitsRequest])[] = [
      ['models.1', { models: ['gpt-5', ' gpt-4'] }],
      ['providers.0', { providers: ['openai '] }],
    ]
    for (const [field, ai_limits] of wrong) {
      const refused = { status: 400, validations: [{ field }] }
      await expect(tokenOf(member, 'spaced', { ai_limits })).rejects.toMatchObject(refused)
      const { id } = await tokenOf(member, `plain-${field.slice(0, 4)}`)
      await expect(
        member.call(upsertAPIKeyAILimits, { ...at('me', id), body: ai_limits }),
      ).rejects.toMatchObject(refused)
    }
  })

  it('are given with the token, changed, read with what it has spent, and taken away', async () => {
    const { id } = await tokenOf(member, 'limited', {
      ai_limits: { models: ['gpt-*'], requests_per_second: 5 },
    })
    await fixtures.aiKeyDailySpend(database.db, { api_key_id: id, spend_micros: 12 })
    await fixtures.aiKeyDailySpend(database.db, { api_key_id: id, day: '2020-01-31', spend_micros: 100 })
    expect(await latest('api_key')).toMatchObject({
      action: 'create',
      diff: { ai_limits: { new: { models: ['gpt-*'] } } },
    })
    await member.call(upsertAPIKeyAILimits, { ...at('me', id), body: { tokens_per_minute: 50 } })
    expect(await member.call(getAPIKeyAILimits, at('me', id))).toEqual({
      key_id: id,
      providers: null,
      models: ['gpt-*'],
      monthly_spend_limit_micros: null,
      requests_per_second: 5,
      tokens_per_minute: 50,
      current_spend_micros: 12,
    })
    await member.call(deleteAPIKeyAILimits, at('me', id))
    await expect(member.call(getAPIKeyAILimits, at('me', id))).rejects.toMatchObject({ status: 404 })
  })

  it('a token whose limits cannot be stored is not made', async () => {
    await expect(tokenOf(member, 'never', { ai_limits: { requests_per_second: 0 } })).rejects.toMatchObject({
      status: 400,
    })
    const tokens = await member.call(listTokens, { params: { user: 'me' } })
    expect(tokens.map(({ token_name }) => token_name)).not.toContain('never')
  })

  it('are of the token’s user alone, and of who may change their tokens', async () => {
    const { id } = await tokenOf(member, 'mine', { ai_limits: {} })
    const body = { models: ['*'] }
    await expect(stranger.call(getAPIKeyAILimits, at('me', id))).rejects.toMatchObject({ status: 404 })
    await expect(stranger.call(getAPIKeyAILimits, at('member', id))).rejects.toMatchObject({ status: 404 })
    await expect(stranger.call(upsertAPIKeyAILimits, { ...at('me', id), body })).rejects.toMatchObject({
      status: 404,
    })
    await expect(stranger.call(deleteAPIKeyAILimits, at('member', id))).rejects.toMatchObject({ status: 404 })
    // It is there, but of another user than the path says.
    await expect(owner.call(getAPIKeyAILimits, at('stranger', id))).rejects.toMatchObject({ status: 404 })
    expect(await owner.call(getAPIKeyAILimits, at('member', id))).toMatchObject({ key_id: id })
  })

  it('a token with limits neither rids itself of them nor makes tokens', async () => {
    const { id, secret } = await tokenOf(member, 'bounded', { ai_limits: { models: ['gpt-*'] } })
    const bounded = new Client({ url: server.url, token: secret })
    const refused = { status: 403 }
    await expect(bounded.call(deleteAPIKeyAILimits, at('me', id))).rejects.toMatchObject(refused)
    await expect(
      bounded.call(upsertAPIKeyAILimits, { ...at('me', id), body: { models: null } }),
    ).rejects.toMatchObject(refused)
    await expect(tokenOf(bounded, 'child')).rejects.toMatchObject(refused)
    expect(await member.call(getAPIKeyAILimits, at('me', id))).toMatchObject({ models: ['gpt-*'] })
  })
})
