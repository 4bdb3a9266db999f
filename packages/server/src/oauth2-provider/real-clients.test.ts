import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { updateOAuth2Settings } from '@slipway/contract'
import { OAuthDeployment, type TestApp, told } from './deployment.fixture.ts'

const insecure = { [oauth.allowInsecureRequests]: true } as const
let deployment: OAuthDeployment
let app: TestApp
let as: oauth.AuthorizationServer

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  app = await deployment.app()
  const issuer = new URL(deployment.server.url)
  const options = { algorithm: 'oauth2', ...insecure } as const
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
})
afterAll(() => deployment[Symbol.asyncDispose]())

/** What the user's browser comes back to the client with; the user agrees. */
async function consent(parameters: Record<string, string>): Promise<URL> {
  const url = new URL(as.authorization_endpoint ?? '')
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  const answer = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: deployment.member.headers,
  })
  return new URL(answer.headers.get('location') ?? '')
}

/** Runs the code flow as the client would, from the request to the tokens. */
async function codeFlow(
  client: oauth.Client,
  auth: oauth.ClientAuth,
  redirectUri: string,
  { scope = 'workspace:read', push = false }: { readonly scope?: string; readonly push?: boolean } = {},
): Promise<oauth.TokenEndpointResponse> {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const request = {
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  let asked: Record<string, string> = request
  if (push) {
    const answer = await oauth.pushedAuthorizationRequest(as, client, auth, request, insecure)
    const pushed = await oauth.processPushedAuthorizationResponse(as, client, answer)
    expect(pushed.expires_in).toBe(60)
    asked = { client_id: client.client_id, request_uri: pushed.request_uri }
  }
  const callback = oauth.validateAuthResponse(as, client, await consent(asked), state)
  const answer = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    auth,
    callback,
    redirectUri,
    verifier,
    insecure,
  )
  return oauth.processAuthorizationCodeResponse(as, client, answer)
}

describe('oauth4webapi', () => {
  it('a confidential client: code, refresh, introspection, revocation, with either authentication', async () => {
    const client = { client_id: app.id }
    for (const auth of [
      oauth.ClientSecretBasic(app.secret ?? ''),
      oauth.ClientSecretPost(app.secret ?? ''),
    ]) {
      const first = await codeFlow(client, auth, app.redirectUri)
      expect(first).toMatchObject({ token_type: 'bearer', scope: 'workspace:read' })
      const refreshed = await oauth.refreshTokenGrantRequest(
        as,
        client,
        auth,
        first.refresh_token ?? '',
        insecure,
      )
      const second = await oauth.processRefreshTokenResponse(as, client, refreshed)
      const asked = await oauth.introspectionRequest(as, client, auth, second.access_token, insecure)
      expect(await oauth.processIntrospectionResponse(as, client, asked)).toMatchObject({
        active: true,
        client_id: app.id,
        username: 'member',
        scope: 'workspace:read',
      })
      const token = second.refresh_token ?? ''
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, insecure))
      const after = await oauth.introspectionRequest(as, client, auth, second.access_token, insecure)
      expect(await oauth.processIntrospectionResponse(as, client, after)).toEqual({ active: false })
    }
  })

  it('row 11, OA-B1: a client that registers itself, without a secret', async () => {
    await deployment.owner.call(updateOAuth2Settings, { body: { dynamic_client_registration_enabled: true } })
    const issuer = new URL(deployment.server.url)
    const options = { algorithm: 'oauth2', ...insecure } as const
    as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
    const redirectUri = 'http://127.0.0.1/callback'
    const answer = await oauth.dynamicClientRegistrationRequest(
      as,
      { client_name: 'Pine CLI', redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' },
      insecure,
    )
    const client = await oauth.processDynamicClientRegistrationResponse(answer)
    const tokens = await codeFlow(client, oauth.None(), 'http://127.0.0.1:50123/callback')
    const refreshed = await oauth.refreshTokenGrantRequest(
      as,
      client,
      oauth.None(),
      tokens.refresh_token ?? '',
      insecure,
    )
    const next = await oauth.processRefreshTokenResponse(as, client, refreshed)
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    const revoked = await oauth.revocationRequest(as, client, oauth.None(), next.access_token, insecure)
    await oauth.processRevocationResponse(revoked)
    expect(await deployment.use(next.access_token)).toBe(401)
  })

  it('OA-B15: a pushed request', async () => {
    const auth = oauth.ClientSecretBasic(app.secret ?? '')
    const tokens = await codeFlow({ client_id: app.id }, auth, app.redirectUri, { push: true })
    expect(tokens.scope).toBe('workspace:read')
  })

  it('errors are what the client expects', async () => {
    const client = { client_id: app.id }
    const auth = oauth.ClientSecretBasic('coder_aaaaaaaaaa_bbbb')
    const refreshed = await oauth.refreshTokenGrantRequest(as, client, auth, 'coder_a_b', insecure)
    await expect(oauth.processRefreshTokenResponse(as, client, refreshed)).rejects.toMatchObject({
      cause: [{ scheme: 'basic', parameters: { realm: 'coder' } }],
    })
    const good = oauth.ClientSecretBasic(app.secret ?? '')
    const again = await oauth.refreshTokenGrantRequest(as, client, good, 'coder_a_b', insecure)
    await expect(oauth.processRefreshTokenResponse(as, client, again)).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    })
    expect(() =>
      oauth.validateAuthResponse(as, client, new URL('http://x/?code=x&iss=https://evil.example')),
    ).toThrow()
  })
})

