import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'

import { beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  type CreateAIProviderRequest,
  createGroup,
  createToken,
  getUser,
  listTokens,
  NEVER,
  type UpsertAPIKeyAILimitsRequest,
  type UpsertGroupAIModelPolicyRequest,
  updateAIGatewaySettings,
  updateAIProviderRouting,
  updateOrganizationAIPrivacy,
  upsertAPIKeyAILimits,
  upsertGroupAIModelPolicy,
} from '@slipway/contract'
import { fixtures, says, until } from '@slipway/testkit'
import { KeyRates } from '../keys/key-rates.ts'
import {
  ask,
  client,
  codeOf,
  hello,
  meetNewcomers,
  provider,
  records,
  serial,
  statusOf,
  user,
  world,
} from '../newcomer.fixture.ts'
import { at, list } from '../wires/json.ts'

meetNewcomers()

let organization: string

beforeAll(() => {
  world.upstream.models = ['gpt-5', 'gpt-5-mini', 'o9']
})

/** Puts the newcomer into a group with a policy that this replica knows. */
async function policy(body: UpsertGroupAIModelPolicyRequest): Promise<string> {
  organization = user.organization_ids[0] ?? ''
  const made = await world.owner.call(createGroup, {
    params: { organization },
    body: { name: `g-${randomUUID().slice(0, 8)}` },
  })
  await fixtures.groupMember(world.database.db, { group_id: made.id, user_id: user.id })
  await world.owner.call(upsertGroupAIModelPolicy, { params: { group: made.id }, body })
  await world.gateway.parts.governance.refresh()
  return made.id
}

async function token(body: {
  scopes?: string[]
  allow_list?: string[]
  ai_limits?: UpsertAPIKeyAILimitsRequest
}): Promise<string> {
  return (await client.call(createToken, { params: { user: 'me' }, body })).key
}

/** Asks the server over HTTP, as tools do. */
const over = (
  path: string,
  secret: string,
  body?: unknown,
  name = provider.name,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${world.server.url}/api/v2/ai-gateway/${name}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })

/** A provider that server and replica know. */
async function another(given: CreateAIProviderRequest) {
  const made = await world.provider(given)
  await until(
    'the provider',
    async () => (await over('/v1/models', await token({}), undefined, made.name)).ok,
  )
  return made
}

const CHAT = '/v1/chat/completions'

