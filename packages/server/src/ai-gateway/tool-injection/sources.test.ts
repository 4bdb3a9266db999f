import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'

import { createToken } from '@slipway/contract'
import { callsTools, connectTo, says, until } from '@slipway/testkit'
import { ExternalAuth } from '../../external-auth/index.ts'
import { GatewayWorld } from '../gateway.fixture.ts'
import { InjectedTools } from './injected-tools.ts'
import {
  anthropic,
  chat,
  client,
  connect,
  ECHO,
  echoes,
  git,
  LONG_ID,
  lastBody,
  mcp,
  meetNewcomers,
  messages,
  NAMES,
  openai,
  token,
  user,
  world,
} from './injection.fixture.ts'

meetNewcomers()

describe('AG-70: whose tools', () => {
  it('nobody without a connection gets any, and the request stays as it is', async () => {
    world.upstream.play(says('Hi'))
    await openai().chat.completions.create(chat)
    expect(lastBody()).toEqual(chat)
    expect(mcp.requests).toEqual([])
  })

  it('AG-72: who is connected gets those of the server, by name, with the user’s own token', async () => {
    await connect()
    world.upstream.play(says('Hi'), says('Hi'), says('Hi'))
    await openai().chat.completions.create({
      ...chat,
      tools: [{ type: 'function', function: { name: 'own' } }],
    })
    const tools = Object(lastBody()).tools
    expect(tools.map((tool: { function: { name: string } }) => tool.function.name)).toEqual(['own', ...NAMES])
    expect(tools[1]).toEqual({
      type: 'function',
      function: {
        name: ECHO,
        description: 'Says what it was called with.',
        parameters: { type: 'object', properties: { text: { type: 'string' } } },
        strict: false,
      },
    })
    // AG-73
    expect(lastBody()).toMatchObject({ parallel_tool_calls: false })
    expect(mcp.requests.every(({ headers }) => headers.authorization?.startsWith('Bearer ') === true)).toBe(
      true,
    )
    expect(JSON.stringify(mcp.requests)).not.toContain(token)
    await openai().responses.create({ model: 'gpt-test', input: 'hi' })
    expect(lastBody()).toMatchObject({
      parallel_tool_calls: false,
      tools: NAMES.map((name) => ({ type: 'function', name, strict: false })),
    })
    await anthropic().messages.create({
      ...messages,
      tools: [{ name: 'own', input_schema: { type: 'object' } }],
    })
    expect(lastBody()).toMatchObject({
      tools: [...NAMES.map((name) => ({ name, input_schema: { type: 'object' } })), { name: 'own' }],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    })
  })

  it('AG-20: the same request is the same to the byte', async () => {
    await connect()
    world.upstream.answer = () => says('Hi')
    await openai().chat.completions.create(chat)
    await openai().chat.completions.create(chat)
    const [first, second] = world.upstream.requests.slice(-2)
    expect(first?.text).toBe(second?.text)
    expect(first?.text.startsWith(JSON.stringify(chat).slice(0, -1))).toBe(true)
    // AG-76: in one connection.
    expect(mcp.requests.filter(({ method }) => method === 'POST').length).toBeLessThan(6)
  })

  it('AG-71: of a server with filters only what one lets in and the other does not keep out', async () => {
    await connectTo(client, git, { id: 'other' })
    world.upstream.play(says('Hi'))
    await anthropic().messages.create(messages)
    expect(Object(lastBody()).tools).toMatchObject([{ name: 'bmcp_other_echo' }, { name: 'bmcp_other_fail' }])
  })

  it('AG-72: names are no longer than APIs take, and lead to their tools all the same', async () => {
    await connectTo(client, git, { id: LONG_ID })
    const name = `bmcp_${'x'.repeat(59)}`
    world.upstream.play(callsTools({ id: 'call-1', name, args: { text: 'hi' } }), says('Done'))
    await openai().chat.completions.create(chat)
    expect(name).toHaveLength(64)
    expect(Object(lastBody()).tools).toMatchObject([{ function: { name } }])
    expect(Object(lastBody()).messages.at(-1)).toMatchObject({ content: '{"text":"hi"}' })
  })

  it('AG-72: names have only letters that APIs take', async () => {
    const tools = [...mcp.tools]
    mcp.tools.push({
      name: 'e.g. é',
      run: async () => ({ content: [{ type: 'text', text: 'a result' }] }),
    })
    try {
      await connectTo(client, git, { id: 'other' })
      const name = 'bmcp_other_e_g___'
      world.upstream.play(callsTools({ id: 'call-1', name }), says('Done'))
      await openai().chat.completions.create(chat)
      expect(Object(lastBody()).tools).toContainEqual(
        expect.objectContaining({ function: expect.objectContaining({ name }) }),
      )
      expect(Object(lastBody()).messages.at(-1)).toMatchObject({ content: 'a result' })
    } finally {
      mcp.tools.splice(0, mcp.tools.length, ...tools)
    }
  })

  it('clients with a tool of that name keep theirs', async () => {
    await connect()
    world.upstream.play(callsTools(echoes('x')))
    const answer = await openai().chat.completions.create({
      ...chat,
      tools: [{ type: 'function', function: { name: ECHO } }],
    })
    expect(answer.choices[0]?.message.tool_calls).toHaveLength(1)
    expect(Object(lastBody()).tools).toHaveLength(NAMES.length)
  })

  it('chats bring tools of their own', async () => {
    await connect()
    world.upstream.play(says('Hi'))
    await (await world.ask({ ownerId: user.id, provider: 'openai' }, '/v1/chat/completions', chat)).text()
    expect(lastBody()).toEqual(chat)
  })

  it('AG-73: a choice of the client stays, but for parallel calls', async () => {
    await connect()
    world.upstream.answer = () => says('Hi')
    await anthropic().messages.create({ ...messages, tool_choice: { type: 'none' } })
    expect(lastBody().tool_choice).toEqual({ type: 'none' })
    await anthropic().messages.create({ ...messages, tool_choice: { type: 'any' } })
    expect(lastBody().tool_choice).toEqual({ type: 'any', disable_parallel_tool_use: true })
    await anthropic().post('/v1/messages', { body: { ...messages, tool_choice: {} } })
    expect(lastBody().tool_choice).toEqual({ type: 'auto', disable_parallel_tool_use: true })
  })

  it('AG-72: streams of small models get none', async () => {
    await connect()
    world.upstream.answer = () => says('Hi')
    const small = { ...messages, model: 'claude-haiku-test' }
    await anthropic().messages.stream(small).finalMessage()
    expect(lastBody()).not.toHaveProperty('tools')
    await anthropic().messages.create(small)
    expect(lastBody()).toHaveProperty('tools')
  })

  it('AG-76: a server that cannot be used leaves requests without its tools', async () => {
    await connect()
    mcp.refuse = () => ({ status: 500 })
    world.upstream.play(says('Hi'))
    const answer = await openai().chat.completions.create(chat)
    expect(answer.choices[0]?.message.content).toBe('Hi')
    expect(lastBody()).toEqual(chat)
  })
})

