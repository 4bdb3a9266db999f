import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { ApiFailure } from '@slipway/client'
import { listMcpServerConfigs, type MCPServerConfig, updateMcpServerConfig } from '@slipway/contract'
import { World } from './world.fixture.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

let world: World

beforeAll(async () => {
  world = await World.start()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})
beforeEach(() => {
  world.outside.documents.clear()
  world.protect({ scopes_supported: ['read'] })
  world.provider.metadata = {}
  world.provider.metadataPath = '/.well-known/oauth-authorization-server'
  world.provider.registeredMethod = 'none'
})

const discovered = (more: object = {}): Promise<MCPServerConfig> =>
  world.create({ auth_type: 'oauth2', ...more })

/** Why a discovery has failed; nothing may be stored. */
async function failure(more: object = {}): Promise<string> {
  const stored = async () =>
    (await world.owner.call(listMcpServerConfigs, { params: { organization: world.organization } })).length
  const before = await stored()
  const error: ApiFailure = await discovered(more).then(
    () => Promise.reject(new Error('it was found')),
    (refusal: ApiFailure) => refusal,
  )
  expect([error.status, await stored()]).toEqual([400, before])
  return error.detail ?? ''
}

describe('OA-107: discovery', () => {
  it('finds the authorization server and registers a public client with the address of the very config', async () => {
    const config = await discovered()
    expect(config).toMatchObject({
      oauth2_auth_url: `${world.provider.issuer}/authorize`,
      oauth2_token_url: `${world.provider.issuer}/token`,
      oauth2_revocation_url: `${world.provider.issuer}/revoke`,
      oauth2_issuer: world.provider.issuer,
      oauth2_scopes: 'read',
      has_oauth2_secret: false,
    })
    const [registration] = world.provider.asked('/register').slice(-1)
    expect(JSON.parse(registration?.body ?? '')).toMatchObject({
      redirect_uris: [`${world.server.url}/api/experimental/mcp/servers/${config.id}/oauth2/callback`],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      // OA-B24: over plain HTTP we are no web client.
      application_type: 'native',
    })
    for (const request of world.provider.requests)
      if (request.path !== '/authorize') expect(request.headers['mcp-protocol-version']).toBe('2025-11-25')
    await world.connect(world.owner, config)
  })

  it('asks nobody when the slug is taken', async () => {
    const { slug } = await world.create()
    const before = world.provider.requests.length
    await expect(discovered({ slug })).rejects.toMatchObject({ status: 409 })
    expect(world.provider.requests).toHaveLength(before)
  })

  it('leaves what an administrator gives as it is', async () => {
    const config = await discovered({
      oauth2_scopes: ' a  b ',
      oauth2_revocation_url: 'https://other.example/revoke',
    })
    expect(config).toMatchObject({
      oauth2_scopes: 'a b',
      oauth2_revocation_url: 'https://other.example/revoke',
    })
  })

  it.each([
    ['the path of the server', `${WELL_KNOWN}/mcp`],
    ['its root', WELL_KNOWN],
  ])('reads resource metadata at %s', async (_name, place) => {
    world.outside.documents.clear()
    world.outside.refuse = () => undefined
    world.outside.documents.set(place, {
      status: 200,
      body: { resource: world.outside.url, authorization_servers: [world.provider.issuer] },
    })
    expect(await discovered()).toMatchObject({ oauth2_issuer: world.provider.issuer, oauth2_scopes: '' })
  })

  it('reads it first where the challenge says, with the scopes of that', async () => {
    world.outside.documents.clear()
    world.outside.documents.set('/custom', {
      status: 200,
      body: {
        resource: world.outside.origin,
        authorization_servers: [world.provider.issuer],
        scopes_supported: ['everything'],
      },
    })
    world.outside.refuse = () => ({
      status: 401,
      headers: {
        'WWW-Authenticate': `Basic realm="x", Bearer realm="y", resource_metadata="${world.outside.origin}/custom", scope="just this"`,
      },
    })
    expect(await discovered()).toMatchObject({ oauth2_scopes: 'just this' })
  })

  it('skips resource metadata without authorization servers', async () => {
    world.outside.documents.set(`${WELL_KNOWN}/mcp`, { status: 200, body: { resource: world.outside.url } })
    world.outside.documents.set(WELL_KNOWN, {
      status: 200,
      body: { resource: world.outside.origin, authorization_servers: [world.provider.issuer] },
    })
    expect(await discovered()).toMatchObject({ oauth2_issuer: world.provider.issuer })
  })

  it('takes the origin of the server for its authorization server where it has no resource metadata', async () => {
    world.outside.documents.clear()
    world.outside.refuse = () => undefined
    const { issuer: _, ...metadata } = JSON.parse(
      await (await fetch(`${world.provider.issuer}/.well-known/oauth-authorization-server`)).text(),
    )
    world.outside.documents.set('/.well-known/oauth-authorization-server', {
      status: 200,
      body: { ...metadata, issuer: world.outside.origin },
    })
    expect(await discovered()).toMatchObject({ oauth2_issuer: world.outside.origin })
  })

  it.each([
    ['/.well-known/oauth-authorization-server/tenant', '/tenant'],
    ['/.well-known/openid-configuration/tenant', '/tenant'],
    ['/tenant/.well-known/openid-configuration', '/tenant'],
    ['/.well-known/oauth-authorization-server', '/tenant'],
    ['/.well-known/openid-configuration', ''],
  ])('reads the metadata of an authorization server at %s', async (place, path) => {
    const issuer = `${world.provider.issuer}${path}`
    world.provider.metadataPath = place
    world.provider.metadata = { issuer }
    world.outside.protectedBy(issuer)
    expect(await discovered()).toMatchObject({ oauth2_issuer: issuer })
  })

  it('fails without a way to become a client, and without endpoints', async () => {
    world.provider.metadata = { registration_endpoint: undefined }
    expect(await failure()).toContain('register')
    world.provider.metadata = { token_endpoint: undefined }
    expect(await failure()).toContain('token endpoint')
    world.provider.metadata = { token_endpoint: 'http://auth.example/token' }
    expect(await failure()).toContain('https')
    world.provider.metadata = {}
    world.provider.stage('/register', { status: 201, body: { client_secret: 'x' } })
    expect(await failure()).toContain('without an id')
    world.provider.stage('/register', { status: 403, body: `${'no '.repeat(1000)}` })
    const detail = await failure()
    expect(detail).toContain('403')
    expect(detail.length).toBeLessThanOrEqual(512)
    world.provider.stage('/register', { status: 201, body: { client_id: 'x'.repeat(3 * 1024 * 1024) } })
    expect(await failure()).toContain('longer than')
    world.outside.protectedBy('not a url')
    expect(await failure()).toContain('not the address')
  })

  it('OA-105: drops an address for revocations that may not be used', async () => {
    world.provider.metadata = { revocation_endpoint: 'http://auth.example/revoke' }
    expect(await discovered()).toMatchObject({ oauth2_revocation_url: '' })
  })

  it('OA-B24: refuses authorization servers that do not say that they do PKCE with S256', async () => {
    for (const methods of [undefined, [], ['plain']]) {
      world.provider.metadata = { code_challenge_methods_supported: methods }
      expect(await failure()).toContain('S256')
    }
  })

  it('OA-B24: refuses metadata of another issuer, and of another resource', async () => {
    world.provider.metadata = { issuer: 'https://evil.example' }
    expect(await failure()).toContain('is about')
    world.provider.metadata = {}
    for (const resource of [
      'https://evil.example/mcp',
      `${world.outside.url}/deeper`,
      `${world.outside.origin}/mc`,
      '',
    ]) {
      world.outside.protectedBy(world.provider.issuer, { resource })
      expect(await failure()).toContain('which it is not')
    }
  })

  it('OA-B24: asks for a token for later where that is a scope of its own', async () => {
    world.provider.metadata = { scopes_supported: ['read', 'offline_access'] }
    const config = await discovered()
    expect(config.oauth2_scopes).toBe('read offline_access')
    const begun = await world.browser(world.owner).begin(config)
    expect(new URL(begun.headers.get('location') ?? '').searchParams.get('prompt')).toBe('consent')
  })

  it.each(['client_secret_basic', 'client_secret_post'] as const)(
    'uses a secret as %s where the authorization server wants one',
    async (method) => {
      world.provider.metadata = { token_endpoint_auth_methods_supported: [method] }
      world.provider.registeredMethod = method
      const config = await discovered()
      expect(config).toMatchObject({ has_oauth2_secret: true })
      await world.connect(world.owner, config)
      const [{ headers, body } = { headers: {}, body: '' }] = world.provider.asked('/token').slice(-1)
      expect([headers.authorization !== undefined, body.includes('client_secret')]).toEqual(
        method === 'client_secret_basic' ? [true, false] : [false, true],
      )
    },
  )
})

