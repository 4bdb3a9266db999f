import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createMcpServerConfig,
  getMcpServerConfig,
  getUser,
  listOrganizations,
  type MCPServerConfig,
  testMcpServerConfig,
  updateMcpServerConfig,
} from '@slipway/contract'
import { createLogger, silentLogger } from '@slipway/request-log'
import { FakeMcpServer, OidcDeployment, until } from '@slipway/testkit'
import { GuardedFetch } from '../outbound/index.ts'
import { answering } from './by-hand.fixture.ts'
import { McpConnection } from './runtime/connection.ts'
import { type Credentials, fixedCredentials } from './runtime/credentialed-fetch.ts'
import { McpToolset } from './runtime/toolset.ts'
import type { ConfigRow } from './store/configs.ts'
import { World } from './world.fixture.ts'

const lines: string[] = []
let world: World
let member: Client

beforeAll(async () => {
  world = await World.start({
    log: createLogger({ level: 'debug', sink: { write: (line: string) => void lines.push(line) } }),
  })
  member = await world.server.user('member')
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})
beforeEach(() => {
  world.outside.refuse = () => undefined
})

const test = (config: MCPServerConfig, body = {}, client = world.owner) =>
  client.call(testMcpServerConfig, { params: world.params(config), body })
/** Headers that a tool was called with. */
async function headersOf(config: MCPServerConfig, client = world.owner): Promise<Record<string, string>> {
  const { result, error } = await test(config, { tool: 'headers' }, client)
  const text = result?.content[0]?.text
  if (typeof text !== 'string') throw new Error(error?.message ?? 'no headers')
  return JSON.parse(text)
}
const health = async (config: MCPServerConfig, client = world.owner) =>
  (await client.call(getMcpServerConfig, { params: world.params(config) })).health

