import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { getUser, updateMcpServerConfig, updateMcpServerConfigAcl } from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import { parseConfig } from '../config/index.ts'
import { openContext } from '../open-context.ts'
import { McpServers } from './mcp-servers.ts'
import { World } from './world.fixture.ts'

const steps = new AsyncDisposableStack()
let world: World
let servers: McpServers
let ownerId: string

beforeAll(async () => {
  world = steps.use(await World.start())
  ownerId = (await world.owner.call(getUser, { params: { user: 'me' } })).id
  const parsed = parseConfig([], {
    CODER_PG_CONNECTION_URL: world.server.databaseUrl,
    CODER_CONFIG_DIR: world.server.configDirectory,
    CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS: '127.0.0.1/32',
  })
  if (parsed.kind !== 'start') throw new Error('bad test configuration')
  const { context } = await openContext(
    { configuration: parsed, log: silentLogger(), clock: undefined, listening: () => world.server.url },
    steps,
  )
  servers = steps.use(new McpServers(context, async () => undefined))
})
afterAll(() => steps.disposeAsync())

describe('the servers of a chat', () => {
  it('OA-113: stay when they are closed to its owner, and go when they are disabled', async () => {
    const kept = await world.create({ slug: 'kept' })
    const off = await world.create({ slug: 'off' })
    await world.owner.call(updateMcpServerConfigAcl, {
      params: world.params(kept),
      body: { group_roles: { [world.organization]: '' } },
    })
    await world.owner.call(updateMcpServerConfig, { params: world.params(off), body: { enabled: false } })
    const { id: stranger } = await (await world.server.user('stranger')).call(getUser, {
      params: { user: 'me' },
    })
    await using toolset = await servers.openForChat([kept.id, off.id, randomUUID()], { ownerId: stranger })
    expect(new Set(toolset.tools.map(({ configId }) => configId))).toEqual(new Set([kept.id]))
    expect(toolset.skipped).toEqual([])
  })

  it('OA-114: are had without those that cannot be used now, with sorted names', async () => {
    const good = await world.create({ slug: 'b' })
    const other = await world.create({ slug: 'a', tool_allow_list: ['echo'] })
    const bad = await world.create({ slug: 'c', url: 'http://127.0.0.1:1/mcp' })
    const needs = await world.create({
      slug: 'd',
      auth_type: 'oauth2',
      oauth2_client_id: 'x',
      oauth2_auth_url: `${world.provider.issuer}/authorize`,
      oauth2_token_url: `${world.provider.issuer}/token`,
    })
    const ids = [good, other, bad, needs].map(({ id }) => id)
    await using toolset = await servers.openForChat(ids, { ownerId })
    expect(toolset.tools.map(({ name }) => name)).toEqual([
      'a__echo',
      'b__echo',
      'b__fail',
      'b__flood',
      'b__headers',
      'b__wait',
    ])
    expect(Object.fromEntries(toolset.skipped.map(({ config, error }) => [config.slug, error.code]))).toEqual(
      { c: 'unreachable', d: 'not_connected' },
    )
    await expect(toolset.call('c__echo', {})).rejects.toMatchObject({ code: 'unknown_tool' })
    expect(await toolset.call('a__echo', { text: 'x' })).toMatchObject({
      isError: false,
      content: [{ type: 'text', text: '{"text":"x"}' }],
    })
  })

  it('OA-116, OA-117: say what a model is about to do, and for which chat', async () => {
    const config = await world.create({ model_intent: true, forward_coder_headers: true })
    const caller = { ownerId, chatId: randomUUID(), subchatId: randomUUID(), workspaceId: randomUUID() }
    await using toolset = await servers.openForChat([config.id], caller)
    const tool = toolset.tools.find(({ toolName }) => toolName === 'headers')
    expect(tool?.inputSchema).toMatchObject({
      type: 'object',
      required: ['model_intent', 'properties'],
      properties: { properties: { type: 'object', properties: { text: { type: 'string' } } } },
    })
    const { content } = await toolset.call(tool?.name ?? '', { model_intent: 'x', properties: {} })
    expect(JSON.parse(String(content[0]?.text))).toMatchObject({
      'x-coder-owner-id': ownerId,
      'x-coder-chat-id': caller.chatId,
      'x-coder-subchat-id': caller.subchatId,
      'x-coder-workspace-id': caller.workspaceId,
    })
  })
})
