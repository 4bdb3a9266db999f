import { randomUUID } from 'node:crypto'

import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, jsonSchema, type LanguageModel, streamText, type ToolSet, tool } from 'ai'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'

import { type AIProvider, putUserAIProviderKey, updateAIProvider } from '@slipway/contract'
import { callsTools, Gate, says, until } from '@slipway/testkit'
import { GatewayWorld } from './gateway.fixture.ts'
import {
  ask,
  CHAT,
  client,
  codeOf,
  hello,
  meetNewcomers,
  provider,
  records,
  statusOf,
  user,
  world,
} from './newcomer.fixture.ts'
import { sdkBaseUrl } from './sdk-base-url.ts'

meetNewcomers()

const tools: ToolSet = {
  read_file: tool({
    description: 'Reads a file.',
    inputSchema: jsonSchema<{ path: string }>({ type: 'object', properties: { path: { type: 'string' } } }),
  }),
}

function modelOf(type: AIProvider['type'], name: string): LanguageModel {
  const found = world.providers.find(name)
  const baseURL = found === undefined ? undefined : sdkBaseUrl(found)
  if (baseURL === undefined) throw new Error('no base URL')
  const fetch = world.gateway.fetchFor({ ownerId: user.id, provider: name })
  const options = { baseURL, apiKey: 'replaced', fetch }
  switch (type) {
    case 'anthropic':
      return createAnthropic(options)('claude-test')
    case 'google':
      return createGoogleGenerativeAI(options)('gemini-test')
    case 'bedrock':
      return createAmazonBedrock({ ...options, region: 'eu-west-1' })('anthropic.claude-test')
    default:
      return createOpenAI(options).responses('gpt-test')
  }
}

