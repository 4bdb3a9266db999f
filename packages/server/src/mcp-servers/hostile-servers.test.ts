import { afterAll, beforeAll, expect, it } from 'vitest'

import { type MCPServerConfig, testMcpServerConfig, updateMcpServerConfig } from '@slipway/contract'
import { GuardedFetch } from '../outbound/index.ts'
import { speaking } from './by-hand.fixture.ts'
import { McpConnection } from './runtime/connection.ts'
import { fixedCredentials } from './runtime/credentialed-fetch.ts'
import { World } from './world.fixture.ts'

let world: World

beforeAll(async () => {
  world = await World.start()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const test = (config: MCPServerConfig, body = {}) =>
  world.owner.call(testMcpServerConfig, { params: world.params(config), body })

it('OA-114: takes no tools that are too long, and judges no result by a pattern of the server', async () => {
  const slow = {
    name: 'slow',
    inputSchema: { type: 'object' },
    outputSchema: { type: 'object', properties: { x: { type: 'string', pattern: '^(a+)+$' } } },
  }
  await using hostile = await speaking({
    'tools/list': async () => ({
      tools: [
        slow,
        { name: 'n'.repeat(300), inputSchema: { type: 'object' } },
        { name: 'long', inputSchema: { type: 'object', description: 'x'.repeat(200_000) } },
      ],
    }),
    'tools/call': async () => ({
      content: [{ type: 'text', text: 'done' }],
      structuredContent: { x: `${'a'.repeat(64)}!` },
    }),
  })
  const found = await test(await world.create({ url: hostile.url }), { tool: 'slow' })
  expect(found).toMatchObject({ ok: true, result: { content: [{ text: 'done' }] } })
  expect(found.tools.map(({ name }) => name)).toEqual(['slow'])
})

it('OA-114: leaves a server that breaks its streams as soon as they are opened', async () => {
  let streams = 0
  await using breaking = await speaking(
    { 'tools/list': async () => ({ tools: [] }), 'tools/call': () => new Promise(() => undefined) },
    (response) => {
      streams += 1
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('retry: 1\nid: 1\ndata:\n\n')
    },
  )
  using guarded = new GuardedFetch(['127.0.0.1/32'])
  await using connection = await McpConnection.open(
    { url: breaking.url, transport: 'streamable_http' },
    { guarded, credentials: fixedCredentials({}), version: 'test' },
  )
  await expect(connection.call('anything', {})).rejects.toMatchObject({ code: 'protocol' })
  expect(streams).toBeLessThanOrEqual(30)
})

it('OA-113: a server that is switched off or led elsewhere hears nothing more', async () => {
  const called: string[] = []
  for (const change of [{ enabled: false }, { url: world.outside.url }]) {
    let config: MCPServerConfig | undefined
    await using changing = await speaking({
      'tools/list': async () => {
        if (config !== undefined)
          await world.owner.call(updateMcpServerConfig, { params: world.params(config), body: change })
        return { tools: [{ name: 'late', inputSchema: { type: 'object' } }] }
      },
      'tools/call': async () => {
        called.push('late')
        return { content: [] }
      },
    })
    config = await world.create({ url: changing.url })
    expect(await test(config, { tool: 'late' })).toMatchObject({
      ok: false,
      error: { code: 'unknown_tool' },
    })
  }
  expect(called).toEqual([])
})
