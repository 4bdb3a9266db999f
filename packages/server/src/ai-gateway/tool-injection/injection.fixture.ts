import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach } from 'vitest'

import type { Client } from '@slipway/client'
import { createToken, type User } from '@slipway/contract'
import { connectTo, FakeGitProvider, FakeMcpServer, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

export let world: GatewayWorld
export let git: FakeGitProvider
export let mcp: FakeMcpServer
export let client: Client
export let user: User
export let token: string
/** Too long for the name of a tool. */
export const LONG_ID = 'x'.repeat(60)
let serial = 0

/** Gives the file of tests that calls it one world with an MCP server outside, and each of its tests somebody new. */
export function meetNewcomers(): void {
  beforeAll(async () => {
    git = await FakeGitProvider.start()
    mcp = await FakeMcpServer.start()
    world = await GatewayWorld.start({
      ...git.settings(0, { ID: 'git-hub', MCP_URL: mcp.url, MCP_TOOL_DENY_REGEX: '^(flood|headers)$' }),
      ...git.settings(1, {
        ID: 'other',
        MCP_URL: mcp.url,
        MCP_TOOL_ALLOW_REGEX: '^(e|f)',
        MCP_TOOL_DENY_REGEX: 'flood',
      }),
      ...git.settings(2, { ID: 'plain' }),
      ...git.settings(3, { ID: LONG_ID, MCP_URL: mcp.url, MCP_TOOL_ALLOW_REGEX: '^e' }),
      CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS: '127.0.0.1/32',
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    })
    await world.provider({ name: 'openai' })
    await world.provider({ name: 'anthropic', type: 'anthropic', base_url: world.upstream.url })
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
    await mcp[Symbol.asyncDispose]()
    await git[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    serial += 1
    world.upstream.answer = () => undefined
    mcp.refuse = () => undefined
    mcp.requests.length = 0
    client = await world.server.user(`user${serial}`)
    user = await world.account(client)
    token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
  })
}

export const connect = () => connectTo(client, git, { id: 'git-hub' })
export const openai = () =>
  new OpenAI({ baseURL: `${world.server.url}/api/v2/ai-gateway/openai/v1`, apiKey: token, maxRetries: 0 })
export const anthropic = () =>
  new Anthropic({
    baseURL: `${world.server.url}/api/v2/ai-gateway/anthropic`,
    apiKey: token,
    maxRetries: 0,
  })
export const ECHO = 'bmcp_git-hub_echo'
export const FAIL = 'bmcp_git-hub_fail'
export const WAIT = 'bmcp_git-hub_wait'
export const NAMES = [ECHO, FAIL, WAIT]
export const chat = { model: 'gpt-test', messages: [{ role: 'user' as const, content: 'Say hi' }] }
export const messages = { ...chat, model: 'claude-test', max_tokens: 100 }
export const lastBody = () => world.upstream.requests.at(-1)?.body ?? {}
/** What was recorded, once it is all there. */
export const recorded = () =>
  until('the records', async () => {
    const found = await world.records(user.id)
    return found.interceptions.every(({ ended_at }) => ended_at !== null) ? found : undefined
  })
export const echoes = (text: string) => ({ id: 'call-1', name: ECHO, args: { text } })
export const usage = { input: 10, output: 5 }
