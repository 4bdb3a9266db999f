import { createHmac } from 'node:crypto'

import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import {
  createToken,
  type UpdateAIGatewaySettingsRequest,
  type User,
  updateAIGatewaySettings,
} from '@slipway/contract'
import { says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'
import { WebhookReceiver } from '../webhook-receiver.fixture.ts'

const SECRET = `ghp_${'aB3'.repeat(12)}`
const CHAT = '/v1/chat/completions'

let world: GatewayWorld
let hook: WebhookReceiver
let user: User
let serial = 0

beforeAll(async () => {
  world = await GatewayWorld.start({
    CODER_AI_GATEWAY_WEBHOOK_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
    CODER_AI_GATEWAY_CIRCUIT_BREAKER_ENABLED: 'false',
  })
  hook = await WebhookReceiver.start()
  await world.provider({ name: 'openai' })
})
afterAll(async () => {
  await hook[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})
beforeEach(async () => {
  serial += 1
  user = await world.account(await world.server.user(`user${serial}`))
  world.upstream.answer = () => says('Hi')
  hook.answer = async () => ({ status: 200, body: { action: 'allow' } })
  await set({
    secrets: 'off',
    patterns: [],
    webhook_url: '',
    webhook_fail_open: false,
    webhook_timeout_ms: 300,
  })
})

async function set(guardrails: UpdateAIGatewaySettingsRequest['guardrails']): Promise<void> {
  await world.owner.call(updateAIGatewaySettings, { body: { guardrails: guardrails ?? {} } })
  await world.gateway.parts.governance.refresh()
}

const bodyWith = (content: string) => ({ model: 'gpt-test', messages: [{ role: 'user', content }] })
const ask = (content: string) => world.ask({ ownerId: user.id, provider: 'openai' }, CHAT, bodyWith(content))
const record = async () => {
  const { interceptions, prompts } = await world.records(user.id)
  return { interception: interceptions.at(-1), prompt: prompts.at(-1)?.prompt }
}

describe('AG-B17: secrets in what is asked', () => {
  it('AG-B17: while it is off, nothing is looked at', async () => {
    const from = world.upstream.requests.length
    expect((await ask(`use ${SECRET}`)).status).toBe(200)
    expect(world.upstream.requests[from]?.text).toContain(SECRET)
    expect((await record()).interception?.metadata).not.toHaveProperty('guardrails')
    expect(world.gateway.parts.guardrails.on).toBe(false)
  })

  it('AG-B17: flagged ones go on as they are, and are noted without the secret', async () => {
    await set({ secrets: 'flag' })
    const from = world.upstream.requests.length
    await (await ask(`use ${SECRET} and ${SECRET}`)).text()
    expect(world.upstream.requests[from]?.text).toBe(JSON.stringify(bodyWith(`use ${SECRET} and ${SECRET}`)))
    const { interception } = await record()
    expect(interception?.metadata).toMatchObject({
      guardrails: { secrets: { decision: 'flagged', findings: { github_token: 2 } } },
    })
    expect(JSON.stringify(interception)).not.toContain(SECRET)
  })

  it('AG-B17: redacted ones reach neither the provider nor the records; all else stays to the byte', async () => {
    await set({ secrets: 'redact', patterns: ['ACME-[0-9]+'] })
    const from = world.upstream.requests.length
    const text = `{"model":"gpt-test", "temperature":1.0,\n"messages":[{"role":"user","content":"use ${SECRET} for ACME-77\\n"}]}`
    const response = await world.ask({ ownerId: user.id, provider: 'openai' }, CHAT, undefined, {
      body: text,
    })
    await response.text()
    expect(world.upstream.requests[from]?.text).toBe(
      text.replace(SECRET, '[redacted:github_token]').replace('ACME-77', '[redacted:pattern]'),
    )
    expect(await record()).toMatchObject({
      prompt: 'use [redacted:github_token] for [redacted:pattern]\n',
      interception: {
        metadata: {
          guardrails: { secrets: { decision: 'redacted', findings: { github_token: 1, pattern: 1 } } },
        },
      },
    })
  })

  it('AG-B17: blocked ones are refused before the provider is asked, and recorded', async () => {
    await set({ secrets: 'block' })
    const from = world.upstream.requests.length
    const response = await ask(`use ${SECRET}`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      message: 'The request was blocked by a guardrail: it holds secrets (github_token).',
      error: { code: 'guardrail_blocked', type: 'invalid_request_error' },
    })
    expect(world.upstream.requests).toHaveLength(from)
    const { interception, prompt } = await record()
    expect(interception).toMatchObject({
      error_type: 'bad_request',
      ended_at: expect.any(Date),
      metadata: { guardrails: { secrets: { decision: 'blocked' } } },
    })
    expect(prompt).toBe('use [redacted:github_token]')
    expect((await ask('nothing to hide')).status).toBe(200)
    expect(await world.context.metrics.metrics()).toContain(
      'coder_ai_gateway_guardrail_decisions_total{guardrail="secrets",decision="blocked"} 1',
    )
  })

  it('AG-B17: a request that takes too long to be checked is not let through unchecked', async () => {
    await set({ secrets: 'block', patterns: ['X', 'Y', 'Z'].map((end) => `([a-z ]+)*${end}`) })
    const from = world.upstream.requests.length
    const response = await ask('the quick brown fox '.repeat(60_000))
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('too long for the patterns')
    expect((await record()).prompt).toContain('withheld by a guardrail')
    expect(world.upstream.requests).toHaveLength(from)
    await set({ secrets: 'flag' })
    await (await ask('the quick brown fox '.repeat(60_000))).text()
    expect((await record()).interception?.metadata).toMatchObject({
      guardrails: { secrets: { decision: 'flagged', unchecked: true } },
    })
  })

  it('AG-B17: clients of the data plane hear of it in their own way', async () => {
    await set({ secrets: 'block' })
    const client = await world.server.user(`sdk${serial}`)
    const { key } = await client.call(createToken, { params: { user: 'me' }, body: {} })
    const sdk = new OpenAI({
      baseURL: `${world.server.url}/api/v2/ai-gateway/openai/v1`,
      apiKey: key,
      maxRetries: 0,
    })
    await expect(
      sdk.chat.completions.create({ model: 'gpt-test', messages: [{ role: 'user', content: SECRET }] }),
    ).rejects.toMatchObject({ status: 400, code: 'guardrail_blocked' })
  })
})

describe('AG-B17: requests that are only relayed', () => {
  const relay = async (body: string, path = '/v1/responses/compact') => {
    const { key } = await world.owner.call(createToken, { params: { user: 'me' }, body: {} })
    return fetch(`${world.server.url}/api/v2/ai-gateway/openai${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
    })
  }
  /** What was decided about the request with an answer. */
  const decided = (answer: Response) =>
    until('its row', async () => {
      const row = await world.database.db
        .selectFrom('aibridge_passthroughs')
        .selectAll()
        .where('id', '=', answer.headers.get('x-slipway-interception-id') ?? '')
        .executeTakeFirst()
      return row === undefined ? undefined : { status: row.status, metadata: row.metadata }
    })
  /** Until the server knows what holds, which hears of it a moment later than this replica. */
  const knows = (status: number, body: string) =>
    until('the settings', async () => (await relay(body)).status === status)

  it('AG-B17: are looked at too, before the provider is asked', async () => {
    const secret = JSON.stringify({ model: 'gpt-test', input: `use ${SECRET}` })
    await set({ secrets: 'block' })
    await knows(400, secret)
    const from = world.upstream.requests.length
    const refused = await relay(secret)
    expect(await refused.json()).toMatchObject({ error: { code: 'guardrail_blocked' } })
    const secrets = (decision: string) => ({ secrets: { decision, findings: { github_token: 1 } } })
    expect(await decided(refused)).toEqual({ status: 400, metadata: { guardrails: secrets('blocked') } })
    expect((await relay('use \u0001 what is no JSON')).status).toBe(400)
    expect(world.upstream.requests).toHaveLength(from)
    // That the provider knows no such path says that it was asked.
    const harmless = await relay('{"model":"gpt-test","input":"nothing to hide"}')
    expect(harmless.status).toBe(404)
    expect((await decided(harmless)).metadata ?? {}).toEqual({})
    await set({ secrets: 'redact' })
    await knows(404, secret)
    expect(world.upstream.requests.at(-1)?.text).toBe(secret.replace(SECRET, '[redacted:github_token]'))
    expect(await decided(await relay(secret))).toEqual({
      status: 404,
      metadata: { guardrails: secrets('redacted') },
    })
  })

  it('AG-B17: are told the service that is asked before, whatever they are', async () => {
    hook.answer = async () => ({ status: 200, body: { action: 'block' } })
    await set({ webhook_url: hook.url })
    await knows(400, '{"model":"gpt-test"}')
    expect(hook.received.at(-1)?.body).toMatchObject({
      model: 'gpt-test',
      route: '/v1/responses/*',
      request: { model: 'gpt-test' },
    })
    expect((await relay('no JSON')).status).toBe(400)
    expect(hook.received.at(-1)?.body).toMatchObject({ request: null, truncated: true })
  })
})

describe('AG-B17: a service that is asked before', () => {
  const signedBy = (secret: string, request: (typeof hook.received)[number] | undefined) =>
    `sha256=${createHmac('sha256', secret)
      .update(`${request?.headers['x-slipway-timestamp']}.${request?.raw}`)
      .digest('hex')}`

  it('AG-B17: hears who asks what, signed, and lets it through', async () => {
    await set({ webhook_url: hook.url, webhook_secret: 'shared', secrets: 'redact' })
    const from = hook.received.length
    expect(await (await ask(`use ${SECRET}`)).text()).toContain('Hi')
    const [request] = hook.received.slice(from)
    expect(request?.body).toMatchObject({
      type: 'ai_gateway.request',
      user: { id: user.id, username: user.username },
      provider: 'openai',
      model: 'gpt-test',
      prompt: 'use [redacted:github_token]',
      findings: { github_token: 1 },
      truncated: false,
      request: bodyWith('use [redacted:github_token]'),
    })
    expect(request?.headers['x-slipway-signature']).toBe(signedBy('shared', request))
    expect(Math.abs(Date.now() / 1_000 - Number(request?.headers['x-slipway-timestamp']))).toBeLessThan(60)
    expect((await record()).interception?.metadata).toMatchObject({
      guardrails: { webhook: { decision: 'allowed' } },
    })
  })

  it('AG-B17: may refuse, and say why', async () => {
    hook.answer = async () => ({ status: 200, body: { action: 'block', reason: 'not on a Sunday' } })
    await set({ webhook_url: hook.url })
    const from = world.upstream.requests.length
    const response = await ask('work')
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      message: 'The request was blocked by a guardrail: not on a Sunday.',
    })
    expect(world.upstream.requests).toHaveLength(from)
    expect((await record()).interception?.metadata).toMatchObject({
      guardrails: { webhook: { decision: 'blocked', reason: 'not on a Sunday' } },
    })
  })

  it.each([
    ['says nothing', () => new Promise<never>(() => undefined)],
    ['fails', async () => ({ status: 500 })],
    ['answers something else', async () => ({ status: 200, body: { ok: true } })],
    ['sends on', async () => ({ status: 302 })],
  ] as const)('AG-B17: when it %s, requests are refused or go on, as the settings say', async (_, answer) => {
    hook.answer = answer
    await set({ webhook_url: hook.url, webhook_timeout_ms: 100 })
    const began = performance.now()
    const refused = await ask('work')
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('does not answer')
    // Some requests of a loaded machine apart: far from any other limit.
    expect(performance.now() - began).toBeLessThan(3_000)
    await set({ webhook_fail_open: true })
    const gone = await ask('work')
    expect([gone.status, await gone.text()]).toEqual([200, expect.stringContaining('Hi')])
    expect((await record()).interception?.metadata).toMatchObject({
      guardrails: { webhook: { decision: 'unavailable' } },
    })
  })
})

it('AG-B17: a service within this network is not asked unless its addresses are allowed', async () => {
  await using closed = await GatewayWorld.start()
  const from = hook.received.length
  await closed.provider({ name: 'openai' })
  await closed.owner.call(updateAIGatewaySettings, { body: { guardrails: { webhook_url: hook.url } } })
  await closed.gateway.parts.governance.refresh()
  const { id } = await closed.account(closed.owner)
  const response = await closed.ask({ ownerId: id, provider: 'openai' }, CHAT, bodyWith('work'))
  expect(response.status).toBe(400)
  expect(hook.received).toHaveLength(from)
})