describe('OA-114: calling servers', () => {
  it.each(['streamable_http', 'sse'] as const)('lists and calls tools over %s', async (transport) => {
    const url = transport === 'sse' ? world.outside.sseUrl : world.outside.url
    const config = await world.create({ transport, url, slug: `over.${transport}` })
    const found = await test(config, { tool: 'echo', arguments: { text: 'x' } })
    expect(found).toMatchObject({
      ok: true,
      server_name: 'fake',
      server_version: '1.2.3',
      protocol_version: expect.stringMatching(/^\d{4}-/),
      result: { is_error: false, content: [{ type: 'text', text: '{"text":"x"}' }] },
    })
    expect(found.tools[0]).toEqual({
      name: 'echo',
      exposed_name: `over_${transport}__echo`,
      title: '',
      description: 'Says what it was called with.',
      input_schema: { type: 'object', properties: { text: { type: 'string' } } },
      read_only: true,
      destructive: false,
      offered: true,
    })
    expect(await test(config, { tool: 'fail' })).toMatchObject({ ok: true, result: { is_error: true } })
    expect(await test(config, { tool: 'nothing' })).toMatchObject({
      ok: false,
      error: { code: 'unknown_tool' },
    })
  })

  it('speaks the revision without a handshake where the server does', async () => {
    const handler = createMcpHandler(
      () => {
        const server = new McpServer({ name: 'modern', version: '2' })
        server.registerTool(
          'hello',
          { description: 'Greets.', inputSchema: fromJsonSchema({ type: 'object', properties: {} }) },
          async () => ({ content: [{ type: 'text', text: 'hello' }] }),
        )
        return server
      },
      { legacy: 'reject' },
    )
    await using modern = await answering((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const headers = new Headers()
        for (let at = 0; at < request.rawHeaders.length; at += 2)
          headers.append(request.rawHeaders[at] ?? '', request.rawHeaders[at + 1] ?? '')
        const init = {
          method: request.method ?? 'GET',
          headers,
          ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
        }
        handler.fetch(new Request(new URL(request.url ?? '/', 'http://127.0.0.1'), init)).then(
          async (answer) => {
            response.writeHead(answer.status, Object.fromEntries(answer.headers))
            response.end(Buffer.from(await answer.arrayBuffer()))
          },
          () => response.writeHead(500).end(),
        )
      })
    })
    const config = await world.create({ url: modern.url })
    expect(await test(config, { tool: 'hello' })).toMatchObject({
      ok: true,
      protocol_version: '2026-07-28',
      result: { content: [{ text: 'hello' }] },
    })
    await handler.close()
  })

  it('tells the server who we are', async () => {
    const config = await world.create()
    expect(await headersOf(config)).toMatchObject({ 'mcp-protocol-version': expect.any(String) })
  })

  it('goes on without a server that cannot be used, and says why', async () => {
    await using broken = await answering((_request, response) => void response.writeHead(500).end('boom'))
    await using strange = await answering(
      (_request, response) =>
        void response
          .setHeader('Content-Type', 'application/json')
          .end('{"jsonrpc":"2.0","id":1,"result":7}'),
    )
    await using html = await answering(
      (_request, response) => void response.setHeader('Content-Type', 'text/html').end('<p>hello'),
    )
    await using away = await answering(
      (_request, response) => void response.writeHead(307, { Location: `${world.outside.url}` }).end(),
    )
    await using odd = await answering((_request, response) => void response.writeHead(999).end())
    const codes = await Promise.all(
      [
        'http://127.0.0.1:1/mcp',
        'http://127.0.0.9/mcp',
        'http://169.254.169.254/latest',
        broken.url,
        strange.url,
        html.url,
        away.url,
        odd.url,
      ].map(async (url) => (await test(await world.create({ url }))).error?.code),
    )
    expect(codes).toEqual([
      'unreachable',
      'address_not_allowed',
      'address_not_allowed',
      'protocol',
      'protocol',
      'protocol',
      'unreachable',
      'unreachable',
    ])
  })

  it('says to those who do not see where the server is nothing of it', async () => {
    const config = await world.create({ url: 'http://127.0.0.9:4321/hidden' })
    const { error } = await test(config, {}, member)
    expect(error).toEqual({
      code: 'address_not_allowed',
      message: 'The server is at an address that may not be reached.',
    })
    expect((await test(config)).error?.message).toContain('CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS')
    expect(await health(config, member)).toMatchObject({ status: 'unhealthy', error: '' })
  })

  it('bounds what it takes from a server', async () => {
    const config = await world.create()
    expect(await test(config, { tool: 'flood' })).toMatchObject({ ok: false, error: { code: 'too_large' } })
    const sse = await world.create({ transport: 'sse', url: world.outside.sseUrl })
    expect(await test(sse, { tool: 'flood' })).toMatchObject({ ok: false, error: { code: 'too_large' } })
  })

  it('writes no credential of an address to the log', async () => {
    const { port } = new URL(world.outside.url)
    const config = await world.create({ url: `http://someone:pass-word-1@127.0.0.1:${port}/mcp` })
    expect(await headersOf(config)).toMatchObject({
      authorization: `Basic ${Buffer.from('someone:pass-word-1').toString('base64')}`,
    })
    const lost = await world.create({ url: 'http://someone:pass-word-1@127.0.0.1:1/?key=pass-word-1' })
    const answer = await test(lost)
    expect(answer.ok).toBe(false)
    expect(JSON.stringify(answer)).not.toContain('pass-word-1')
    await until('the line', async () => lines.some((line) => line.includes(lost.id)))
    expect(lines.join('\n')).not.toContain('pass-word-1')
  })
})

