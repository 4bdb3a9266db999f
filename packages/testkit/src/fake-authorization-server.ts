import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A request that the server has got. */
interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly query: URLSearchParams
  readonly body: string
}

/** An answer in place of the server's own. */
export interface StagedAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

interface Grant {
  readonly clientId: string
  readonly redirectUri: string
  readonly challenge: string
  readonly resource: string
  readonly scope: string
}

/**
 * An OAuth 2.1 authorization server over HTTP whose people agree to everything: metadata, dynamic registration, PKCE with
 * S256, resource indicators, refresh tokens that work once, and revocation.
 */
export class FakeAuthorizationServer implements AsyncDisposable {
  readonly issuer: string
  readonly requests: SeenRequest[] = []
  /** Members that are put over those of the metadata; undefined ones are left out. */
  metadata: Readonly<Record<string, unknown>> = {}
  /** Path after which the issuer's metadata is served, as RFC 8414 puts it in. */
  metadataPath = '/.well-known/oauth-authorization-server'
  /** Seconds until access tokens end; undefined says nothing. */
  lifetime: number | undefined = 3600
  /** Whether tokens come with one to refresh them. */
  refreshable = true
  /** The `iss` of responses; undefined leaves it out. */
  iss: string | undefined
  /** Scopes that are given in place of those that are asked for. */
  granted: string | undefined
  /** Token requests are answered after this, if it is set. */
  hold: Promise<void> | undefined
  /** How many token requests are being held. */
  held = 0
  /** How a registered client has to prove itself. */
  registeredMethod: 'none' | 'client_secret_basic' | 'client_secret_post' = 'none'
  /** Access tokens that work, with their scopes. */
  readonly accessTokens = new Map<string, string>()
  readonly #server: ReturnType<typeof createServer>
  readonly #clients = new Map<
    string,
    { readonly secret: string | undefined; readonly redirects: readonly string[] }
  >()
  readonly #codes = new Map<string, Grant>()
  readonly #refreshTokens = new Map<string, Grant>()
  readonly #staged = new Map<string, StagedAnswer[]>()

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error))
      })
    })
  }

  static async start(): Promise<FakeAuthorizationServer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FakeAuthorizationServer(server)
  }

  /** Makes a client known that somebody has registered by hand. */
  addClient(id: string, redirectUris: readonly string[], secret?: string): void {
    this.#clients.set(id, { secret, redirects: redirectUris })
  }

  /** The next request of this path gets this answer; several are used up in order. */
  stage(path: string, ...answers: readonly StagedAnswer[]): void {
    this.#staged.set(path, [...(this.#staged.get(path) ?? []), ...answers])
  }

  /** What was asked under a path. */
  asked(path: string): SeenRequest[] {
    return this.requests.filter((request) => request.path === path)
  }

  /** The forms of refreshes, in order. */
  get refreshes(): URLSearchParams[] {
    return this.asked('/token')
      .map(({ body }) => new URLSearchParams(body))
      .filter((form) => form.get('grant_type') === 'refresh_token')
  }

  /** Follows an authorization request like a person who agrees; the address that they are sent back to. */
  async allow(authorizeUrl: string): Promise<string> {
    const response = await fetch(authorizeUrl, { redirect: 'manual' })
    const location = response.headers.get('location')
    if (location === null)
      throw new Error(`the authorization server answered ${response.status}: ${await response.text()}`)
    return location
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.issuer)
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      headers: request.headers,
      query: url.searchParams,
      body: await text(request),
    }
    this.requests.push(seen)
    if (seen.path === '/token' && this.hold !== undefined) {
      this.held += 1
      await this.hold
      this.held -= 1
    }
    const answer = this.#staged.get(seen.path)?.shift() ?? this.#answer(seen)
    const { status, headers = {}, body } = answer
    const sent = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(sent)
  }

  #answer(request: SeenRequest): StagedAnswer {
    if (request.path === this.metadataPath) return { status: 200, body: this.#metadata() }
    switch (`${request.method} ${request.path}`) {
      case 'POST /register':
        return this.#register(request)
      case 'GET /authorize':
        return this.#authorize(request)
      case 'POST /token':
        return this.#token(request)
      case 'POST /revoke':
        return this.#revoke(request)
      default:
        return { status: 404, body: { error: 'not_found' } }
    }
  }

  #metadata(): Readonly<Record<string, unknown>> {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      registration_endpoint: `${this.issuer}/register`,
      revocation_endpoint: `${this.issuer}/revoke`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
      ...this.metadata,
    }
  }

  #register({ body }: SeenRequest): StagedAnswer {
    const given: Record<string, unknown> = JSON.parse(body)
    const id = `client-${randomUUID()}`
    const secret = this.registeredMethod === 'none' ? undefined : randomBytes(16).toString('hex')
    this.addClient(id, Array.isArray(given.redirect_uris) ? given.redirect_uris.map(String) : [], secret)
    return {
      status: 201,
      body: {
        ...given,
        client_id: id,
        token_endpoint_auth_method: this.registeredMethod,
        ...(secret === undefined ? {} : { client_secret: secret }),
      },
    }
  }

  #authorize({ query }: SeenRequest): StagedAnswer {
    const of = (name: string): string => query.get(name) ?? ''
    const client = this.#clients.get(of('client_id'))
    const redirectUri = of('redirect_uri')
    if (client === undefined || !client.redirects.includes(redirectUri))
      return { status: 400, body: { error: 'invalid_client' } }
    if (of('code_challenge_method') !== 'S256' || of('code_challenge') === '' || of('resource') === '')
      return { status: 400, body: { error: 'invalid_request' } }
    const code = randomBytes(16).toString('hex')
    this.#codes.set(code, {
      clientId: of('client_id'),
      redirectUri,
      challenge: of('code_challenge'),
      resource: of('resource'),
      scope: this.granted ?? of('scope'),
    })
    const back = new URL(redirectUri)
    back.searchParams.set('code', code)
    back.searchParams.set('state', of('state'))
    if (this.iss !== undefined) back.searchParams.set('iss', this.iss)
    return { status: 302, headers: { Location: back.href } }
  }

  #token({ headers, body }: SeenRequest): StagedAnswer {
    const form = new URLSearchParams(body)
    const clientId = this.#clientOf(headers.authorization, form)
    if (clientId === undefined) return { status: 401, body: { error: 'invalid_client' } }
    const isCode = form.get('grant_type') === 'authorization_code'
    const [from, key] = isCode
      ? [this.#codes, form.get('code') ?? '']
      : [this.#refreshTokens, form.get('refresh_token') ?? '']
    const grant = from.get(key)
    from.delete(key)
    if (grant?.clientId !== clientId) return { status: 400, body: { error: 'invalid_grant' } }
    if (form.get('resource') !== grant.resource) return { status: 400, body: { error: 'invalid_target' } }
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (isCode && (verifier !== grant.challenge || form.get('redirect_uri') !== grant.redirectUri))
      return { status: 400, body: { error: 'invalid_grant' } }
    const accessToken = `access-${randomBytes(12).toString('hex')}`
    const refreshToken = `refresh-${randomBytes(12).toString('hex')}`
    this.accessTokens.set(accessToken, grant.scope)
    if (this.refreshable) this.#refreshTokens.set(refreshToken, grant)
    return {
      status: 200,
      body: {
        access_token: accessToken,
        token_type: 'bearer',
        ...(grant.scope === '' ? {} : { scope: grant.scope }),
        ...(this.lifetime === undefined ? {} : { expires_in: this.lifetime }),
        ...(this.refreshable ? { refresh_token: refreshToken } : {}),
      },
    }
  }

  #revoke({ headers, body }: SeenRequest): StagedAnswer {
    const form = new URLSearchParams(body)
    if (this.#clientOf(headers.authorization, form) === undefined)
      return { status: 401, body: { error: 'invalid_client' } }
    const token = form.get('token') ?? ''
    this.accessTokens.delete(token)
    // With a refresh token goes all that came of it.
    if (this.#refreshTokens.delete(token)) this.accessTokens.clear()
    return { status: 200, body: '' }
  }

  #clientOf(authorization: string | undefined, form: URLSearchParams): string | undefined {
    const basic = /^Basic (.+)$/.exec(authorization ?? '')?.[1]
    const [user, password] =
      basic === undefined
        ? [form.get('client_id') ?? '', form.get('client_secret') ?? undefined]
        : Buffer.from(basic, 'base64')
            .toString()
            .split(':')
            .map((part) => new URLSearchParams(`x=${part}`).get('x') ?? '')
    const client = this.#clients.get(user ?? '')
    return client !== undefined && client.secret === password ? user : undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
