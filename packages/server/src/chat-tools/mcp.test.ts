import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  type CreateMCPServerConfigRequest,
  createMcpServerConfig,
  refreshChatContext,
} from '@slipway/contract'
import { FakeMcpServer, until } from '@slipway/testkit'
import { World } from './world.fixture.ts'

const steps = new AsyncDisposableStack()
let world: World
let outside: FakeMcpServer

beforeAll(async () => {
  outside = steps.use(await FakeMcpServer.start())
  world = steps.use(await World.start({ CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS: '127.0.0.1/32' }))
})
afterAll(() => steps.disposeAsync())

describe('servers outside', () => {
  const config = (slug: string, more: Partial<CreateMCPServerConfigRequest> = {}) =>
    world.owner.call(createMcpServerConfig, {
      params: { organization: world.organizationId },
      body: {
        display_name: slug,
        slug,
        url: outside.url,
        transport: 'streamable_http',
        auth_type: 'none',
        availability: 'default_on',
        enabled: true,
        ...more,
      },
    })

  it('CH-1401, CH-11.1: are called for the owner, left out when they fail, and approved for plan mode', async () => {
    const plain = await config('plain')
    const approved = await config('ok', { allow_in_plan_mode: true })
    const broken = await config('broken', { url: 'http://127.0.0.1:1/mcp' })
    const mcp_server_ids = [plain.id, approved.id, broken.id]
    const chat = await world.chat({ mcp_server_ids })
    {
      await using open = await world.tools.open({ chat, signal: new AbortController().signal })
      expect(open.skipped).toEqual(['broken'])
      expect(open.tools.find(({ name }) => name === 'plain__echo')).toMatchObject({
        mcpServerConfigId: plain.id,
      })
    }
    expect(await world.call(chat, 'plain__echo', { text: 'a\0b' })).toMatchObject({
      result: { output: expect.stringContaining('a') },
    })
    expect(await world.call(chat, 'plain__fail')).toMatchObject({ isError: true })
    const planning = await world.chat({ mcp_server_ids, plan_mode: 'plan' })
    const names = await world.names(planning)
    expect(names).toContain('ok__echo')
    expect(names).not.toContain('plain__echo')
    const child = { parent_chat_id: chat.id, root_chat_id: chat.id, mcp_server_ids }
    expect(await world.names(await world.chat(child))).toContain('plain__echo')
    expect(await world.names(await world.chat({ ...child, mode: 'explore' }))).toContain('plain__echo')
    expect(await world.names(await world.chat({ ...child, plan_mode: 'plan' }))).not.toContain('ok__echo')
  })

  it('CH-1402: take calls with and without their intent, and hear which chat calls', async () => {
    const told = await config('told', { model_intent: true, forward_coder_headers: true })
    const root = await world.chat({ mcp_server_ids: [told.id] })
    const chat = await world.chat({
      mcp_server_ids: [told.id],
      parent_chat_id: root.id,
      root_chat_id: root.id,
    })
    await using open = await world.tools.open({ chat, signal: new AbortController().signal })
    expect(open.tools.find(({ name }) => name === 'told__echo')?.inputSchema).toMatchObject({
      properties: { model_intent: { type: 'string' }, properties: { type: 'object' } },
    })
    for (const args of [
      { model_intent: 'to see', properties: { text: 'x' } },
      { model_intent: 'to see', text: 'x' },
    ])
      expect((await world.call(chat, 'told__echo', args)).result).toEqual({ output: '{"text":"x"}' })
    const { result } = await world.call(chat, 'told__headers', { model_intent: 'to see' })
    expect(JSON.parse(Object(result).output)).toMatchObject({
      'x-coder-owner-id': world.ownerId,
      'x-coder-chat-id': root.id,
      'x-coder-subchat-id': chat.id,
    })
  })
})

const SERVER = `
const lines = require('node:readline').createInterface({ input: process.stdin })
const answer = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
lines.on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (method === 'initialize') answer(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } })
  if (method === 'tools/list') answer(id, { tools: [{ name: 'add', description: 'Adds', inputSchema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } } }, { name: 'die', inputSchema: { type: 'object' } }] })
  if (method === 'tools/call' && params.name === 'die') process.exit(3)
  if (method === 'tools/call' && params.name === 'add') answer(id, { content: [{ type: 'text', text: String(params.arguments.a + params.arguments.b) + process.env.SUFFIX }] })
})
`

describe('servers of the workspace', () => {
  it('CH-1403: are started by the agent, called, and left out when they break', async () => {
    const workspace = await world.workspace('mcp', await world.template('mcp', 'main'))
    const chat = await world.chat({ workspace_id: workspace.id })
    const { result } = await world.call(chat, 'execute', { command: 'printf %s "$HOME"' })
    const home: string = Object(result).output
    await world.call(chat, 'write_file', { path: `${home}/server.js`, content: SERVER })
    await world.call(chat, 'write_file', {
      path: `${home}/.mcp.json`,
      content: JSON.stringify({
        mcpServers: {
          calc: { command: process.execPath, args: [`$\{HOME}/server.js`], env: { SUFFIX: '!' } },
          absent: { command: '/no/such/program' },
        },
      }),
    })
    const names = await until('the tools', async () => {
      await world.owner.call(refreshChatContext, { params: { chat: chat.id } })
      const all = await world.names(chat)
      return all.includes('calc__add') ? all : undefined
    })
    expect(names.filter((name) => name.includes('__'))).toEqual(['calc__add', 'calc__die'])
    expect((await world.call(chat, 'calc__add', { a: 2, b: 3 })).result).toEqual({ output: '5!' })
    expect(await world.call(chat, 'calc__die')).toMatchObject({ isError: true })
    expect((await world.call(chat, 'calc__add', { a: 1, b: 1 })).result).toEqual({ output: '2!' })
    const planning = await world.chat({ workspace_id: workspace.id, plan_mode: 'plan' })
    expect(await world.names(planning)).not.toContain('calc__add')
  })
})
