import { createHash, createHmac } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type AIPrivacyLevel,
  createToken,
  listOrganizations,
  type UpdateAIGatewaySettingsRequest,
  type User,
  updateAIGatewaySettings,
  updateOrganizationAIPrivacy,
  upsertAIModelPrices,
} from '@slipway/contract'
import { callsTools, fixtures, says, until } from '@slipway/testkit'
import type { GatewaySettings } from '../../ai-governance/index.ts'
import { systemActor } from '../../authz/index.ts'
import { signatureOf } from '../bedrock/aws.fixture.ts'
import { GatewayWorld } from '../gateway.fixture.ts'
import { endInterception } from '../store/interceptions.ts'
import { WebhookReceiver } from '../webhook-receiver.fixture.ts'
import { at, list, text } from '../wires/json.ts'
import { abandonedInterceptionsJob } from './abandoned.ts'
import { InterceptionExport } from './interception-export.ts'

const CHAT = '/v1/chat/completions'
const SECRET = `ghp_${'aB3'.repeat(12)}`

let world: GatewayWorld
let hook: WebhookReceiver
let client: Client
let user: User
let serial = 0

beforeAll(async () => {
  world = await GatewayWorld.start({
    CODER_AI_GATEWAY_STRUCTURED_LOGGING: 'true',
    CODER_AI_GATEWAY_WEBHOOK_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
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
  client = await world.server.user(`user${serial}`)
  user = await world.account(client)
})

const bodyWith = (content: string) => ({ model: 'gpt-test', messages: [{ role: 'user', content }] })

async function ask(content: string): Promise<void> {
  await (await world.ask({ ownerId: user.id, provider: 'openai' }, CHAT, bodyWith(content))).text()
}

async function set(body: UpdateAIGatewaySettingsRequest): Promise<void> {
  await world.owner.call(updateAIGatewaySettings, { body })
  await world.gateway.parts.governance.refresh()
}

describe('AG-B16: how much is kept', () => {
  const keep = async (level: AIPrivacyLevel): Promise<void> => {
    const [organization] = await world.owner.call(listOrganizations)
    await world.owner.call(updateOrganizationAIPrivacy, {
      params: { organization: organization?.id ?? '' },
      body: { level },
    })
    await world.gateway.parts.governance.refresh()
  }
  const asked = `mail joe@example.com, token ${SECRET}`
  const recorded = async () => {
    world.upstream.play({
      ...callsTools({ name: 'send', args: { to: 'joe@example.com', token: SECRET, id: SECRET } }),
      usage: { input: 10, output: 3 },
    })
    await ask(asked)
    const { prompts, tools, tokens, interceptions } = await world.records(user.id)
    expect(tokens).toMatchObject([{ input_tokens: 10, output_tokens: 3 }])
    expect([prompts.length, tools.length, interceptions.length]).toEqual([1, 1, 1])
    expect(tools[0]?.tool).toBe('send')
    const lines = world.lines.filter(({ interception_id: id }) => id === interceptions[0]?.id)
    return { prompt: prompts[0]?.prompt, input: tools[0]?.input ?? '', lines: JSON.stringify(lines) }
  }

  it('AG-B16: full: as it was', async () => {
    await keep('full')
    const { prompt, input } = await recorded()
    expect(prompt).toBe(asked)
    expect(JSON.parse(input)).toEqual({ to: 'joe@example.com', token: SECRET, id: SECRET })
  })

  it('AG-B16: redacted: without secrets and what tells of persons, in the log too', async () => {
    await keep('redacted')
    const { prompt, input, lines } = await recorded()
    expect(prompt).toBe('mail [redacted:email], token [redacted:github_token]')
    const token = '[redacted:github_token]'
    expect(JSON.parse(input)).toEqual({ to: '[redacted:email]', token, id: token })
    expect(lines).toContain('prompt_usage')
    expect(lines).not.toContain(SECRET)
    expect(lines).not.toContain('joe@example.com')
  })

  it('AG-B16: hash: the same for the same, and nothing that anybody could try out without a key', async () => {
    await keep('hash')
    const { prompt, input, lines } = await recorded()
    expect(prompt).toMatch(/^hmac-sha256:[0-9a-f]{64}$/)
    expect(JSON.parse(input)).toMatch(/^hmac-sha256:[0-9a-f]{64}$/)
    expect(lines).not.toContain('joe')
    world.upstream.play(says('Hi'))
    await ask(asked)
    const { prompts } = await world.records(user.id)
    expect(prompts.map((one) => one.prompt)).toEqual([prompt, prompt])
  })

  it('AG-B16: none: only that it was', async () => {
    await keep('none')
    const { prompt, input, lines } = await recorded()
    expect([prompt, input]).toEqual(['', '{}'])
    expect(lines).not.toContain('joe')
    world.upstream.play({ status: 400, message: `you said ${asked}` })
    await ask(asked)
    expect((await world.records(user.id)).interceptions.at(-1)).toMatchObject({
      error_type: 'bad_request',
      error_message: '',
    })
    await keep('full')
  })
})

describe('AG-122: the structured log', () => {
  it('AG-122: has a line for each record, with what is stored', async () => {
    world.upstream.play({
      ...callsTools({ name: 'look', args: { at: 'sky' } }),
      usage: { input: 10, cached: 4, output: 3 },
    })
    await ask('what is up')
    const { interceptions } = await world.records(user.id)
    const id = interceptions[0]?.id
    const lines = world.lines.filter(
      (line) => line.message === 'interception log' && line.interception_id === id,
    )
    expect(lines.map((line) => line.record_type)).toEqual([
      'interception_start',
      'token_usage',
      'prompt_usage',
      'tool_usage',
      'interception_end',
    ])
    expect(lines[0]).toMatchObject({
      initiator_id: user.id,
      provider: 'openai',
      provider_name: 'openai',
      model: 'gpt-test',
      credential_kind: 'centralized',
    })
    expect(lines[1]).toMatchObject({ input_tokens: 6, output_tokens: 3, cache_read_input_tokens: 4 })
    expect(lines[2]).toMatchObject({ prompt: 'what is up' })
    expect(lines[3]).toMatchObject({ tool: 'look', input: '{"at":"sky"}', injected: false })
    expect(JSON.stringify(lines)).not.toContain('sk-of-the-deployment')
  })

  it('AG-122: is off unless it is asked for; other lines hold no prompt', async () => {
    await using quiet = await GatewayWorld.start()
    await quiet.provider({ name: 'openai' })
    quiet.upstream.play(says('Hi'))
    const { id } = await quiet.account(quiet.owner)
    await (await quiet.ask({ ownerId: id, provider: 'openai' }, CHAT, bodyWith('a secret wish'))).text()
    expect((await quiet.records(id)).prompts).toHaveLength(1)
    expect(JSON.stringify(quiet.lines)).not.toContain('a secret wish')
  })
})

describe('AG-B20: what is relayed only', () => {
  it('AG-B20: leaves a row with who, where and how it went', async () => {
    const { key } = await client.call(createToken, { params: { user: 'me' }, body: {} })
    const get = (path: string) =>
      fetch(`${world.server.url}/api/v2/ai-gateway/openai${path}`, {
        headers: { authorization: `Bearer ${key}`, 'user-agent': 'codex_cli_rs/1' },
      })
    const answers = [await get('/v1/models'), await get('/v1/responses/resp_1')]
    expect(answers.map(({ status }) => status)).toEqual([200, 404])
    const { db } = world.database
    const rows = await until('both rows', async () => {
      const found = await db
        .selectFrom('aibridge_passthroughs')
        .selectAll()
        .where('initiator_id', '=', user.id)
        .orderBy('started_at')
        .execute()
      return found.length === 2 ? found : undefined
    })
    const common = { api_key_id: key.slice(0, 10), provider: 'openai', method: 'GET', client: 'Codex' }
    expect(rows).toMatchObject([
      { ...common, route: '/v1/models(/*)', status: 200, provider_name: 'openai' },
      { ...common, route: '/v1/responses/*', status: 404 },
    ])
    // AG-B6: its answer names the row.
    expect(answers.map(({ headers }) => headers.get('x-slipway-interception-id'))).toEqual(
      rows.map(({ id }) => id),
    )
    expect((await world.records(user.id)).interceptions).toEqual([])
  })
})

it('AG-81: how a request has ended is stored once', async () => {
  world.upstream.play(says('Hi'))
  await ask('hi')
  const { db } = world.database
  const ended = (await world.records(user.id)).interceptions.at(-1)
  if (ended === undefined) throw new Error('nothing was recorded')
  const { id } = ended
  expect(ended).toMatchObject({ ended_at: expect.any(Date), error_type: null, error_message: null })
  await endInterception(systemActor('aibridged', 'a test'), db, {
    id,
    initiatorId: user.id,
    endedAt: new Date(),
    credentialHint: 'another',
    error: { type: 'timeout', message: 'too late' },
  })
  expect((await world.records(user.id)).interceptions.at(-1)).toEqual(ended)
})

describe('AG-B21: cardinality', () => {
  it('AG-B21: the label of users can be switched off, and names of models are at most 200', async () => {
    await set({ initiator_label: false })
    world.upstream.answer = () => says('Hi')
    for (let number = 0; number < 210; number += 1)
      await (
        await world.ask({ ownerId: user.id, provider: 'openai' }, CHAT, {
          ...bodyWith('hi'),
          model: `m-${number}`,
        })
      ).text()
    const metrics = await world.context.metrics.metrics()
    expect(metrics).not.toContain(`initiator_id="${user.id}"`)
    const models = new Set(
      [...metrics.matchAll(/ai_gateway_interceptions_total\{.*?model="([^"]*)"/g)].map(([, name]) => name),
    )
    expect(models.size).toBeLessThanOrEqual(201)
    expect(models).toContain('other')
    // Those that have a price are known however many names were made up before them.
    const price = { input_price: 1, output_price: 1, cache_read_price: null, cache_write_price: null }
    const prices = [{ provider: 'openai' as const, model: 'ours', ...price }]
    await world.owner.call(upsertAIModelPrices, { body: { prices } })
    for (const model of ['gpt-5', 'ours', 'ours', 'made-up', 'ours ', 'ours '])
      await (
        await world.ask({ ownerId: user.id, provider: 'openai' }, CHAT, { ...bodyWith('hi'), model })
      ).text()
    const now = await world.context.metrics.metrics()
    const isNamed = (model: string): boolean =>
      now.includes(`ai_gateway_interceptions_total{provider="openai",model="${model}"`)
    expect(['gpt-5', 'ours', 'made-up', 'ours '].map(isNamed)).toEqual([true, true, false, false])
    await set({ initiator_label: true })
    await ask('hi')
    expect(await world.context.metrics.metrics()).toContain(`initiator_id="${user.id}"`)
    world.upstream.answer = () => undefined
  }, 60_000)
})

describe('AG-B23: the export', () => {
  /** Log records of requests to a collector. */
  const logsIn = (received: WebhookReceiver['received']) =>
    received.flatMap(({ body }) =>
      list(body.resourceLogs)
        .flatMap((resource) => list(at(resource, 'scopeLogs')))
        .flatMap((scope) => list(at(scope, 'logRecords')))
        .map((log) => ({ log, raw: text(at(log, 'body', 'stringValue')) })),
    )
  const own = () =>
    hook.received.flatMap(({ body }) => {
      const { interceptions } = body
      return Array.isArray(interceptions) ? interceptions.filter((one) => one.initiator.id === user.id) : []
    })

  it('AG-B23: sends ended requests in signed batches, and again until they are taken', async () => {
    let attempts = 0
    hook.answer = async () => {
      attempts += 1
      return { status: attempts === 1 ? 503 : 204 }
    }
    await set({ export_webhook_url: hook.url, export_webhook_secret: 'shared' })
    world.upstream.play({ ...callsTools({ name: 'look', args: {} }), usage: { input: 10, output: 3 } })
    await ask('what is up')
    await until('what was not taken to come again', () => attempts > 1 && own().length > 1, 30_000)
    const [first, second] = own()
    expect(second).toEqual(first)
    expect(first).toMatchObject({
      initiator: { id: user.id, username: user.username },
      provider_name: 'openai',
      model: 'gpt-test',
      token_usages: [{ input_tokens: 10, output_tokens: 3 }],
      user_prompts: [{ prompt: 'what is up' }],
      tool_usages: [{ tool: 'look', injected: false }],
      model_thoughts: [],
      ended_at: expect.any(String),
    })
    for (const { headers, raw } of hook.received)
      expect(headers['x-slipway-signature']).toBe(
        `sha256=${createHmac('sha256', 'shared').update(`${headers['x-slipway-timestamp']}.${raw}`).digest('hex')}`,
      )
    const { db } = world.database
    await until(
      'an empty queue',
      async () => (await db.selectFrom('aibridge_exports').selectAll().execute()).length === 0,
    )
    await set({ export_webhook_url: '' })
    world.upstream.play(says('Hi'))
    await ask('nobody hears')
    expect(await db.selectFrom('aibridge_exports').selectAll().execute()).toEqual([])
  }, 60_000)

  it('AG-B23, AG-138: sends those, too, that nobody has served to their end', async () => {
    hook.received.length = 0
    hook.answer = async () => ({ status: 204 })
    const { db } = world.database
    const { id } = await fixtures.aibridgeInterception(db, {
      initiator_id: user.id,
      started_at: new Date(Date.now() - 25 * 3_600_000),
      ended_at: null,
    })
    await set({ export_webhook_url: hook.url })
    const job = abandonedInterceptionsJob(world.context, world.gateway)
    const [sent] = await until('its export', () => (own().length > 0 ? own() : undefined), 30_000)
    await job[Symbol.asyncDispose]()
    expect(sent).toMatchObject({ id, error_type: 'unknown', ended_at: expect.any(String) })
    await set({ export_webhook_url: '' })
  }, 60_000)

  it('AG-B23: sends them as logs to a collector of OpenTelemetry', async () => {
    hook.received.length = 0
    hook.answer = async () => ({ status: 200 })
    await set({
      export_webhook_url: hook.url,
      export_format: 'otlp',
      export_webhook_secret: 'of-the-collector',
    })
    world.upstream.play({ ...says('Hi'), usage: { input: 10, cached: 4, output: 3 } })
    await ask('to the collector')
    const record = await until('the log', () =>
      logsIn(hook.received).find((log) => log.raw.includes(user.id)),
    )
    expect(record.log).toMatchObject({
      timeUnixNano: expect.stringMatching(/^\d{19}$/),
      severityNumber: 9,
      eventName: 'ai_gateway.interception',
      attributes: expect.arrayContaining([
        { key: 'user.name', value: { stringValue: user.username } },
        { key: 'gen_ai.request.model', value: { stringValue: 'gpt-test' } },
        { key: 'gen_ai.usage.input_tokens', value: { intValue: '10' } },
        { key: 'gen_ai.usage.output_tokens', value: { intValue: '3' } },
      ]),
    })
    expect(record.raw).toContain('to the collector')
    expect(hook.received[0]?.headers).toMatchObject({
      authorization: 'Bearer of-the-collector',
      'content-type': 'application/json',
    })
    await set({ export_webhook_url: '' })
  })

  it('AG-B23: what is refused for what it is comes behind others, is set aside, and comes again once settings are saved', async () => {
    hook.received.length = 0
    const { db } = world.database
    const queued = async (refusals: number): Promise<string> => {
      const interception = await fixtures.aibridgeInterception(db, { initiator_id: user.id })
      await fixtures.aibridgeExport(db, { refusals, interception })
      return interception.id
    }
    const rowOf = (id: string) =>
      db
        .selectFrom('aibridge_exports')
        .selectAll()
        .where('interception_id', '=', id)
        .executeTakeFirstOrThrow()
    const refusedAgain = (id: string) =>
      db
        .updateTable('aibridge_exports')
        .set({ claimed_until: null, refusal: null })
        .where('interception_id', '=', id)
        .execute()
    const refusalOf = (id: string) =>
      until('a refusal', async () => ((await rowOf(id)).refusal === null ? undefined : rowOf(id)), 30_000)
    const isTaken = (id: string) => until('others to be taken', () => own().some((one) => one.id === id))
    const bad = await queued(3)
    let status = 422
    hook.answer = async ({ raw }) => ({ status: raw.includes(bad) ? status : 204 })
    const { parts } = world.gateway
    // No other replica has an export.
    const settings = (): GatewaySettings => ({
      ...parts.governance.settings(),
      exportWebhookUrl: hook.url,
      exportFormat: 'json',
    })
    await using exporter = new InterceptionExport(world.context, settings, parts)
    expect(await refusalOf(bad)).toMatchObject({ refusals: 4, set_aside_at: null })
    // It may be about where it is sent, of which nothing else speaks by now.
    status = 403
    await refusedAgain(bad)
    expect(await refusalOf(bad)).toMatchObject({ refusals: 4, set_aside_at: null })
    await isTaken(await queued(0))
    await refusedAgain(bad)
    const refusal = 'it answered 403'
    expect(await refusalOf(bad)).toMatchObject({ refusals: 5, refusal, set_aside_at: expect.any(Date) })
    const sent = own().filter((one) => one.id === bad).length
    await db.updateTable('aibridge_exports').set({ claimed_until: null }).execute()
    await isTaken(await queued(0))
    expect(own().filter((one) => one.id === bad)).toHaveLength(sent)
    expect(exporter.setAside()).toEqual({
      count: 1,
      latest: [{ interceptionId: bad, at: expect.any(Date), refusal }],
    })
    expect(await world.context.metrics.metrics()).toContain(
      'coder_ai_gateway_exported_interceptions_total{outcome="set_aside"} 1',
    )
    status = 204
    await set({ export_webhook_url: '' })
    await until(
      'it to be taken',
      async () => (await db.selectFrom('aibridge_exports').execute()).length === 0,
    )
    expect(own().filter((one) => one.id === bad)).toHaveLength(sent + 1)
  }, 60_000)

  it('AG-B23: finds what is refused among others by halves, and sends those at once', async () => {
    hook.received.length = 0
    const { db } = world.database
    const ids: string[] = []
    for (let second = 0; second < 50; second += 1) {
      const interception = await fixtures.aibridgeInterception(db, { initiator_id: user.id })
      await fixtures.aibridgeExport(db, { interception, queued_at: new Date(second * 1_000) })
      ids.push(interception.id)
    }
    const bad = ids[30] ?? ''
    const answered: [size: number, status: number][] = []
    hook.answer = async ({ raw, body }) => {
      const status = raw.includes(bad) ? 413 : 204
      answered.push([list(body.interceptions).length, status])
      return { status }
    }
    const { parts } = world.gateway
    const settings = (): GatewaySettings => ({
      ...parts.governance.settings(),
      exportWebhookUrl: hook.url,
      exportFormat: 'json',
    })
    await using _ = new InterceptionExport(world.context, settings, parts)
    const rows = () => db.selectFrom('aibridge_exports').selectAll().execute()
    await until('the others to be taken', async () => (await rows()).length === 1, 30_000)
    expect(await rows()).toMatchObject([{ interception_id: bad, refusals: 1, refusal: 'it answered 413' }])
    const [refused, taken] = [413, 204]
    expect(answered).toEqual([
      [50, refused],
      [25, taken],
      [25, refused],
      [13, refused],
      [7, refused],
      [4, taken],
      [3, refused],
      [2, refused],
      [1, taken],
      [1, refused],
      [1, taken],
      [6, taken],
      [12, taken],
    ])
    await db.deleteFrom('aibridge_exports').execute()
  }, 60_000)

  it('AG-B23: does not look for what is refused where everything is, or for other reasons', async () => {
    const { db } = world.database
    for (const [status, most] of [
      [503, 1],
      [403, 1],
      [422, 16],
    ] as const) {
      for (let count = 0; count < 30; count += 1)
        await fixtures.aibridgeExport(db, {
          interception: await fixtures.aibridgeInterception(db, { initiator_id: user.id }),
        })
      let asked = 0
      hook.answer = async () => {
        asked += 1
        return { status }
      }
      let askedBefore: number | undefined
      const context = {
        ...world.context,
        log: {
          ...world.context.log,
          error: (message: string) => {
            if (message.includes('could not be exported')) askedBefore ??= asked
          },
        },
      }
      const { parts } = world.gateway
      const settings = (): GatewaySettings => ({
        ...parts.governance.settings(),
        exportWebhookUrl: hook.url,
        exportFormat: 'json',
      })
      await using _ = new InterceptionExport(context, settings, parts)
      await until('it to wait', () => askedBefore !== undefined, 30_000)
      expect(askedBefore).toBe(most)
      await db.deleteFrom('aibridge_exports').execute()
    }
  }, 60_000)

  it('AG-B23: puts them into a bucket of S3, signed, and the same batch into the same object', async () => {
    hook.received.length = 0
    let attempts = 0
    hook.answer = async () => {
      attempts += 1
      return { status: attempts === 1 ? 503 : 200 }
    }
    await expect(set({ export_format: 's3', export_webhook_secret: 'no-colon' })).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'export_webhook_secret' }],
    })
    const keys = { accessKeyId: 'AKIAEXPORT', secretAccessKey: 'secret/of:export' }
    await set({
      export_webhook_url: `${hook.url}/models/`,
      export_format: 's3',
      export_webhook_secret: `${keys.accessKeyId}:${keys.secretAccessKey}`,
    })
    world.upstream.play(says('Hi'))
    await ask('into the bucket')
    await until('the object to be put again', () => attempts > 1 && own().length > 1, 30_000)
    const [first, second] = hook.received
    expect(second?.path).toBe(first?.path)
    expect(first?.method).toBe('PUT')
    expect(first?.path).toMatch(/^\/hook\/models\/\d{4}\/\d\d\/\d\d\/[0-9a-f]{32}\.json$/)
    if (second === undefined) throw new Error('nothing came')
    expect(second.headers.authorization).toBe(
      await signatureOf(second, second.raw, keys, { service: 's3', region: 'us-east-1' }),
    )
    expect(second.headers['x-amz-content-sha256']).toBe(createHash('sha256').update(second.raw).digest('hex'))
    expect(own()[1]).toMatchObject({ user_prompts: [{ prompt: 'into the bucket' }] })
    await set({ export_webhook_url: '', export_format: 'json', export_webhook_secret: '' })
  }, 60_000)
})