describe('AG-B9: models by group', () => {
  it('AG-B9: what is not allowed is refused before anybody is asked, in chats too', async () => {
    await policy({ allow: ['gpt-5*'], deny: ['*-mini'] })
    const asked = world.upstream.requests.length
    for (const model of ['o9', 'gpt-5-mini', 'GPT-5-MINI']) {
      const response = await ask({ ...hello, model })
      expect([model, response.status]).toEqual([model, 403])
      const body = await response.text()
      expect(body).toContain('model_not_allowed')
      expect(body).toContain(model)
    }
    expect(world.upstream.requests).toHaveLength(asked)
    expect((await records()).interceptions).toEqual([])
    world.upstream.play(says('Hi'))
    expect(await statusOf(ask({ ...hello, model: 'gpt-5' }))).toBe(200)
  })

  it('AG-B9: an alias is resolved before it is asked, and both names are recorded', async () => {
    await policy({ allow: ['gpt-5-mini'], aliases: { fast: 'gpt-5-mini', best: 'o9' } })
    world.upstream.play(says('Hi'))
    const before = `{"messages":[{"role":"user","content":"Say \\u0048i"}], "model" : "fast","n":1}`
    const secret = await token({})
    await (await over(CHAT, secret, before)).text()
    expect(world.upstream.requests.at(-1)?.text).toBe(
      before.replace('"fast"', '"gpt-5-mini"').replace('}]', '}]'),
    )
    const recorded = await until('the record', async () => (await records()).interceptions[0])
    expect(recorded).toMatchObject({ model: 'gpt-5-mini', requested_model: 'fast' })
    // What an alias stands for must be allowed as well.
    expect(await codeOf(await over(CHAT, secret, { ...hello, model: 'best' }))).toBe('model_not_allowed')
  })

  it('AG-B9: aliases alone limit nothing, and work where a request is only relayed', async () => {
    await policy({ aliases: { fast: 'gpt-5-mini' } })
    world.upstream.play(says('Hi'))
    expect(await statusOf(ask({ ...hello, model: 'o9' }))).toBe(200)
    const claude = await another({ type: 'anthropic', base_url: world.upstream.url })
    const counted = await over(
      '/v1/messages/count_tokens',
      await token({}),
      { model: 'fast', messages: [] },
      claude.name,
      { 'anthropic-version': '2023-06-01' },
    )
    expect(counted.status).toBe(200)
    expect(world.upstream.requests.at(-1)?.body).toMatchObject({ model: 'gpt-5-mini' })
  })

  it('AG-B9: a model that the path names is decided like another', async () => {
    await policy({ deny: ['*-pro'], aliases: { fast: 'gemini/flash' } })
    const google = await world.provider({ type: 'google', base_url: `${world.upstream.url}/v1beta` })
    const generate = (model: string) =>
      world.ask({ ownerId: user.id, provider: google.name }, `/v1beta/models/${model}:generateContent`, {
        contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
      })
    world.upstream.play(says('Hi'))
    expect(await statusOf(generate('fast'))).toBe(200)
    expect(world.upstream.requests.at(-1)?.path).toBe('/v1beta/models/gemini%2Fflash:generateContent')
    const recorded = await until('the record', async () => (await records()).interceptions[0])
    expect(recorded).toMatchObject({ model: 'gemini/flash', requested_model: 'fast' })
    expect(await codeOf(await generate('gemini-pro'))).toBe('model_not_allowed')
  })

  it('AG-B9: a body that may be read in two ways is no way around', async () => {
    await policy({ allow: ['gpt-5'] })
    const messages = '"messages":[{"role":"user","content":"Hi"}]'
    const asked = world.upstream.requests.length
    for (const [body, status] of [
      [`{"model":"gpt-5","Model":"o9",${messages}}`, 400],
      [`{"model":"gpt-5","mod\\u0065l":"o9",${messages}}`, 403],
      [`{"model":"gpt-5","models":["gpt-5","o9"],${messages}}`, 403],
      [`{"model":["gpt-5"],${messages}}`, 403],
      [`{"model":"gpt-5","models":"o9",${messages}}`, 400],
      [`{"model":"gpt-5","models":[{"id":"o9"}],${messages}}`, 400],
      [`{${messages}}`, 403],
    ] as const)
      expect([body, (await over(CHAT, await token({}), body)).status]).toEqual([body, status])
    expect(world.upstream.requests).toHaveLength(asked)
    world.upstream.play(says('Hi'))
    const twice = `{"model":"o9","model":"gpt-5",${messages}}`
    expect((await over(CHAT, await token({}), twice)).status).toBe(200)
    expect(world.upstream.requests.at(-1)?.text).not.toContain('o9')
    world.upstream.play(says('Hi'))
    const further = `{"model":"gpt-5","models":["o9"],"models":["gpt-5"],${messages}}`
    expect((await over(CHAT, await token({}), further)).status).toBe(200)
    expect(world.upstream.requests.at(-1)?.text).not.toContain('o9')
  })

  it('AG-B9: a body that cannot be read is no way around where a request is only relayed', async () => {
    await policy({ allow: ['gpt-5'] })
    const asked = world.upstream.requests.length
    const body = JSON.stringify({ model: 'o9', input: 'Hi' })
    for (const [bytes, headers] of [
      [gzipSync(body), { 'content-encoding': 'gzip' }],
      [Buffer.from(body, 'utf16le'), {}],
    ] as const) {
      const response = await fetch(
        `${world.server.url}/api/v2/ai-gateway/${provider.name}/v1/responses/compact`,
        {
          method: 'POST',
          headers: {
            authorization: `Bearer ${await token({})}`,
            'content-type': 'application/json',
            ...headers,
          },
          body: bytes,
        },
      )
      expect(response.status).toBe(400)
    }
    const more = await over('/v1/responses/compact', await token({}), { models: ['o9'] })
    expect(more.status).toBe(403)
    expect(world.upstream.requests).toHaveLength(asked)
  })

  it('AG-B9: what counts is the model that answers, where a provider has one for all names', async () => {
    await policy({ allow: ['claude-*', '*.haiku'], deny: ['*.opus'] })
    const bedrock = await world.provider({
      type: 'bedrock',
      base_url: world.upstream.url,
      api_keys: [],
      settings: {
        _type: 'bedrock',
        _version: 1,
        region: 'eu-west-1',
        model: 'eu.opus',
        small_fast_model: 'eu.haiku',
        access_key: 'AKIAEXAMPLE12345',
        access_key_secret: 'secret-of-aws',
      },
    })
    const post = (model: string) =>
      world.ask({ ownerId: user.id, provider: bedrock.name }, '/v1/messages', {
        ...hello,
        model,
        max_tokens: 10,
      })
    const asked = world.upstream.requests.length
    expect(await codeOf(await post('claude-sonnet-4-5'))).toBe('model_not_allowed')
    expect(world.upstream.requests).toHaveLength(asked)
    expect(await codeOf(await post('claude-haiku-4-5'))).not.toBe('model_not_allowed')
    expect(world.upstream.requests.length).toBeGreaterThan(asked)
  })

  it('AG-B9: lists of models show what may be used', async () => {
    const secret = await token({})
    const ids = async (name: string, headers: Record<string, string> = {}) => {
      const response = await over('/v1/models', secret, undefined, name, headers)
      return list(at(await response.json(), 'data')).map((model) => at(model, 'id'))
    }
    expect(await ids(provider.name)).toEqual(['gpt-5', 'gpt-5-mini', 'o9'])
    await policy({ allow: [`${provider.name}/gpt-*`, '*/o9'], deny: ['*-mini'] })
    await until('the policy', async () => (await ids(provider.name)).length === 2)
    expect(await ids(provider.name)).toEqual(['gpt-5', 'o9'])
    const claude = await another({ type: 'anthropic', base_url: world.upstream.url })
    expect(await ids(claude.name, { 'anthropic-version': '2023-06-01' })).toEqual(['o9'])
    expect((await over('/v1/models/o9', secret)).status).toBe(200)
    expect(await codeOf(await over('/v1/models/gpt-5-mini', secret))).toBe('model_not_allowed')
    world.upstream.answer = () => ({ status: 200, body: 'no list' })
    try {
      expect((await over('/v1/models', secret)).status).toBe(502)
    } finally {
      world.upstream.answer = () => undefined
    }
  })

  it('AG-B9: Google’s models are the same by both of their names', async () => {
    const google = await another({ type: 'google' })
    await policy({ deny: ['gemini-pro'], allow: ['gemini-*'] })
    const post = (model: string) => ask({ ...hello, model }, {}, google.name)
    for (const model of ['gemini-pro', 'models/gemini-pro', 'models/other'])
      expect(await codeOf(await post(model)), model).toBe('model_not_allowed')
    world.upstream.play(says('Hi'))
    expect(await statusOf(post('models/gemini-flash'))).toBe(200)
  })

  it('AG-B9: a name that a provider may take for another one is no way around', async () => {
    await policy({ deny: ['o9'] })
    const names = ['o9 ', ' o9', 'o9\n', 'o9\u0000', 'o\u200b9']
    const asked = world.upstream.requests.length
    for (const model of names)
      expect(await codeOf(await ask({ ...hello, model })), JSON.stringify(model)).toBe('invalid_request')
    expect(await codeOf(await ask({ ...hello, model: 'gpt-5', models: ['o9 '] }))).toBe('invalid_request')
    expect(world.upstream.requests).toHaveLength(asked)
    world.upstream.play(says('Hi'))
    expect(await statusOf(ask({ ...hello, model: 'gpt 5 (preview) é' }))).toBe(200)
  })

  it('AG-B9: who is in no group with a policy may use everything', async () => {
    world.upstream.play(says('Hi'))
    expect(await statusOf(ask({ ...hello, model: 'o9' }))).toBe(200)
  })
})