describe('OA-114: connections end in time', () => {
  const options = {
    guarded: new GuardedFetch(['127.0.0.1/32']),
    credentials: fixedCredentials({}),
    version: 'test',
  }
  afterAll(() => options.guarded[Symbol.dispose]())

  it('10 s for connecting and listing', async () => {
    await using silent = await answering(() => undefined)
    const started = performance.now()
    await expect(
      McpConnection.open({ url: silent.url, transport: 'streamable_http' }, options),
    ).rejects.toMatchObject({ code: 'timeout' })
    expect(performance.now() - started).toBeLessThan(12_000)
  }, 15_000)

  it('a call ends with who asked for it, and with the connection', async () => {
    const endpoint = { url: world.outside.url, transport: 'streamable_http' } as const
    const connection = await McpConnection.open(endpoint, options)
    const caller = new AbortController()
    const given = connection.call('wait', {}, caller.signal)
    caller.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    const cut = connection.call('wait', {})
    await Promise.all([
      expect(cut).rejects.toMatchObject({ code: 'unreachable' }),
      connection[Symbol.asyncDispose](),
    ])
    const gone = new AbortController()
    gone.abort(new Error('gone'))
    await expect(McpConnection.open(endpoint, { ...options, signal: gone.signal })).rejects.toThrow('gone')
  })

  it('OA-B24: sends a request again at most twice with other credentials', async () => {
    let asked = 0
    let refused = 0
    const credentials: Credentials = {
      headers: async () => {
        asked += 1
        return { Authorization: `Bearer ${asked}` }
      },
      refused: async () => {
        refused += 1
        return true
      },
    }
    world.outside.refuse = () => ({
      status: 403,
      headers: { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="more"' },
    })
    await expect(
      McpConnection.open(
        { url: world.outside.url, transport: 'streamable_http' },
        { ...options, credentials },
      ),
    ).rejects.toMatchObject({ code: 'insufficient_scope' })
    expect([asked, refused]).toEqual([3, 2])
  })

  it('names collide once, for the first config, and that is logged', async () => {
    const endpoint = { url: world.outside.url, transport: 'streamable_http' } as const
    const config = (id: string, slug: string) => {
      const lists = { tool_allow_list: [], tool_deny_list: ['headers', 'fail', 'wait', 'flood'] }
      return { id, slug, model_intent: false, ...lists } as unknown as ConfigRow
    }
    const warned: string[] = []
    const log = { ...silentLogger(), warn: (message: string) => void warned.push(message) }
    const servers = [
      { config: config('b', 'a.b'), connection: await McpConnection.open(endpoint, options) },
      { config: config('a', 'a_b'), connection: await McpConnection.open(endpoint, options) },
      { config: config('c', 'aa'), connection: await McpConnection.open(endpoint, options) },
    ]
    await using toolset = new McpToolset(servers, [], log)
    expect(toolset.tools.map(({ name, configId }) => [name, configId])).toEqual([
      ['a_b__echo', 'a'],
      ['aa__echo', 'c'],
    ])
    expect(warned).toHaveLength(1)
  })
})

describe('credentials', () => {
  it('are sent as the auth type says, with Bearer in its one spelling', async () => {
    expect(await headersOf(await world.create())).not.toHaveProperty('authorization')
    const key = { auth_type: 'api_key', api_key_header: 'X-Api-Key', api_key_value: 'k-1' } as const
    expect(await headersOf(await world.create(key))).toMatchObject({ 'x-api-key': 'k-1' })
    const bearer = { ...key, api_key_header: 'authorization', api_key_value: 'bEARER k-2' }
    expect(await headersOf(await world.create(bearer))).toMatchObject({ authorization: 'Bearer k-2' })
    const custom = { auth_type: 'custom_headers', custom_headers: { 'X-One': '1', 'x-two': '2' } } as const
    expect(await headersOf(await world.create(custom))).toMatchObject({ 'x-one': '1', 'x-two': '2' })
  })

  it('OA-117: go beside headers that name the caller, and win over them', async () => {
    const { id } = await member.call(getUser, { params: { user: 'me' } })
    const config = await world.create({ forward_coder_headers: true })
    expect(await headersOf(config, member)).toMatchObject({ 'x-coder-owner-id': id })
    expect(await headersOf(await world.create(), member)).not.toHaveProperty('x-coder-owner-id')
    const wins = await world.create({
      forward_coder_headers: true,
      auth_type: 'custom_headers',
      custom_headers: { 'x-CODER-owner-ID': 'mine' },
    })
    expect(await headersOf(wins, member)).toMatchObject({ 'x-coder-owner-id': 'mine' })
  })

  it('OA-104: of the identity provider go to the server, renewed in time, and of nobody else', async () => {
    await using corp = await OidcDeployment.start({ CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS: '127.0.0.1/32' })
    await using outside = await FakeMcpServer.start()
    const [organization] = await corp.owner.call(listOrganizations)
    const params = { organization: organization?.id ?? '' }
    const config = await corp.owner.call(createMcpServerConfig, {
      params,
      body: { ...world.body({ url: outside.url }), auth_type: 'user_oidc' },
    })
    const ask = async (client: Client) => {
      const { result } = await client.call(testMcpServerConfig, {
        params: { ...params, mcpserverconfig: config.id },
        body: { tool: 'headers' },
      })
      return JSON.parse(String(result?.content[0]?.text)).authorization
    }
    const { client } = await corp.arrive()
    const first = await ask(client)
    expect(first).toMatch(/^Bearer .+/)
    expect(await ask(client)).toBe(first)
    expect(await ask(corp.owner)).toBeUndefined()
    // With less than ten minutes left there is a new one.
    await corp.database.db
      .updateTable('user_links')
      .set({ oauth_expiry: new Date(Date.now() + 9 * 60_000) })
      .execute()
    const second = await ask(client)
    expect(second).toMatch(/^Bearer .+/)
    expect(second).not.toBe(first)
  })
})

describe('OA-115, OA-116: what models get', () => {
  it('is what lists let through: what is denied is not had, whatever is allowed', async () => {
    const config = await world.create({
      tool_allow_list: ['echo', 'headers', 'absent'],
      tool_deny_list: ['headers'],
    })
    const { tools } = await test(config)
    expect(tools.filter(({ offered }) => offered).map(({ name }) => name)).toEqual(['echo'])
    expect(await test(config, { tool: 'headers' })).toMatchObject({ error: { code: 'unknown_tool' } })
    await world.owner.call(updateMcpServerConfig, {
      params: world.params(config),
      body: { tool_allow_list: [], tool_deny_list: ['ECHO'] },
    })
    const open = await test(config)
    expect(open.tools.every(({ offered }) => offered)).toBe(true)
  })

  it('has names of 64 plain characters', async () => {
    const config = await world.create({ slug: `${'s'.repeat(60)}.x` })
    for (const { exposed_name } of (await test(config)).tools) expect(exposed_name).toMatch(/^[\w-]{64}$/)
  })

  it('may have an intent around the arguments, which the server does not see', async () => {
    const config = await world.create({ model_intent: true })
    const echoed = async (args: object) =>
      (await test(config, { tool: 'echo', arguments: args })).result?.content[0]?.text
    expect(await echoed({ model_intent: 'to see', properties: { text: 'x' } })).toBe('{"text":"x"}')
    expect(await echoed({ model_intent: 'to see', text: 'x' })).toBe('{"text":"x"}')
    expect(await echoed({ model_intent: 'to see' })).toBe('{}')
    expect(await echoed({ model_intent: 'to see', properties: 'mine', text: 'x' })).toBe(
      '{"properties":"mine","text":"x"}',
    )
    const plain = await world.create()
    expect(
      (await test(plain, { tool: 'echo', arguments: { model_intent: 'mine' } })).result?.content[0]?.text,
    ).toBe('{"model_intent":"mine"}')
  })
})

describe('health', () => {
  it('is kept of every use, and says when a server wants users to connect', async () => {
    const config = await world.create()
    expect(await health(config)).toMatchObject({ status: 'unknown', checked_at: null })
    await test(config)
    expect(await health(config)).toMatchObject({ status: 'healthy', tool_count: 5, error: '' })
    world.outside.refuse = () => ({ status: 503 })
    await test(config)
    await test(config)
    expect(await health(config)).toMatchObject({
      status: 'unhealthy',
      consecutive_failures: 2,
      tool_count: 5,
      error: expect.stringContaining('503'),
    })
    world.outside.refuse = () => undefined
    await test(config)
    expect(await health(config)).toMatchObject({ status: 'healthy', consecutive_failures: 0 })
  })

  it('is looked at when a server of ours starts, and a challenge is no failure', async () => {
    await using other = await World.start()
    const open = await other.create()
    other.protect()
    const closed = await other.create({ auth_type: 'oauth2' })
    const off = await other.create({ enabled: false })
    other.outside.refuse = ({ authorization }) => (authorization === undefined ? { status: 401 } : undefined)
    await other.server.stop()
    await other.server.start()
    const owner = await other.server.owner()
    const of = async (config: MCPServerConfig) =>
      (await owner.call(getMcpServerConfig, { params: other.params(config) })).health.status
    await until(
      'all were looked at',
      async () => (await of(closed)) !== 'unknown' && (await of(open)) !== 'unknown',
    )
    expect([await of(open), await of(closed), await of(off)]).toEqual(['unhealthy', 'needs_auth', 'unknown'])
  })
})
