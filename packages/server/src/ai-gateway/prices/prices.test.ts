import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  deleteAIModelPrice,
  getUser,
  listAIModelPriceChanges,
  listAIModelPrices,
  listAuditLogs,
  upsertAIModelPrices,
} from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let owner: Client
let member: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

describe('AG-109: prices', () => {
  const list = (query: { provider?: string; model?: string; source?: 'default' | 'custom' | 'all' } = {}) =>
    owner.call(listAIModelPrices, { query })
  const price = {
    provider: 'openai',
    model: 'gpt-5',
    input_price: 1,
    output_price: 2,
    cache_read_price: null,
    cache_write_price: null,
  }
  const set = (...prices: object[]) => owner.call(upsertAIModelPrices, { body: { prices } })

  it('AG-108: the release brings some, and the deployment’s own win', async () => {
    const of = { provider: 'openai', model: 'gpt-5' }
    const [shipped] = await list(of)
    expect(shipped).toMatchObject({ source: 'default', input_price: 1_250_000, output_price: 10_000_000 })
    await set(price)
    const [first] = await list(of)
    expect(first).toMatchObject({ ...price, source: 'custom' })
    expect(await list({ ...of, source: 'all' })).toMatchObject([{ source: 'custom' }, { source: 'default' }])
    expect(await list({ ...of, source: 'default' })).toEqual([shipped])
    // Only a price that changes is new.
    await set(price)
    expect((await list(of))[0]?.updated_at).toBe(first?.updated_at)
    await set({ ...price, output_price: 3 })
    expect((await list(of))[0]?.updated_at).not.toBe(first?.updated_at)
    await server.stop()
    await server.start()
    owner = await server.owner()
    member = new Client({ url: server.url, token: member.headers['Coder-Session-Token'] })
    expect((await list(of))[0]).toMatchObject({ source: 'custom', output_price: 3 })
  })

  it('AG-108: a price of the deployment goes away again, and that of the release counts', async () => {
    const { provider, model } = price
    const remove = (query: { provider: string; model: string }) => owner.call(deleteAIModelPrice, { query })
    await set({ ...price, input_price: 7 }, { ...price, model: 'house' })
    await expect(member.call(deleteAIModelPrice, { query: { provider, model } })).rejects.toMatchObject({
      status: 403,
    })
    await remove({ provider, model })
    expect(await list({ provider, model })).toMatchObject([{ source: 'default', input_price: 1_250_000 }])
    await remove({ provider, model: 'house' })
    expect(await list({ provider, model: 'house' })).toEqual([])
    // What the release brings stays, and what is not there cannot go.
    for (const query of [
      { provider, model },
      { provider, model: 'house' },
      { provider: 'nobody', model },
    ])
      await expect(remove(query)).rejects.toMatchObject({ status: 404 })
    expect(await list({ provider, model, source: 'all' })).toHaveLength(1)
  })

  it('AG-108: the release knows the main models by their dated names too', async () => {
    for (const [dated, model] of [
      ['gpt-5-2025-08-07', 'gpt-5'],
      ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini'],
      ['o3-2025-04-16', 'o3'],
    ]) {
      const of = { provider: 'azure', source: 'default' } as const
      const [same] = await list({ ...of, model: model ?? '' })
      expect(await list({ ...of, model: dated ?? '' }), dated).toMatchObject([
        { input_price: same?.input_price, output_price: same?.output_price },
      ])
    }
  })

  it('AG-108: models of Bedrock have prices at both types of providers that serve them (AG-105)', async () => {
    const model = 'global.anthropic.claude-sonnet-4-5-20250929-v1:0'
    for (const provider of ['bedrock', 'anthropic'])
      expect(await list({ provider, model }), provider).toMatchObject([
        { input_price: 3_000_000, output_price: 15_000_000, cache_write_price: 3_750_000 },
      ])
  })

  it('AG-109: a model of Google has one price by both of its names', async () => {
    const named = { provider: 'google', model: 'models/house' }
    await set({ ...price, ...named })
    const found = { ...price, provider: 'google', model: 'house', source: 'custom' }
    expect(await list(named)).toMatchObject([found])
    expect(await list({ ...named, model: 'house' })).toMatchObject([found])
    await expect(set({ ...price, ...named }, { ...price, ...named, model: 'house' })).rejects.toMatchObject({
      validations: [{ field: 'prices[1].model' }],
    })
    expect(await owner.call(listAIModelPriceChanges, { query: named })).toHaveLength(1)
    await owner.call(deleteAIModelPrice, { query: named })
    expect(await list(named)).toEqual([])
  })

  it('AG-108: what changes of prices is kept and audited, with who did it', async () => {
    const model = randomUUID()
    const of = { provider: 'openai', model }
    const { id } = await owner.call(getUser, { params: { user: 'me' } })
    await set({ ...price, model })
    await set({ ...price, model })
    await set(
      { ...price, model, input_price: 5 },
      { ...price, model: `${model}-2` },
      { ...price, model: `${model}-3` },
    )
    await owner.call(deleteAIModelPrice, { query: of })
    const changes = await owner.call(listAIModelPriceChanges, { query: of })
    expect(changes).toMatchObject([
      { ...price, ...of, source: 'custom', removed: true, input_price: 5, changed_by: { id } },
      { removed: false, input_price: 5, changed_by: { id } },
      { removed: false, input_price: 1, changed_by: { id } },
    ])
    expect(changes).toHaveLength(3)
    expect(await owner.call(listAIModelPriceChanges, { query: { limit: 1, offset: 1 } })).toMatchObject([
      { source: 'custom' },
    ])
    const shipped = { provider: 'openai', model: 'gpt-5-nano' }
    expect(await owner.call(listAIModelPriceChanges, { query: shipped })).toMatchObject([
      { source: 'default', changed_by: null },
    ])
    await expect(member.call(listAIModelPriceChanges, { query: {} })).rejects.toMatchObject({ status: 403 })
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:ai_model_price', limit: 3 },
    })
    expect(audit_logs).toMatchObject([
      { action: 'delete', resource_target: `openai/${model}`, diff: { input_price: { old: 5 } } },
      {
        action: 'write',
        resource_target: '3 models',
        additional_fields: { models: [`openai/${model}`, `openai/${model}-2`, `openai/${model}-3`] },
      },
      { action: 'create', resource_target: `openai/${model}`, diff: { output_price: { new: 2 } } },
    ])
    await set({ ...price, model: `${model}-2`, output_price: 8 })
    const [last] = (
      await owner.call(listAuditLogs, { query: { q: 'resource_type:ai_model_price', limit: 1 } })
    ).audit_logs
    expect(last).toMatchObject({ action: 'write', diff: { output_price: { old: 2, new: 8 } } })
  })

  it('AG-109: prices are listed by provider, model and source, and a list has a length', async () => {
    expect(await list({ provider: 'nobody' })).toEqual([])
    expect((await list({ provider: 'anthropic' })).every(({ provider }) => provider === 'anthropic')).toBe(
      true,
    )
    const at = `${server.url}/api/experimental/ai/model-prices`
    expect((await fetch(`${at}?source=mine`, { headers: owner.headers })).status).toBe(400)
    const body = JSON.stringify({ prices: [{ ...price, model: 'x'.repeat(1024 * 1024) }] })
    const headers = { ...owner.headers, 'content-type': 'application/json' }
    expect((await fetch(at, { method: 'POST', headers, body })).status).toBe(413)
  })

  it.each([
    ['an unknown provider', { ...price, provider: 'openai-compat' }],
    ['no model', { ...price, model: '' }],
    ['a model with a space at its end', { ...price, model: 'gpt-5 ' }],
    ['a model with a mark that does not show', { ...price, model: 'gpt\u200b-5' }],
    ['a price that is not there', { ...price, input_price: undefined }],
    ['a price below 0', { ...price, input_price: -1 }],
    ['a broken price', { ...price, input_price: 1.5 }],
    ['no price at all', { ...price, input_price: null, output_price: null }],
  ])('AG-109: %s is refused, with all that comes with it', async (_what, wrong) => {
    const model = randomUUID()
    await expect(set({ ...price, model }, wrong)).rejects.toMatchObject({
      status: 400,
      message: 'Invalid AI model prices.',
    })
    expect(await list({ model })).toEqual([])
  })

  it('AG-109: nor twice the same, nor by whoever may not', async () => {
    await expect(set(price, price)).rejects.toMatchObject({ status: 400 })
    await expect(member.call(listAIModelPrices, { query: {} })).rejects.toMatchObject({ status: 403 })
    await expect(member.call(upsertAIModelPrices, { body: { prices: [price] } })).rejects.toMatchObject({
      status: 403,
    })
  })
})