it('OA-B24: a secret that one authorization server has given is not sent to another one', async () => {
  const change = (config: MCPServerConfig, oauth2_token_url: string) =>
    world.owner.call(updateMcpServerConfig, { params: world.params(config), body: { oauth2_token_url } })
  world.provider.registeredMethod = 'client_secret_basic'
  const found = await discovered()
  expect(found).toMatchObject({ has_oauth2_secret: true })
  expect(await change(found, 'https://other.example/token')).toMatchObject({ has_oauth2_secret: false })
  // What an administrator has given stays, as all that a change does not name (OA-106).
  const given = await discovered({
    oauth2_client_id: 'ours',
    oauth2_client_secret: 'secret',
    oauth2_auth_url: found.oauth2_auth_url,
    oauth2_token_url: found.oauth2_token_url,
  })
  expect(await change(given, 'https://other.example/token')).toMatchObject({ has_oauth2_secret: true })
})

describe('OA-108: discovery goes nowhere inside', () => {
  it('row 49: a redirect to a place inside is not followed', async () => {
    let contacted = 0
    const canary = createServer((_request, response) => {
      contacted += 1
      response.end('{}')
    })
    canary.listen(0, '127.0.0.2')
    await once(canary, 'listening')
    const target = `http://127.0.0.2:${(canary.address() as AddressInfo).port}/`
    const redirect = { status: 302, headers: { Location: target } }
    try {
      world.outside.documents.set(`${WELL_KNOWN}/mcp`, redirect)
      expect(await failure()).toContain('CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS')
      world.outside.protectedBy(world.provider.issuer)
      world.provider.stage('/.well-known/oauth-authorization-server', redirect)
      await failure()
      world.provider.stage('/register', { status: 307, headers: { Location: target } })
      await failure()
      world.outside.protectedBy(target)
      await failure()
      world.outside.protectedBy(world.provider.issuer)
      world.provider.metadata = { registration_endpoint: target }
      await failure()
      await failure({ url: target })
      expect(contacted).toBe(0)
    } finally {
      canary.close()
    }
  })
})

