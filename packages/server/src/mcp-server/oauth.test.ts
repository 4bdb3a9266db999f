import { once } from 'node:events'
import { createServer } from 'node:https'
import tls from 'node:tls'

import { type OAuthClientProvider, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { updateOAuth2Settings } from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { connect, MCP_PATH } from './mcp-clients.fixture.ts'

let server: TestServer
let member: Client
let now = Date.now()

beforeAll(async () => {
  server = await startTestServer({
    clock: { now: () => new Date(now) },
    env: { CODER_OAUTH2_CLIENT_DOCUMENT_PRIVATE_RANGES: '127.0.0.0/8' },
  })
  const owner = await server.owner()
  await owner.call(updateOAuth2Settings, { body: { dynamic_client_registration_enabled: true } })
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

/** A client program with a person at its browser, who agrees to everything. */
class Program implements OAuthClientProvider {
  readonly redirectUrl = 'http://127.0.0.1:45123/callback'
  readonly clientMetadata = {
    client_name: 'Pine IDE',
    redirect_uris: [this.redirectUrl],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }
  /** The document that describes it, where it does not register. */
  clientMetadataUrl?: string
  /** Scopes that are asked for in place of those that the server names. */
  narrow: string | undefined
  asked: URL | undefined
  #client: OAuthClientInformationMixed | undefined
  #tokens: OAuthTokens | undefined
  #verifier = ''

  clientInformation() {
    return this.#client
  }
  saveClientInformation(client: OAuthClientInformationMixed) {
    this.#client = client
  }
  tokens() {
    return this.#tokens
  }
  saveTokens({ refresh_token, ...tokens }: OAuthTokens) {
    // The library would rather refresh a token than ask for more.
    this.#tokens =
      this.narrow === undefined && refresh_token !== undefined ? { ...tokens, refresh_token } : tokens
  }
  askForAll() {
    this.narrow = undefined
    this.asked = undefined
  }
  codeVerifier() {
    return this.#verifier
  }
  saveCodeVerifier(verifier: string) {
    this.#verifier = verifier
  }
  redirectToAuthorization(url: URL) {
    if (this.narrow !== undefined) url.searchParams.set('scope', this.narrow)
    this.asked = url
  }

  transport(): StreamableHTTPClientTransport {
    return new StreamableHTTPClientTransport(new URL(`${server.url}${MCP_PATH}`), { authProvider: this })
  }

  /** Agrees in the browser and comes back with the code. */
  async agree(transport: StreamableHTTPClientTransport): Promise<void> {
    if (this.asked === undefined) throw new Error('nobody was asked')
    const answer = await fetch(this.asked, {
      method: 'POST',
      redirect: 'manual',
      headers: { ...member.headers },
    })
    const back = new URL(answer.headers.get('location') ?? '')
    await transport.finishAuth(back.searchParams.get('code') ?? '')
  }

  /** Is sent away once, signs in, and connects. */
  async signIn() {
    const first = this.transport()
    await expect(connect(first)).rejects.toThrow(UnauthorizedError)
    await this.agree(first)
    return connect(this.transport())
  }
}

const whoAmI = { name: 'coder_get_authenticated_user', arguments: {} }

it('OA-B2: a token for this endpoint is good for nothing else', async () => {
  const program = new Program()
  await using mcp = await program.signIn()
  expect((await mcp.client.listTools()).tools.length).toBeGreaterThan(0)
  const token = program.tokens()?.access_token ?? ''
  const answer = await fetch(`${server.url}/api/v2/users/me`, {
    headers: { Authorization: `Bearer ${token}` },
  })
  expect(answer.status).toBe(403)
})

it('OA-B6, 2025-11-25: a call that needs more scopes makes the client ask for them', async () => {
  const program = new Program()
  program.narrow = 'template:read'
  const first = program.transport()
  await expect(connect(first)).rejects.toThrow(UnauthorizedError)
  await program.agree(first)
  const transport = program.transport()
  await using mcp = await connect(transport)
  expect((await mcp.client.callTool({ name: 'coder_list_templates', arguments: {} })).isError).not.toBe(true)
  program.askForAll()
  const workspaces = { name: 'coder_list_workspaces', arguments: {} }
  await expect(mcp.client.callTool(workspaces)).rejects.toThrow()
  expect(program.asked?.searchParams.get('scope')?.split(' ')).toContain('workspace:read')
  await program.agree(transport)
  expect((await mcp.client.callTool(workspaces)).isError).not.toBe(true)
})

it('OA-B6: where no scope to ask for allows a call, its challenge names the one that all rights have', async () => {
  const program = new Program()
  program.narrow = 'workspace:read'
  const first = program.transport()
  await expect(connect(first)).rejects.toThrow(UnauthorizedError)
  await program.agree(first)
  const transport = program.transport()
  await using mcp = await connect(transport)
  program.askForAll()
  const chats = { name: 'coder_list_chats', arguments: {} }
  await expect(mcp.client.callTool(chats)).rejects.toThrow()
  await program.agree(transport)
  expect((await mcp.client.callTool(chats)).isError).not.toBe(true)
})

it('OA-B5: tokens in the address count for nothing here', async () => {
  const token = member.headers['Coder-Session-Token'] ?? ''
  for (const name of ['access_token', 'coder_session_token']) {
    const answer = await fetch(`${server.url}${MCP_PATH}?${name}=${token}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    })
    expect(answer.status).toBe(401)
  }
})

/** A host with one document, which is trusted until it is disposed. */
async function documentHost(document: (url: string) => object) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keySize: 2048,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  const trusted = tls.getCACertificates('default')
  tls.setDefaultCACertificates([...trusted, cert])
  let url = ''
  const host = createServer({ key, cert }, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document(url)))
  })
  host.listen(0, '127.0.0.1')
  await once(host, 'listening')
  const address = host.address()
  url = `https://localhost:${typeof address === 'object' ? address?.port : ''}/client.json`
  return {
    url,
    [Symbol.dispose]: () => {
      tls.setDefaultCACertificates(trusted)
      host.closeAllConnections()
      host.close()
    },
  }
}

it('issue 4, OA-B13: a client that a document describes needs no registration', async () => {
  const owner = await server.owner()
  const register = (dynamic_client_registration_enabled: boolean) =>
    owner.call(updateOAuth2Settings, { body: { dynamic_client_registration_enabled } })
  await register(false)
  const program = new Program()
  using host = await documentHost((client_id) => ({ ...program.clientMetadata, client_id }))
  program.clientMetadataUrl = host.url
  try {
    await using mcp = await program.signIn()
    expect(program.clientInformation()?.client_id).toBe(host.url)
    expect((await mcp.client.callTool(whoAmI)).structuredContent).toMatchObject({ username: 'member' })
    const before = program.tokens()
    // It refreshes when its token is refused.
    program.saveTokens({
      token_type: 'Bearer',
      ...before,
      access_token: `${'a'.repeat(10)}-${'b'.repeat(22)}`,
    })
    expect((await mcp.client.callTool(whoAmI)).structuredContent).toMatchObject({ username: 'member' })
    expect(program.tokens()?.refresh_token).not.toBe(before?.refresh_token)
  } finally {
    await register(true)
  }
})

// Last: it is a day later then, and the session of the person is over.
it('row 47: from a bare 401 to a tool call, and on after the token has expired', async () => {
  const program = new Program()
  await using mcp = await program.signIn()
  expect(program.asked?.searchParams.get('resource')).toBe(`${server.url}${MCP_PATH}`)
  const result = await mcp.client.callTool(whoAmI)
  expect(result.structuredContent).toMatchObject({ username: 'member' })
  const before = program.tokens()
  now += 25 * 3_600_000
  const later = await mcp.client.callTool(whoAmI)
  expect(later.structuredContent).toMatchObject({ username: 'member' })
  const after = program.tokens()
  expect(after?.access_token).not.toBe(before?.access_token)
  expect(after?.refresh_token).not.toBe(before?.refresh_token)
})