it('AG-76: a server that fails while it is called is connected to anew for the next request', async () => {
  await connect()
  world.upstream.answer = ({ text }) => {
    if (text.includes('"role":"tool"')) return says('Hm.')
    mcp.refuse = () => ({ status: 500 })
    return callsTools(echoes('x'))
  }
  await openai().chat.completions.create(chat)
  expect(Object(lastBody()).messages.at(-1).content).toContain('"error":true')
  mcp.refuse = () => undefined
  mcp.requests.length = 0
  world.upstream.answer = () => says('Hi')
  await openai().chat.completions.create(chat)
  expect(Object(lastBody()).tools).toHaveLength(NAMES.length)
  expect(mcp.requests.filter(({ method }) => method === 'POST').length).toBeGreaterThan(1)
})

it('AG-47: tools go to Bedrock too', async () => {
  await connect()
  await world.provider({
    name: 'bedrock',
    type: 'bedrock',
    base_url: world.upstream.url,
    api_keys: [],
    settings: {
      _type: 'bedrock',
      _version: 1,
      region: 'eu-west-1',
      model: 'anthropic.claude-sonnet-4-5',
      small_fast_model: 'anthropic.claude-haiku-4-5',
      access_key: 'AKIAEXAMPLE12345',
      access_key_secret: 'secret',
    },
  })
  world.upstream.play(callsTools(echoes('x')), says('It is x.'))
  const sdk = new Anthropic({
    baseURL: `${world.server.url}/api/v2/ai-gateway/bedrock`,
    apiKey: token,
    maxRetries: 0,
  })
  const message = await sdk.messages.stream(messages).finalMessage()
  expect(message.content).toMatchObject([{ text: 'It is x.' }])
  expect(world.upstream.requests.slice(-2).map(({ kind }) => kind)).toEqual([
    'bedrock-invoke',
    'bedrock-invoke',
  ])
})

it('AG-70: the tools of this deployment, with the token of the caller', async () => {
  await using own = await GatewayWorld.start({ CODER_AI_GATEWAY_INJECT_CODER_MCP_TOOLS: 'true' })
  const somebody = await own.server.user('somebody')
  const { key } = await somebody.call(createToken, { params: { user: 'me' }, body: {} })
  await own.provider({ name: 'openai' })
  own.upstream.play(
    callsTools({ id: 'call-1', name: 'bmcp_coder_coder_get_authenticated_user' }),
    says('You are somebody.'),
  )
  const sdk = new OpenAI({
    baseURL: `${own.server.url}/api/v2/ai-gateway/openai/v1`,
    apiKey: key,
    maxRetries: 0,
  })
  const answer = await sdk.chat.completions.create(chat)
  expect(answer.choices[0]?.message.content).toBe('You are somebody.')
  expect(JSON.stringify(Object(own.upstream.requests.at(-1)?.body).messages.at(-1))).toContain('somebody')
  const { tools } = await own.records((await own.account(somebody)).id)
  expect(tools).toMatchObject([
    { tool: 'coder_get_authenticated_user', server_url: `${own.server.url}/api/experimental/mcp/http` },
  ])
  // AG-76: a connection is used again for a quarter of an hour.
  await using external = new ExternalAuth(own.context)
  await using injected = InjectedTools.from({
    context: own.context,
    external,
    guarded: { fetch: () => Promise.reject(new Error('nothing else is asked')) },
    own: { address: () => mcp.url, publicUrl: () => mcp.url },
  })
  const asked = async () => {
    using lease = await injected?.lease({ userId: 'u', keyId: 'k', token: 't' })
    expect(lease?.tools.map(({ tool }) => tool)).toContain('echo')
    return mcp.requests.filter(({ method, headers }) => method === 'POST' && !headers['mcp-session-id'])
      .length
  }
  mcp.requests.length = 0
  const one = await asked()
  own.clock.advance(14 * 60_000)
  expect(await asked()).toBe(one)
  own.clock.advance(60_001)
  await until('another one', async () => (await asked()) > one)
})