describe('AG-B8: virtual keys', () => {
  it('AG-B8: a token is kept to its providers and models', async () => {
    const other = await another({})
    const secret = await token({ ai_limits: { providers: [provider.name], models: ['gpt-*'] } })
    expect(await codeOf(await over(CHAT, secret, { ...hello, model: 'o9' }))).toBe('model_not_allowed')
    expect(await codeOf(await over(CHAT, secret, { ...hello, model: 'gpt-5' }, other.name))).toBe(
      'model_not_allowed',
    )
    expect(await codeOf(await over('/v1/models', secret, undefined, other.name))).toBe('model_not_allowed')
    world.upstream.play(says('Hi'))
    expect((await over(CHAT, secret, { ...hello, model: 'gpt-5' })).status).toBe(200)
  })

  it('AG-B8: requests per second beyond the token’s are refused with 429 and Retry-After', async () => {
    const secret = await token({ ai_limits: { requests_per_second: 2 } })
    const answers = await Promise.all(Array.from({ length: 8 }, () => over('/v1/models', secret)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThanOrEqual(4)
    expect(refused[0]?.headers.get('retry-after')).toBe('1')
    const free = await Promise.all(Array.from({ length: 8 }, async () => over('/v1/models', await token({}))))
    expect(free.map(({ status }) => status)).toEqual(Array(8).fill(200))
  })

  it.each([1, 2, 64, 65, 1_000])(
    'AG-B8: %d requests in a second are so many, not fewer and not more',
    (perSecond) => {
      let now = 1_796_043_600_500
      const rates = new KeyRates(() => now)
      const passed: number[] = []
      for (let tick = 0; tick < 20 * perSecond; tick += 1) {
        // Twice as many as may.
        if (rates.take('a', perSecond)) passed.push(now)
        now += 500 / perSecond
      }
      // Of many in a second the window before counts by its share (AG-68).
      if (perSecond <= 64)
        for (const [index, time] of passed.entries())
          expect((passed[index + perSecond] ?? Number.POSITIVE_INFINITY) - time).toBeGreaterThan(999)
      expect(passed.length).toBeLessThanOrEqual(10.5 * perSecond)
      expect(passed.length).toBeGreaterThanOrEqual(9.5 * perSecond)
      // Whoever comes back when they were told to is let in.
      now += 5_000
      expect(Array.from({ length: perSecond + 1 }, () => rates.take('a', perSecond)).lastIndexOf(true)).toBe(
        perSecond - 1,
      )
      if (perSecond > 64) return
      now += 1_000
      expect(rates.take('a', perSecond)).toBe(true)
      expect(rates.take('b', perSecond)).toBe(true)
    },
  )

  it('AG-B8: a change of its limits counts for the next request', async () => {
    const secret = await token({ ai_limits: { models: ['o9'] } })
    const keyid = secret.split('-')[0] ?? ''
    expect(await codeOf(await over(CHAT, secret, { ...hello, model: 'gpt-5' }))).toBe('model_not_allowed')
    await client.call(upsertAPIKeyAILimits, { params: { user: 'me', keyid }, body: { models: null } })
    world.upstream.play(says('Hi'))
    expect((await over(CHAT, secret, { ...hello, model: 'gpt-5' })).status).toBe(200)
  })
})

describe('AG-B7: tokens for the gateway alone', () => {
  it('AG-B7: one with that scope asks models and does nothing else', async () => {
    const secret = await token({ scopes: ['coder:ai_gateway.use'] })
    world.upstream.play(says('Hi'))
    expect((await over(CHAT, secret, hello)).status).toBe(200)
    expect((await over('/v1/models', secret)).status).toBe(200)
    const limited = new Client({ url: world.server.url, token: secret })
    await expect(limited.call(getUser, { params: { user: 'me' } })).rejects.toMatchObject({ status: 404 })
    await expect(limited.call(createToken, { params: { user: 'me' }, body: {} })).rejects.toMatchObject({
      status: expect.toBeOneOf([403, 404]),
    })
    await until('the use of the token', async () => {
      const tokens = await client.call(listTokens, { params: { user: 'me' } })
      return tokens.find(({ id }) => secret.startsWith(id))?.last_used !== NEVER
    })
  })

  it('AG-B7: one whose scopes leave it out is refused, one that may do everything is not', async () => {
    for (const scopes of [['workspace:read'], ['coder:apikeys.manage_self', 'user:*']]) {
      const response = await over(CHAT, await token({ scopes }), hello)
      expect([response.status, await codeOf(response)]).toEqual([403, 'unauthorized'])
    }
    const narrow = await over(CHAT, await token({ allow_list: ['workspace:*'] }), hello)
    expect([narrow.status, await codeOf(narrow)]).toEqual([403, 'unauthorized'])
    world.upstream.play(says('Hi'))
    expect((await over(CHAT, await token({ scopes: ['coder:all'] }), hello)).status).toBe(200)
  })
})

describe('AG-B1: what is set is known on all replicas within a second', () => {
  it('AG-B9: policies, settings, privacy and routing, without a call of this replica', async () => {
    const { governance } = world.gateway.parts
    organization = user.organization_ids[0] ?? ''
    const other = await world.provider()
    const begun = performance.now()
    await world.owner.call(updateAIGatewaySettings, {
      body: { queue_length: serial, guardrails: { webhook_secret: 'sign with it' } },
    })
    await world.owner.call(updateOrganizationAIPrivacy, {
      params: { organization },
      body: { level: 'redacted' },
    })
    await world.owner.call(updateAIProviderRouting, {
      params: { idOrName: provider.name },
      body: { fallbacks: [{ provider: other.name }], total_timeout_ms: 5_000 },
    })
    await world.owner.call(upsertGroupAIModelPolicy, {
      params: { group: organization },
      body: { deny: ['o9'] },
    })
    await until(
      'the other replica',
      () => !governance.modelAccess([organization], undefined).allows('x', 'o9'),
    )
    await until('the settings', () => governance.settings().queueLength === serial)
    expect(performance.now() - begun).toBeLessThan(1_000 + 4_000)
    expect(governance.settings().guardrails.webhookSecret).toBe('sign with it')
    expect(governance.privacyOf([organization])).toEqual({ level: 'redacted', ownSessions: false })
    expect(governance.privacyOf([organization, randomUUID()]).level).toBe('redacted')
    expect(governance.privacyOf([randomUUID()])).toEqual({ level: 'full', ownSessions: false })
    expect(governance.routingOf(provider.id)).toMatchObject({
      keyStrategy: 'primary',
      fallbacks: [{ provider: other.name, models: {} }],
      totalTimeoutMs: 5_000,
      idleTimeoutMs: undefined,
    })
    // The group of all members counts for everybody.
    expect(await codeOf(await ask({ ...hello, model: 'o9' }))).toBe('model_not_allowed')
  })
})
