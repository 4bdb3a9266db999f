import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { DEVICE_CODE_GRANT, updateOAuth2Settings } from '@slipway/contract'
import { OAuthDeployment, search, type TestApp } from './deployment.fixture.ts'

let deployment: OAuthDeployment
let app: TestApp

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  app = await deployment.app()
})
afterAll(() => deployment[Symbol.asyncDispose]())

const options: openid.DiscoveryRequestOptions & openid.DynamicClientRegistrationRequestOptions = {
  algorithm: 'oauth2',
  execute: [openid.allowInsecureRequests],
}

/** What the client finds out by itself, with the secret sent as it says. */
const discovered = (auth: openid.ClientAuth) =>
  openid.discovery(new URL(deployment.server.url), app.id, undefined, auth, options)

/** Where the user's browser comes back to, once the user has agreed. */
async function agree(url: URL): Promise<URL> {
  const answer = await fetch(url, { method: 'POST', redirect: 'manual', headers: deployment.member.headers })
  return new URL(answer.headers.get('location') ?? '')
}

/** Runs the code flow, from the address that the client sends its user to, to the tokens. */
async function codeFlow(
  config: openid.Configuration,
  redirect_uri: string,
  { push = false, proofs = {} }: { readonly push?: boolean; readonly proofs?: openid.DPoPOptions } = {},
) {
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const parameters = {
    redirect_uri,
    scope: 'user:read workspace:read',
    state: expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }
  const url = push
    ? await openid.buildAuthorizationUrlWithPAR(config, parameters, proofs)
    : openid.buildAuthorizationUrl(config, parameters)
  return openid.authorizationCodeGrant(
    config,
    await agree(url),
    { pkceCodeVerifier, expectedState },
    undefined,
    proofs,
  )
}

describe('openid-client', () => {
  it('finds everything by discovery (OA-28)', async () => {
    const metadata = (await discovered(openid.None())).serverMetadata()
    expect(metadata.issuer).toBe(deployment.server.url)
    expect(metadata.supportsPKCE()).toBe(true)
    expect(metadata).toMatchObject({
      authorization_response_iss_parameter_supported: true,
      token_endpoint: deployment.url('/oauth2/tokens'),
    })
  })

  it.each([
    ['Basic', (secret: string) => openid.ClientSecretBasic(secret)],
    ['the form', (secret: string) => openid.ClientSecretPost(secret)],
  ])('code with PKCE, refresh, introspection and revocation, with the secret in %s', async (_where, auth) => {
    const config = await discovered(auth(app.secret ?? ''))
    const first = await codeFlow(config, app.redirectUri)
    expect(first).toMatchObject({ token_type: 'bearer', scope: 'user:read workspace:read' })
    expect(first.expiresIn()).toBeGreaterThan(86_000)
    const next = await openid.refreshTokenGrant(config, first.refresh_token ?? '', { scope: 'user:read' })
    expect(next.scope).toBe('user:read')
    expect(await openid.tokenIntrospection(config, next.access_token)).toMatchObject({
      active: true,
      client_id: app.id,
      scope: 'user:read',
    })
    await openid.tokenRevocation(config, next.refresh_token ?? '')
    expect(await openid.tokenIntrospection(config, next.access_token)).toEqual({ active: false })
    await expect(openid.refreshTokenGrant(config, next.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    })
  })

  it('pushes its request (OA-B15), and its proofs bind code and tokens (OA-B16)', async () => {
    const config = await discovered(openid.ClientSecretBasic(app.secret ?? ''))
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair())
    const tokens = await codeFlow(config, app.redirectUri, { push: true, proofs: { DPoP } })
    expect(tokens.token_type).toBe('dpop')
    const me = new URL(deployment.url('/api/v2/users/me'))
    const get = (proofs: openid.DPoPOptions) =>
      openid.fetchProtectedResource(config, tokens.access_token, me, 'GET', undefined, undefined, proofs)
    const answer = await get({ DPoP })
    expect(await answer.json()).toMatchObject({ username: 'member' })
    await expect(get({})).rejects.toMatchObject({ status: 401 })
    const thief = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair())
    await expect(get({ DPoP: thief })).rejects.toMatchObject({ status: 401 })
    const next = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
    expect(next.token_type).toBe('dpop')
  })

  it('registers itself, and the flow for devices waits for its user (OA-B12)', async () => {
    await deployment.owner.call(updateOAuth2Settings, { body: { dynamic_client_registration_enabled: true } })
    const metadata = {
      client_name: 'Pine CLI',
      redirect_uris: ['http://127.0.0.1/cb'],
      grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE_GRANT],
      token_endpoint_auth_method: 'none',
    }
    const config = await openid.dynamicClientRegistration(
      new URL(deployment.server.url),
      metadata,
      openid.None(),
      options,
    )
    const started = await openid.initiateDeviceAuthorization(config, { scope: 'user:read' })
    const decision = search({ user_code: started.user_code, decision: 'allow' })
    const { headers } = deployment.member
    await deployment.post('/oauth2/device/decision', { body: decision, headers: { ...headers } })
    const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...started, interval: 0.01 })
    expect(tokens.scope).toBe('user:read')
    const next = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '')
    await openid.tokenRevocation(config, next.access_token)
    expect(await deployment.use(next.access_token)).toBe(401)
  })

  it('tells an answer of another server from ours (RFC 9207)', async () => {
    const config = await discovered(openid.ClientSecretBasic(app.secret ?? ''))
    for (const iss of ['iss=https://evil.example', ''])
      await expect(
        openid.authorizationCodeGrant(config, new URL(`${app.redirectUri}?code=x&${iss}`)),
      ).rejects.toThrow()
  })
})
