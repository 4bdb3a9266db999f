import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { createToken, updateProfile } from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { bearer, initialize, MCP_PATH, type RpcAnswer, rpc } from './mcp-clients.fixture.ts'

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

describe('issue 4, figures: a call that can be answered at once is answered as any other', () => {
  const said = async (version: string, headers: Record<string, string> = {}): Promise<RpcAnswer> =>
    rpc(server.url, owner, { ...call, version, headers })

  it('OA-84: not in a session that has ended, or was never opened', async () => {
    const session = await initialize(server.url, owner)
    const inIt = { 'Mcp-Session-Id': session }
    for (let n = 0; n < 2; n += 1) expect((await said('2025-11-25', inIt)).status).toBe(200)
    const ended = await fetch(`${server.url}${MCP_PATH}`, {
      method: 'DELETE',
      headers: { ...bearer(owner), ...inIt },
    })
    expect(ended.status).toBe(204)
    expect((await said('2025-11-25', inIt)).status).toBe(404)
    expect((await said('2025-11-25', { 'Mcp-Session-Id': crypto.randomUUID() })).status).toBe(404)
  })

  it('OA-84: not in a session of somebody else', async () => {
    const session = await initialize(server.url, owner)
    expect((await said('2025-11-25', { 'Mcp-Session-Id': session })).status).toBe(200)
    const other = await server.user('visitor')
    expect((await rpc(server.url, other, { ...call, version: '2025-11-25' })).status).toBe(200)
    const theirs = await rpc(server.url, other, {
      ...call,
      version: '2025-11-25',
      headers: { 'Mcp-Session-Id': session },
    })
    expect(theirs.status).toBe(404)
  })

  it('OA-B6: not with a token that lacks its scope', async () => {
    expect((await asModern()).status).toBe(200)
    const { key } = await owner.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'] },
    })
    const narrow = new Client({ url: server.url, token: key })
    for (const version of ['2025-11-25', MODERN])
      expect((await rpc(server.url, narrow, { ...call, version })).status).toBe(403)
  })

  it('OA-85, OA-88, OA-B20: not for a page of elsewhere, nor where it would be refused for its form', async () => {
    expect((await asModern()).status).toBe(200)
    for (const version of ['2025-11-25', MODERN]) {
      expect((await said(version, { Origin: 'https://elsewhere.example' })).status).toBe(403)
      expect((await said(version, { Accept: 'application/json' })).status).toBe(400)
      expect((await said(version, { 'Content-Type': 'text/plain' })).status).toBe(415)
      expect((await rpc(server.url, owner, { ...call, version, query: '?toolset=none' })).status).toBe(400)
      const chosen = await rpc(server.url, owner, { ...call, version, query: '?tools=coder_list_workspaces' })
      expect(JSON.stringify(chosen.body)).not.toContain('"username"')
    }
  })

  it('with what the API says of its caller now', async () => {
    const name = async (): Promise<unknown> => {
      const { body } = await said('2025-11-25')
      return Object(body.result?.structuredContent).name
    }
    for (const wanted of ['First', 'Second']) {
      await owner.call(updateProfile, { params: { user: 'me' }, body: { username: 'owner', name: wanted } })
      expect(await name()).toBe(wanted)
      expect(await name()).toBe(wanted)
    }
  })
})
