import Anthropic from '@anthropic-ai/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import {
  type AIProviderSettings,
  createToken,
  testAIProvider,
  type User,
  updateAIProvider,
} from '@slipway/contract'
import { callsTools, says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'
import { FakeAws, signatureOf, stsAnswer } from './aws.fixture.ts'

let world: GatewayWorld
let user: User
let token: string
let sts: FakeAws
let serial = 0
let name: string

const KEYS = { accessKeyId: 'AKIAEXAMPLE12345', secretAccessKey: 'secret-of-aws' }
const SETTINGS: AIProviderSettings = {
  _type: 'bedrock',
  _version: 1,
  region: 'eu-west-1',
  model: 'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
  small_fast_model: 'global.anthropic.claude-haiku-4-5-20251001-v1:0',
  access_key: KEYS.accessKeyId,
  access_key_secret: KEYS.secretAccessKey,
}
const ROLE = 'arn:aws:iam::123456789012:role/models'

beforeAll(async () => {
  world = await GatewayWorld.start()
  sts = await FakeAws.start()
  const client = await world.server.user('asker')
  user = await world.account(client)
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await sts[Symbol.asyncDispose]()
})
beforeEach(async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent')
  sts.requests.length = 0
  serial += 1
  name = `bedrock-${serial}`
  world.upstream.answer = () => undefined
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const provider = (settings: Partial<AIProviderSettings> = {}) =>
  world.provider({
    name,
    type: 'bedrock',
    base_url: world.upstream.url,
    api_keys: [],
    settings: { ...SETTINGS, ...settings },
  })
const sdk = (headers: Record<string, string> = {}) =>
  new Anthropic({
    baseURL: `${world.server.url}/api/v2/ai-gateway/${name}`,
    apiKey: token,
    maxRetries: 0,
    defaultHeaders: headers,
  })
const hello = {
  model: 'claude-test',
  max_tokens: 4_096,
  messages: [{ role: 'user' as const, content: 'Say hi' }],
}
const lastRecord = async () => (await world.records(user.id)).interceptions.at(-1)
const lastRequest = () => {
  const request = world.upstream.requests.at(-1)
  if (request === undefined) throw new Error('nobody was asked')
  return request
}
const isSigned = async (keys = KEYS, service = 'bedrock') => {
  const request = lastRequest()
  const signature = await signatureOf(request, request.text, keys, { service, region: 'eu-west-1' })
  expect(request.headers.authorization).toBe(signature)
}

describe('AG-47: the API of Bedrock', () => {
  it('streams to Anthropic’s own client, signed, with the model of the provider', async () => {
    await provider()
    world.upstream.play({ steps: ['Hi ', 'there'], usage: { input: 9, cached: 4, output: 2 } })
    const message = await sdk().messages.stream(hello).finalMessage()
    expect(message.content).toMatchObject([{ type: 'text', text: 'Hi there' }])
    const request = lastRequest()
    expect(request.path).toBe(
      '/model/global.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream',
    )
    expect(request.body).toEqual({
      max_tokens: 4_096,
      messages: hello.messages,
      anthropic_version: 'bedrock-2023-05-31',
    })
    expect(request.headers).not.toHaveProperty('x-api-key')
    await isSigned()
    const record = await until('the record', async () => {
      const found = await lastRecord()
      return found?.ended_at === null ? undefined : found
    })
    expect(message.id).toBe(record?.id)
    // AG-26: the model that was asked.
    expect(record).toMatchObject({
      model: SETTINGS.model,
      provider: 'anthropic',
      credential_kind: 'centralized',
      error_type: null,
    })
    const { tokens } = await world.records(user.id)
    expect(tokens.at(-1)).toMatchObject({
      input_tokens: 5,
      output_tokens: 2,
      cache_read_input_tokens: 4,
      provider_response_id: expect.stringMatching(/^msg_/),
    })
  })

  it('answers whole, and tools are called', async () => {
    await provider()
    world.upstream.play(callsTools({ name: 'ls', args: { path: '.' } }))
    const message = await sdk().messages.create({ ...hello, model: 'claude-haiku-test' })
    expect(message.content).toMatchObject([{ type: 'tool_use', name: 'ls', input: { path: '.' } }])
    // What is called haiku is small and fast.
    expect(lastRequest().path).toBe('/model/global.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke')
  })

  it('takes out what Bedrock does not know, and leaves all else to the byte', async () => {
    await provider()
    world.upstream.play(says('Hi'))
    await sdk({ 'anthropic-beta': 'context-management-2025-06-27, oauth-2025-04-20,effort-2025-11-24' }).post(
      '/v1/messages',
      {
        body: {
          model: 'claude-test',
          metadata: { user_id: 'x' },
          messages: hello.messages,
          service_tier: 'auto',
          context_management: { edits: [] },
          output_config: { effort: 'low' },
          max_tokens: 10,
          container: 'c',
          inference_geo: 'us',
        },
      },
    )
    expect(lastRequest().text).toBe(
      `{"messages":${JSON.stringify(hello.messages)},"context_management":{"edits":[]},"max_tokens":10,"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-management-2025-06-27"]}`,
    )
    expect(lastRequest().headers).not.toHaveProperty('anthropic-beta')
  })

  it.each([
    {
      model: 'anthropic.claude-sonnet-4-5-v1:0',
      effort: 'low',
      max: 10_000,
      thinking: { type: 'enabled', budget_tokens: 2_000 },
    },
    {
      model: 'anthropic.claude-sonnet-4-5-v1:0',
      effort: 'medium',
      max: 9_999,
      thinking: { type: 'enabled', budget_tokens: 4_999 },
    },
    {
      model: 'anthropic.claude-sonnet-4-5-v1:0',
      effort: 'max',
      max: 10_000,
      thinking: { type: 'enabled', budget_tokens: 9_500 },
    },
    {
      model: 'anthropic.claude-sonnet-4-5-v1:0',
      effort: undefined,
      max: 10_000,
      thinking: { type: 'enabled', budget_tokens: 8_000 },
    },
    { model: 'anthropic.claude-sonnet-4-5-v1:0', effort: 'low', max: 5_000, thinking: { type: 'disabled' } },
    { model: 'us.anthropic.claude-opus-4-6-v1', effort: 'low', max: 10_000, thinking: { type: 'adaptive' } },
  ])('$model thinks with $thinking', async ({ model, effort, max, thinking }) => {
    await provider({ model })
    world.upstream.play(says('Hi'))
    await sdk().post('/v1/messages', {
      body: {
        ...hello,
        max_tokens: max,
        thinking: { type: 'adaptive' },
        ...(effort === undefined ? {} : { output_config: { effort } }),
      },
    })
    expect(lastRequest().body.thinking).toEqual(thinking)
    expect(lastRequest().body).not.toHaveProperty('output_config')
  })

  it('models that only think as they see fit are told so', async () => {
    await provider({ model: 'us.anthropic.claude-opus-4-7-v1' })
    world.upstream.play(says('Hi'))
    await sdk().post('/v1/messages', {
      body: {
        ...hello,
        thinking: { type: 'enabled', budget_tokens: 2_000 },
        output_config: { effort: 'high', format: { type: 'json_schema' } },
      },
    })
    expect(lastRequest().body).toMatchObject({
      thinking: { type: 'adaptive' },
      output_config: { effort: 'high' },
    })
    expect(lastRequest().body.output_config).not.toHaveProperty('format')
  })

  it('refusals and failures in mid-stream come in the words of Anthropic', async () => {
    await provider()
    world.upstream.play({ status: 403, message: 'no access to the model' })
    await expect(sdk().messages.create(hello)).rejects.toMatchObject({
      status: 403,
      error: { type: 'error', error: { type: 'permission_error', message: 'no access to the model' } },
    })
    world.upstream.play({ steps: ['The', { error: { type: 'overloaded_error', message: 'Overloaded' } }] })
    await expect(sdk().messages.stream(hello).finalMessage()).rejects.toMatchObject({
      error: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    })
    await until('the record', async () => (await lastRecord())?.error_type === 'overloaded' || undefined)
  })

  it('AG-B3: a stream that is cut is not presented as complete', async () => {
    await provider()
    world.upstream.play({ ...says('a', 'b', 'c'), cutAfterEvents: 4 })
    const answer = await sdk()
      .messages.create({ ...hello, stream: true })
      .asResponse()
    const body = await answer.text()
    expect(body).toContain('event: error\ndata: {"type":"error","error":{"type":"api_error"')
    expect(body).not.toContain('message_stop')
    world.upstream.play({ steps: ['a', { raw: Buffer.from([0, 0, 1]) }, { end: true }] })
    const cut = await sdk()
      .messages.create({ ...hello, stream: true })
      .asResponse()
    expect(await cut.text()).toContain('event: error')
    // What is no message ends the answer, rather than what comes after it.
    for (const raw of [
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from([0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 0]),
    ]) {
      world.upstream.play({ steps: ['a', { raw }, { wait: new Promise(() => undefined) }] })
      const senseless = await sdk()
        .messages.create({ ...hello, stream: true })
        .asResponse()
      expect(await senseless.text()).toContain('event: error')
    }
  })

  it('AG-B20: tokens are counted by Bedrock, signed', async () => {
    await provider()
    let asked: unknown
    world.upstream.answer = (request) => {
      asked = request.body
      return { status: 200, body: '{"inputTokens":42}' }
    }
    const { max_tokens: _, ...counted } = hello
    const count = await sdk().messages.countTokens(counted)
    expect(count).toEqual({ input_tokens: 42 })
    const request = lastRequest()
    expect(request.path).toBe('/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens')
    await isSigned()
    const inner = Object(asked).input.invokeModel.body
    expect(JSON.parse(Buffer.from(inner, 'base64').toString())).toEqual({
      messages: hello.messages,
      max_tokens: 1,
      anthropic_version: 'bedrock-2023-05-31',
    })
  })

  it('AG-3: what Bedrock does not have is not found', async () => {
    await provider()
    await expect(sdk().models.list()).rejects.toMatchObject({ status: 404 })
  })
})

it('AG-48: with the protocol mantle the request stays as it is but for its signature', async () => {
  await provider({ protocol: 'mantle' })
  world.upstream.play(says('Hi'))
  const message = await sdk().messages.stream(hello).finalMessage()
  expect(message.content).toMatchObject([{ text: 'Hi' }])
  expect(lastRequest().path).toBe('/v1/messages')
  expect(lastRequest().body).toEqual({ ...hello, stream: true })
  await isSigned(KEYS, 'bedrock-mantle')
  world.upstream.play(says('Hi'))
  await until('the record', async () => (await lastRecord())?.model === hello.model)
})

describe('AG-49: credentials', () => {
  it('the role is assumed with the external id, kept, and replaced before it ends', async () => {
    const made = await provider({ role_arn: ROLE })
    let given = 0
    sts.answer = () => {
      given += 1
      return stsAnswer('AssumeRole', `ASIA${given}`, new Date(Date.now() + 3_600_000))
    }
    world.upstream.answer = () => says('Hi')
    await Promise.all([sdk().messages.create(hello), sdk().messages.create(hello)])
    expect(sts.requests).toHaveLength(1)
    const [asked] = sts.requests
    if (asked === undefined) throw new Error('nobody asked')
    expect(Object.fromEntries(new URLSearchParams(asked.body))).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: ROLE,
      RoleSessionName: 'coder-aigateway',
      ExternalId: made.settings?.external_id,
    })
    expect(asked.headers.authorization).toBe(
      await signatureOf(asked, asked.body, KEYS, { service: 'sts', region: 'eu-west-1' }),
    )
    expect(lastRequest().headers['x-amz-security-token']).toBe('token of ASIA1')
    await isSigned({ accessKeyId: 'ASIA1', secretAccessKey: 'secret of ASIA1' })
    // A change of the provider begins anew.
    await world.owner.call(updateAIProvider, {
      params: { idOrName: name },
      body: { settings: { ...SETTINGS, role_arn: `${ROLE}2` } },
    })
    await until('the other role', async () => {
      await sdk().messages.create(hello)
      return sts.requests.length === 2 || undefined
    })
  })

  it('a policy that is corrected takes effect at once, in a new connection', async () => {
    await provider({ role_arn: ROLE })
    sts.answer = () => ({
      status: 403,
      body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to assume</Message></Error></ErrorResponse>',
    })
    await expect(sdk().messages.create(hello)).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining('not authorized to assume'),
    })
    sts.answer = () => stsAnswer('AssumeRole', 'ASIA', new Date(Date.now() + 3_600_000))
    world.upstream.answer = () => says('Hi')
    await sdk().messages.create(hello)
    expect(new Set(sts.requests.map(({ port }) => port)).size).toBe(2)
  })

  it('without a pair the environment of the server is used, and the hint says so', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAOFTHESERVER')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the server')
    await provider({ access_key: '', access_key_secret: '' })
    world.upstream.play(says('Hi'))
    await sdk().messages.create(hello)
    await isSigned({ accessKeyId: 'AKIAOFTHESERVER', secretAccessKey: 'secret of the server' })
    await until('the record', async () => (await lastRecord())?.credential_hint === '<aws chain>')
    world.upstream.answer = () => ({ status: 200, body: '{}' })
    const test = await world.owner.call(testAIProvider, { params: { idOrName: name } })
    expect(test).toMatchObject({ ok: true, results: [{ masked: '<aws chain>' }] })
  })

  it('chats get them too, for the API of Bedrock that their library speaks', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAOFTHESERVER')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the server')
    await provider({ access_key: '', access_key_secret: '' })
    world.upstream.play(says('Hi'))
    const response = await world.ask({ ownerId: user.id, provider: name }, '/model/m/converse', {
      messages: [{ role: 'user', content: [{ text: 'Say hi' }] }],
    })
    expect(await response.text()).toContain('"text":"Hi"')
    expect(lastRequest().path).toBe('/model/m/converse')
    await isSigned({ accessKeyId: 'AKIAOFTHESERVER', secretAccessKey: 'secret of the server' })
  })

  it('without any the client hears why', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', '')
    await provider({ access_key: '', access_key_secret: '' })
    await expect(sdk().messages.create(hello)).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining('there are no credentials of AWS'),
    })
  })
})
