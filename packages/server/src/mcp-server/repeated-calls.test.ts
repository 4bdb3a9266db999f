import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { bearer, MCP_PATH, type RpcAnswer, rpc } from './mcp-clients.fixture.ts'

let server: TestServer
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_EXPERIMENTS: 'oauth2,mcp-server-http' } })
  owner = await server.owner()
})
afterAll(() => server[Symbol.asyncDispose]())

const MODERN = '2026-07-28'
const call = { method: 'tools/call', params: { name: 'coder_get_authenticated_user', arguments: {} } }

/** The call, in its revision unless the test says otherwise. */
const asModern = (
  headers: Record<string, string> = {},
  meta: Record<string, unknown> = {},
): Promise<RpcAnswer> =>
  rpc(server.url, owner, {
    ...call,
    params: { ...call.params, _meta: meta },
    version: MODERN,
    headers,
  })

describe('OA-86, OA-B20: what was found of a call is not taken for what is said of another one', () => {
  it('answers the same call again in its own revision', async () => {
    for (let n = 0; n < 3; n += 1) {
      expect((await asModern()).body.result).toMatchObject({ resultType: 'complete', content: [{}] })
      const { status, body } = await rpc(server.url, owner, { ...call, version: '2025-11-25' })
      expect(status).toBe(200)
      expect(body.result).toMatchObject({ content: [{}] })
      expect(body.result).not.toHaveProperty('resultType')
    }
  })

  it('refuses it with headers, or with an envelope, that do not fit', async () => {
    expect((await asModern()).status).toBe(200)
    for (const headers of [{ 'MCP-Protocol-Version': '2025-11-25' }, { 'Mcp-Method': 'tools/list' }])
      expect((await asModern(headers)).status, JSON.stringify(headers)).toBe(400)
    for (const meta of [
      { 'io.modelcontextprotocol/clientInfo': { name: 'test' } },
      { 'io.modelcontextprotocol/protocolVersion': '2025-11-25' },
      { 'io.modelcontextprotocol/clientCapabilities': 'none' },
    ])
      expect((await asModern({}, meta)).status, JSON.stringify(meta)).toBe(400)
    expect((await asModern({ 'Mcp-Name': 'coder_list_workspaces' })).status).toBe(400)
  })

  it('refuses members that messages do not have, also beside what was let in before', async () => {
    const send = async (more: object): Promise<number> => {
      const answer = await fetch(`${server.url}${MCP_PATH}`, {
        method: 'POST',
        headers: {
          ...bearer(owner),
          'Content-Type': 'application/json',
          Accept: 'application/json, text/event-stream',
          'MCP-Protocol-Version': '2025-11-25',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...call, ...more }),
      })
      await answer.text()
      return answer.status
    }
    expect(await send({})).toBe(200)
    expect(await send({ surprise: true })).toBe(400)
    expect(await send({ id: 2 ** 60 })).toBe(400)
    expect(await send({})).toBe(200)
  })
})