describe('OA-B24: our own metadata document', () => {
  it('is our client id where the authorization server reads such documents', async () => {
    const accessUrl = 'https://slipway.example'
    await using behind = await World.start({ env: { CODER_ACCESS_URL: accessUrl } })
    behind.protect()
    behind.provider.metadata = { client_id_metadata_document_supported: true }
    const config = await behind.create({ auth_type: 'oauth2' })
    const clientId = `${accessUrl}/api/experimental/mcp/client-metadata/${config.id}`
    expect(config.oauth2_client_id).toBe(clientId)
    expect(behind.provider.asked('/register')).toEqual([])
    const response = await fetch(`${behind.server.url}${new URL(clientId).pathname}`)
    expect(response.headers.get('cache-control')).toBe('public, max-age=3600')
    expect(await response.json()).toEqual({
      client_id: clientId,
      client_name: 'Slipway',
      client_uri: accessUrl,
      application_type: 'web',
      redirect_uris: [`${accessUrl}/api/experimental/mcp/servers/${config.id}/oauth2/callback`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    })
    behind.provider.metadata = {}
    const registered = await behind.create({ auth_type: 'oauth2' })
    expect(registered.oauth2_client_id).toMatch(/^client-/)
    const [registration] = behind.provider.asked('/register')
    expect(JSON.parse(registration?.body ?? '')).toMatchObject({ application_type: 'web' })
  })

  it('is none where our own address is not over https', async () => {
    world.provider.metadata = { client_id_metadata_document_supported: true }
    expect((await discovered()).oauth2_client_id).toMatch(/^client-/)
  })
})
