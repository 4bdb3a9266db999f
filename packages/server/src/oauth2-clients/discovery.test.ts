import { allowInsecureRequests, discoveryRequest, processDiscoveryResponse } from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { updateOAuth2Settings } from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { PUBLIC_SCOPES } from '../authz/index.ts'

const BASE = 'https://dev.example'
const MCP = '/api/experimental/mcp/http'
let server: TestServer
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_ACCESS_URL: BASE } })
  owner = await server.owner()
})
afterAll(() => server[Symbol.asyncDispose]())

async function get(path: string, from = server.url) {
  const response = await fetch(`${from}${path}`)
  return { response, body: await response.json() }
}

describe('OA-28: metadata of the authorization server', () => {
  it('is complete, on every path', async () => {
    for (const suffix of ['', MCP, '/x/y', '/']) {
      const { response, body } = await get(`/.well-known/oauth-authorization-server${suffix}`)
      expect(response.status).toBe(200)
      expect(body).toEqual({
        issuer: BASE,
        authorization_endpoint: `${BASE}/oauth2/authorize`,
        token_endpoint: `${BASE}/oauth2/tokens`,
        revocation_endpoint: `${BASE}/oauth2/revoke`,
        introspection_endpoint: `${BASE}/oauth2/introspect`,
        device_authorization_endpoint: `${BASE}/oauth2/device`,
        pushed_authorization_request_endpoint: `${BASE}/oauth2/par`,
        require_pushed_authorization_requests: false,
        response_types_supported: ['code'],
        response_modes_supported: ['query'],
        grant_types_supported: [
          'authorization_code',
          'refresh_token',
          'urn:ietf:params:oauth:grant-type:device_code',
        ],
        code_challenge_methods_supported: ['S256'],
        scopes_supported: PUBLIC_SCOPES,
        // OA-29
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
        revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
        introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
        authorization_response_iss_parameter_supported: true,
        client_id_metadata_document_supported: true,
        dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256'],
      })
    }
  })

  it('OA-25: the settings show at once', async () => {
    const path = '/.well-known/oauth-authorization-server'
    await owner.call(updateOAuth2Settings, {
      body: { dynamic_client_registration_enabled: true, require_pushed_authorization_requests: true },
    })
    expect((await get(path)).body).toMatchObject({
      registration_endpoint: `${BASE}/oauth2/register`,
      require_pushed_authorization_requests: true,
    })
    await owner.call(updateOAuth2Settings, {
      body: { dynamic_client_registration_enabled: false, require_pushed_authorization_requests: false },
    })
    expect((await get(path)).body).not.toHaveProperty('registration_endpoint')
  })

  it('a client library accepts it, also where no access URL is set', async () => {
    await using plain = await startTestServer()
    const issuer = new URL(plain.url)
    const response = await discoveryRequest(issuer, { algorithm: 'oauth2', [allowInsecureRequests]: true })
    const metadata = await processDiscoveryResponse(issuer, response)
    expect(metadata.token_endpoint).toBe(`${plain.url}/oauth2/tokens`)
  })

  it('no double slash where the access URL ends in one', async () => {
    await using other = await startTestServer({ env: { CODER_ACCESS_URL: 'https://slash.example/' } })
    const { body } = await get('/.well-known/oauth-authorization-server', other.url)
    expect(body).toMatchObject({ authorization_endpoint: 'https://slash.example/oauth2/authorize' })
  })
})

describe('L-37, L-38, OA-30: metadata of protected resources', () => {
  it.each([
    ['', BASE, ['header', 'query']],
    ['/', BASE, ['header', 'query']],
    ['/api/v2', BASE, ['header', 'query']],
    [MCP, `${BASE}${MCP}`, ['header']],
    [`${MCP}/sub`, `${BASE}${MCP}`, ['header']],
    [`${MCP}x`, BASE, ['header', 'query']],
  ])('OA-B2: of the path %j it is %s', async (suffix, resource, bearer_methods_supported) => {
    const { response, body } = await get(`/.well-known/oauth-protected-resource${suffix}`)
    expect(response.status).toBe(200)
    expect(body).toEqual({
      resource,
      authorization_servers: [BASE],
      scopes_supported: PUBLIC_SCOPES,
      bearer_methods_supported,
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256'],
    })
  })

  it('OA-B5: says so when tokens do not count in queries', async () => {
    for (const policy of ['no-oauth', 'websocket', 'none']) {
      await using strict = await startTestServer({ env: { CODER_ALLOW_QUERY_TOKENS: policy } })
      const { body } = await get('/.well-known/oauth-protected-resource', strict.url)
      expect(body).toMatchObject({ bearer_methods_supported: ['header'] })
    }
  })
})

it('OA-31: the scopes are sorted and legacy names are not among them', () => {
  expect(PUBLIC_SCOPES).toEqual([...PUBLIC_SCOPES].sort())
  expect(PUBLIC_SCOPES).not.toContain('all')
})

it.each(['/.well-known/oauth-authorization-server', `/.well-known/oauth-protected-resource${MCP}`])(
  'OA-4, OA-5: %s may be cached and read by pages of any origin',
  async (path) => {
    const response = await fetch(`${server.url}${path}`, { headers: { origin: 'https://x.example' } })
    const control = response.headers.get('cache-control') ?? ''
    expect(control).toBe('public, max-age=60')
    expect(response.headers.get('pragma')).toBeNull()
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  },
)

it.each([
  '/.well-known',
  '/.well-known/openid-configuration',
  '/.well-known/openid-configuration/api/experimental/mcp/http',
  '/.well-known/nothing',
  '/oauth2/nothing',
  '/oauth2/register/x',
])('OA-B4: %s is 404 JSON and no page', async (path) => {
  const response = await fetch(`${server.url}${path}`, { headers: { accept: 'text/html' } })
  expect(response.status).toBe(404)
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  expect(await response.json()).toHaveProperty('message')
  if (path.startsWith('/oauth2/')) expect(response.headers.get('cache-control')).toBe('no-store')
})

it('OA-4: whatever is asked under /oauth2 is not stored', async () => {
  for (const [method, path] of [
    ['POST', '/oauth2/register'],
    ['GET', '/oauth2/register'],
    ['GET', '/oauth2/clients/x'],
    ['PATCH', '/oauth2/clients/x'],
    ['OPTIONS', '/oauth2/register'],
  ] as const) {
    const response = await fetch(`${server.url}${path}`, { method })
    expect(response.headers.get('cache-control'), `${method} ${path}`).toBe('no-store')
    expect(response.headers.get('pragma')).toBe('no-cache')
  }
})