describe('pushed requests', () => {
  const push = (params: Record<string, string | undefined>, of = app) =>
    deployment.form('/oauth2/par', of, { response_type: 'code', code_challenge: 'a'.repeat(43), ...params })

  async function reference(of = app): Promise<string> {
    const { request_uri }: { request_uri: string } = JSON.parse(await (await push({}, of)).text())
    return request_uri
  }

  it('OA-B15: is used once, by its own client, and what stands in the address beside it does not count', async () => {
    const request_uri = await reference()
    const other = await deployment.app()
    const only = { response_type: undefined, code_challenge: undefined, request_uri }
    expect(await told(await deployment.authorize(other, only))).toEqual({
      status: 400,
      error: 'invalid_request',
    })
    expect((await deployment.authorize(other, only, { method: 'GET' })).status).toBe(400)
    for (let look = 0; look < 2; look += 1)
      expect((await deployment.authorize(app, only, { method: 'GET' })).status).toBe(200)
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        deployment.authorize(app, { ...only, redirect_uri: 'https://evil.example', state: 'evil' }),
      ),
    )
    const [won, ...more] = answers.filter(({ status }) => status === 302)
    expect(more).toEqual([])
    expect(won?.headers.get('location')).toMatch(/^http:\/\/localhost1:8080\/foo\/bar\?code=/)
    expect(won?.headers.get('location')).not.toContain('evil')
    expect((await deployment.authorize(app, only)).status).toBe(400)
    const page = await deployment.authorize(app, only, { method: 'GET' })
    expect(page.status).toBe(400)
    expect(await page.text()).toContain('request_uri')
  })

  it('OA-B15: a declined request is used up too', async () => {
    const request_uri = await reference()
    const only = { response_type: undefined, request_uri }
    const body = new URLSearchParams({ decision: 'deny' })
    expect((await deployment.authorize(app, only, { body })).status).toBe(302)
    expect((await deployment.authorize(app, only)).status).toBe(400)
  })

  it('OA-B15: needs the client, and tells all faults at once', async () => {
    expect(await told(await push({}, { ...app, secret: undefined }))).toEqual({
      status: 401,
      error: 'invalid_client',
    })
    expect(await told(await push({ code_challenge: undefined }))).toEqual({
      status: 400,
      error: 'invalid_request',
    })
    expect(await told(await push({ redirect_uri: 'https://evil.example' }))).toEqual({
      status: 400,
      error: 'invalid_request',
    })
    expect(await told(await push({ response_type: 'token' }))).toEqual({
      status: 400,
      error: 'unsupported_response_type',
    })
    expect(await told(await push({ scope: 'nonsense' }))).toEqual({ status: 400, error: 'invalid_scope' })
    expect(await told(await push({ request_uri: 'urn:x' }))).toEqual({
      status: 400,
      error: 'invalid_request',
    })
    const made = await push({})
    expect(made.status).toBe(201)
    expect(await made.json()).toEqual({
      request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{43}$/),
      expires_in: 60,
    })
  })

  it('OA-B15: where an app or the deployment requires them, no other request is answered', async () => {
    const strict = await deployment.app({ require_pushed_authorization_requests: true })
    const direct = { code_challenge: 'a'.repeat(43) }
    expect(await told(await deployment.authorize(strict, direct))).toEqual({
      status: 400,
      error: 'invalid_request',
    })
    const only = { response_type: undefined, request_uri: await reference(strict) }
    expect((await deployment.authorize(strict, only)).status).toBe(302)
    const require = (required: boolean) =>
      deployment.owner.call(updateOAuth2Settings, {
        body: { require_pushed_authorization_requests: required },
      })
    await require(true)
    expect((await deployment.authorize(app, direct)).status).toBe(400)
    await require(false)
    expect((await deployment.authorize(app, direct)).status).toBe(302)
  })
})
