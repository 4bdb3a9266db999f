import { createHash, randomBytes } from 'node:crypto'

import type { Client } from '@slipway/client'
import {
  createOAuth2App,
  createOAuth2AppSecret,
  getUser,
  type OAuth2TokenResponse,
  type PostOAuth2ProviderAppRequest,
  registerOAuth2Client,
  updateOAuth2Settings,
} from '@slipway/contract'
import { startTestServer, type TestServer, type TestServerOptions } from '@slipway/testkit'

/** What a client knows of itself. */
export interface TestApp {
  readonly id: string
  /** Undefined for public clients. */
  readonly secret: string | undefined
  readonly redirectUri: string
}

/** A verifier and its challenge (RFC 7636). */
export interface Pkce {
  readonly verifier: string
  readonly challenge: string
}

export const CALLBACK = 'http://localhost1:8080/foo/bar'

export function pkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

/** A name for an app that no other has. */
function appName(): string {
  return `app-${randomBytes(4).toString('hex')}`
}

type Params = Readonly<Record<string, string | undefined>>

/** Texts that are given, as a query or a form. */
export function search(params: Params): URLSearchParams {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) if (value !== undefined) given.append(name, value)
  return given
}

/** A server with people and apps, and what their programs send to it. */
export class OAuthDeployment implements AsyncDisposable {
  readonly server: TestServer
  readonly owner: Client
  readonly member: Client
  readonly memberId: string

  private constructor(server: TestServer, owner: Client, member: Client, memberId: string) {
    this.server = server
    this.owner = owner
    this.member = member
    this.memberId = memberId
  }

  static async start(options: TestServerOptions = {}): Promise<OAuthDeployment> {
    const server = await startTestServer({
      ...options,
      env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', ...options.env },
    })
    const owner = await server.owner()
    const member = await server.user('member')
    const { id } = await member.call(getUser, { params: { user: 'me' } })
    return new OAuthDeployment(server, owner, member, id)
  }

  /** Another server on the same database. */
  replica(): Promise<TestServer> {
    return startTestServer({
      databaseUrl: this.server.databaseUrl,
      env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    })
  }

  /** An app that an administrator makes, with a secret. */
  async app(given: Partial<PostOAuth2ProviderAppRequest> = {}): Promise<TestApp> {
    const body = { name: appName(), callback_url: CALLBACK, ...given }
    const { id } = await this.owner.call(createOAuth2App, { body })
    const { client_secret_full } = await this.owner.call(createOAuth2AppSecret, {
      params: { app: id },
      body: {},
    })
    return { id, secret: client_secret_full, redirectUri: body.callback_url }
  }

  /** A public client that registers itself. */
  async publicClient(given: object = {}): Promise<TestApp> {
    const body = { dynamic_client_registration_enabled: true }
    await this.owner.call(updateOAuth2Settings, { body })
    const redirectUri = 'http://127.0.0.1:4321/cb'
    const answer = await this.post(registerOAuth2Client.path, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none', ...given }),
    })
    const { client_id: id }: { client_id: string } = JSON.parse(await answer.text())
    return { id, secret: undefined, redirectUri }
  }

  url(path: string): string {
    return `${this.server.url}${path}`
  }

  post(path: string, init: RequestInit): Promise<Response> {
    return fetch(this.url(path), { method: 'POST', redirect: 'manual', ...init })
  }

  /** A request for authorization; the user's token is in a header, as programs do it (OA-51). */
  authorize(
    app: TestApp,
    params: Params,
    {
      method = 'POST',
      client = this.member,
      headers = {},
      body,
    }: {
      readonly method?: 'GET' | 'POST'
      readonly client?: Client | undefined
      readonly headers?: Record<string, string>
      readonly body?: URLSearchParams
    } = {},
  ): Promise<Response> {
    const query = search({ response_type: 'code', client_id: app.id, ...params })
    return fetch(this.url(`/oauth2/authorize?${query}`), {
      method,
      redirect: 'manual',
      headers: { ...client.headers, ...headers },
      ...(body === undefined ? {} : { body }),
    })
  }

  /** The code that the user's consent gives the app. */
  async code(app: TestApp, params: Params = {}, client = this.member): Promise<{ code: string } & Pkce> {
    const pair = pkce()
    const answer = await this.authorize(app, { code_challenge: pair.challenge, ...params }, { client })
    const location = answer.headers.get('location')
    const code = location === null ? null : new URL(location).searchParams.get('code')
    if (code === null) throw new Error(`no code: ${answer.status} ${location} ${await answer.text()}`)
    return { code, ...pair }
  }

  /** A form for an endpoint of clients; the app proves itself in it unless it says otherwise. */
  form(path: string, app: TestApp, params: Params, headers: Record<string, string> = {}): Promise<Response> {
    return this.formAt(this.server, path, app, params, headers)
  }

  /** The same, at one of several servers. */
  formAt(
    { url }: TestServer,
    path: string,
    app: TestApp,
    params: Params,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const body = search({ client_id: app.id, client_secret: app.secret, ...params })
    return fetch(`${url}${path}`, { method: 'POST', redirect: 'manual', body, headers })
  }

  exchange(
    app: TestApp,
    { code, verifier }: { readonly code: string; readonly verifier: string },
    params: Params = {},
  ): Promise<Response> {
    return this.form('/oauth2/tokens', app, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      ...params,
    })
  }

  refresh(app: TestApp, token: string | undefined, params: Params = {}): Promise<Response> {
    return this.form('/oauth2/tokens', app, { grant_type: 'refresh_token', refresh_token: token, ...params })
  }

  /** The tokens of a new authorization. */
  async tokens(app: TestApp, params: Params = {}, client = this.member): Promise<OAuth2TokenResponse> {
    const answer = await this.exchange(app, await this.code(app, params, client), {
      redirect_uri: params.redirect_uri,
      resource: params.resource,
    })
    if (answer.status !== 200) throw new Error(`no tokens: ${answer.status} ${await answer.text()}`)
    const tokens: OAuth2TokenResponse = JSON.parse(await answer.text())
    return tokens
  }

  /** Status of a request that only a good access token passes. */
  async use(token: string, path = '/api/v2/users/me'): Promise<number> {
    const { status } = await fetch(this.url(path), { headers: { authorization: `Bearer ${token}` } })
    return status
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
  }
}

/** Status and error code of an answer. */
export async function told(answer: Response): Promise<{ status: number; error: string | undefined }> {
  const text = await answer.text()
  const body: { error?: string } = text.startsWith('{') ? JSON.parse(text) : {}
  return { status: answer.status, error: body.error }
}