describe('AG-78: each family is relayed and recorded', () => {
  const usage = { input: 100, cached: 40, output: 30 }
  const speech = (call: string) => ({
    steps: ['Let me look. ', { call: { id: call, name: 'read_file', args: { path: 'a.txt' } } }],
    usage,
  })
  const bedrock = {
    settings: {
      _type: 'bedrock',
      _version: 1,
      region: 'eu-west-1',
      model: 'm',
      small_fast_model: 's',
      access_key: 'AKIAEXAMPLE0123456789',
      access_key_secret: 'secret-of-aws',
    },
    api_keys: [],
  }

  it.each([
    ['openai', '/v1', {}, 'openai'],
    ['anthropic', '', {}, 'anthropic'],
    ['google', '/v1beta', {}, 'openai'],
    ['bedrock', '', bedrock, 'anthropic'],
  ] as const)('AG-78, AG-79, AG-46: %s, streamed and whole', async (type, path, extra, family) => {
    const { name } = await world.provider({ type, base_url: world.upstream.url + path, ...extra })
    for (const streamed of [true, false]) {
      world.upstream.play(speech(`call-${streamed}`))
      const asked = {
        model: modelOf(type, name),
        tools,
        prompt: `Read it, streamed: ${streamed}`,
        maxRetries: 0,
      }
      const calls = streamed
        ? await streamText({
            ...asked,
            onError: ({ error }) => {
              throw error
            },
          }).toolCalls
        : (await generateText(asked)).toolCalls
      expect(calls).toMatchObject([{ toolName: 'read_file', input: { path: 'a.txt' } }])
    }
    const { interceptions, tokens, prompts, tools: choices } = await records()
    expect(interceptions).toHaveLength(2)
    for (const interception of interceptions)
      expect(interception).toMatchObject({
        provider: family,
        provider_name: name,
        model: expect.stringMatching(/-test$/),
        client: 'Coder Agents',
        credential_kind: 'centralized',
        error_type: null,
        ended_at: expect.any(Date),
        metadata: { Username: user.username, request_user_agent: expect.stringMatching(/^coder-agents\//) },
      })
    expect(prompts.map(({ prompt }) => prompt).sort()).toEqual([
      'Read it, streamed: false',
      'Read it, streamed: true',
    ])
    expect(choices.map(({ tool: named, input }) => [named, JSON.parse(input)])).toEqual([
      ['read_file', { path: 'a.txt' }],
      ['read_file', { path: 'a.txt' }],
    ])
    // Google names no call.
    if (type !== 'google')
      expect(choices.map((one) => one.provider_tool_call_id).sort()).toEqual(['call-false', 'call-true'])
    // AG-30, AG-36, AG-43: each token is counted once.
    for (const row of tokens)
      expect(row).toMatchObject({
        input_tokens: 60,
        output_tokens: 30,
        cache_read_input_tokens: 40,
        cache_write_input_tokens: 0,
      })
    expect(tokens).toHaveLength(2)
  })

  it('AG-30: chat completions, streamed and whole', async () => {
    for (const stream of [true, false]) {
      world.upstream.play({
        ...callsTools({ id: `c-${stream}`, name: 'ls', args: { a: 1 } }, { name: 'rm' }),
        usage,
      })
      const response = await ask({ ...hello, stream, stream_options: { include_usage: true } })
      await response.text()
    }
    const { tokens, tools } = await records()
    expect(tokens).toMatchObject([
      { input_tokens: 60, output_tokens: 30, cache_read_input_tokens: 40 },
      { input_tokens: 60, output_tokens: 30, cache_read_input_tokens: 40 },
    ])
    // AG-B5: all calls of an answer.
    expect(tools.map(({ tool: name, input }) => `${name} ${input}`).sort()).toEqual([
      'ls {"a":1}',
      'ls {"a":1}',
      'rm {}',
      'rm {}',
    ])
  })

  it('AG-45: what a model lets out of its reasoning', async () => {
    const { name } = await world.provider({ type: 'anthropic', base_url: world.upstream.url })
    world.upstream.play({ steps: [{ reasoning: 'First, think.', signature: 'x' }, 'Hi'] })
    await streamText({ model: modelOf('anthropic', name), prompt: 'Think' }).text
    const { thoughts } = await records()
    expect(thoughts).toMatchObject([{ content: 'First, think.', metadata: { source: 'thinking' } }])
  })

  it('AG-20: bytes of the request and the answer pass as they are', async () => {
    const body =
      '{"model":"gpt-test", "messages":[{"role":"user","content":"Say hi"}],"unknown":1.0,"stream":true}'
    world.upstream.play(says('Hi ', 'there'))
    const response = await world.ask({ ownerId: user.id, provider: provider.name }, CHAT, hello, { body })
    const relayed = await response.text()
    expect(world.upstream.requests.at(-1)?.text).toBe(body)
    world.upstream.play(says('Hi ', 'there'))
    const direct = await fetch(world.upstream.url + CHAT, { method: 'POST', body })
    expect(events(relayed)).toBe(events(await direct.text()))
    expect(response.headers.get('content-type')).toContain('text/event-stream')
  })
})

/** An answer without what differs from one to the next. */
function events(stream: string): string {
  return stream.replaceAll(/"(?:id|created|system_fingerprint)":(?:"[^"]*"|\d+)/g, '')
}

describe('AG-15: what the provider is told', () => {
  it('AG-15: the credential of the deployment, and nothing of ours', async () => {
    world.upstream.play(says('Hi'))
    const response = await world.ask(
      { ownerId: user.id, provider: provider.name, rootChatId: randomUUID(), workspaceId: randomUUID() },
      CHAT,
      hello,
      {
        headers: {
          authorization: 'Bearer replaced',
          'x-api-key': 'replaced',
          cookie: 'coder_session_token=x',
          'coder-session-token': 'x',
          'x-coder-anything': 'x',
          'x-ai-bridge-actor-id': 'spoofed',
          'openai-organization': 'org-1',
        },
      },
    )
    await response.text()
    const headers = world.upstream.requests.at(-1)?.headers ?? {}
    expect(headers.authorization).toBe('Bearer sk-of-the-deployment-1')
    expect(headers['openai-organization']).toBe('org-1')
    expect(headers['user-agent']).toMatch(/^coder-agents\//)
    expect(
      Object.keys(headers).filter((name) => /^(?:cookie|x-api-key|x-ai|x-coder|coder)/.test(name)),
    ).toEqual([])
    expect(JSON.stringify(headers)).not.toContain('replaced')
  })

  it('AG-15: only the provider’s own address gets its key', async () => {
    const call = world.gateway.fetchFor({ ownerId: user.id, provider: provider.name })
    await expect(
      call('http://127.0.0.1:9/v1/chat/completions', { method: 'POST', body: '{}' }),
    ).rejects.toThrow(TypeError)
  })

  it('CH-507: the user’s own key comes before the deployment’s', async () => {
    const params = { user: 'me', provider: provider.name }
    await client.call(putUserAIProviderKey, { params, body: { api_key: 'sk-of-the-user-012345' } })
    world.upstream.play(says('Hi'))
    await (await ask()).text()
    expect(world.upstream.requests.at(-1)?.key).toBe('sk-of-the-user-012345')
    expect((await records()).interceptions).toMatchObject([
      { credential_kind: 'byok', credential_hint: 'sk-o...2345' },
    ])
  })

  it('AG-16: who asks, where that is switched on', async () => {
    await using telling = await GatewayWorld.start({ CODER_AI_GATEWAY_SEND_ACTOR_HEADERS: 'true' })
    const { name } = await telling.provider()
    const owner = await telling.account(telling.owner)
    telling.upstream.play(says('Hi'))
    await (await telling.ask({ ownerId: owner.id, provider: name }, CHAT, hello)).text()
    expect(telling.upstream.requests.at(-1)?.headers).toMatchObject({
      'x-ai-bridge-actor-id': owner.id,
      'x-ai-bridge-actor-metadata-username': 'owner',
    })
  })
})

describe('AG-107: providers that cannot be used', () => {
  it('AG-107: one that is off, gone, without a key or not there is refused by its own word', async () => {
    const bare = await world.provider({ api_keys: [] })
    const off = await world.provider({ enabled: false })
    const before = world.upstream.requests.length
    for (const [name, status, code] of [
      [bare.name, 401, 'missing_credential'],
      [off.name, 503, 'provider_disabled'],
      ['absent', 404, 'route_not_supported'],
    ] as const) {
      const response = await ask(hello, {}, name)
      expect(response.status).toBe(status)
      expect(await codeOf(response)).toBe(code)
    }
    expect(world.upstream.requests).toHaveLength(before)
    expect((await records()).interceptions).toEqual([])
  })

  it('AG-107: a change on another replica is known here at once, and one broken provider hurts no other', async () => {
    const broken = await world.provider({ api_keys: ['sk-broken'] })
    await sql`update ai_provider_keys set api_key = '\\x0102030405' where provider_id = ${broken.id}`.execute(
      world.database.db,
    )
    await world.owner.call(updateAIProvider, {
      params: { idOrName: provider.name },
      body: { base_url: `${world.upstream.url}/elsewhere/v1` },
    })
    await until('the change to arrive', () =>
      world.providers.find(provider.name)?.baseUrl.includes('elsewhere'),
    )
    expect(world.providers.find(broken.name)).toMatchObject({ status: 'error', keys: [] })
    expect(await codeOf(await ask(hello, {}, broken.name))).toBe('missing_credential')
    // AG-4: to clients it is not there.
    const relayed = await until('the server to know', async () => {
      const response = await fetch(`${world.server.url}/api/v2/ai-gateway/${broken.name}/v1/models`, {
        headers: { authorization: `Bearer ${world.owner.headers['Coder-Session-Token']}` },
      })
      const text = await response.text()
      return response.status === 200 ? undefined : [response.status, text]
    })
    expect(relayed).toEqual([404, expect.stringContaining('route not supported')])
    world.upstream.play(says('Hi'))
    expect(await statusOf(ask())).toBe(200)
  })

  it('AG-107: a read that fails leaves what was known', async () => {
    const known = world.providers.find(provider.name)
    await sql`alter table ai_providers rename to elsewhere`.execute(world.database.db)
    try {
      await world.providers.refresh()
      expect(world.providers.find(provider.name)).toBe(known)
    } finally {
      await sql`alter table elsewhere rename to ai_providers`.execute(world.database.db)
    }
    const { began, succeeded } = world.providers.lastReads
    expect(Number(began)).toBeGreaterThan(Number(succeeded))
    await world.providers.refresh()
    expect(world.providers.find(provider.name)).toMatchObject({ status: 'enabled' })
    expect(world.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'model providers could not be read again; the former ones go on',
      }),
    )
  })

  it('AG-B1: a stream goes on through a change of its provider', async () => {
    const gate = new Gate()
    world.upstream.play({ steps: ['one ', { wait: gate.opened }, 'two'] })
    const response = await ask({ ...hello, stream: true })
    await world.owner.call(updateAIProvider, {
      params: { idOrName: provider.name },
      body: { enabled: false, base_url: 'http://127.0.0.1:9/v1' },
    })
    await until('the change to arrive', () => world.providers.find(provider.name)?.enabled === false)
    gate.open()
    expect(await response.text()).toContain('[DONE]')
    expect(await statusOf(ask())).toBe(503)
  })
})
