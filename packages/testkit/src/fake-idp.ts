import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { decodeJwt, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { type Configuration, Provider } from 'oidc-provider'

/** Client that the provider knows. */
export const IDP_CLIENT = { id: 'slipway', secret: 'idp-client-secret-of-32-characters' } as const

/** What the provider says of a person. */
export type IdpClaims = Readonly<Record<string, unknown>>

/** A provider's answer at its token endpoint. */
type TokenAnswer = Record<string, unknown>

/**
 * A provider of OpenID Connect, in this process and over HTTP: `oidc-provider` with people who agree to everything. Its
 * discovery document, keys, tokens, refresh rotation and errors are those of the library.
 */
export class IdentityProvider implements AsyncDisposable {
  readonly issuer: string
  /** Who is asked to sign in; without anybody the provider answers `access_denied`. */
  visitor: string | undefined
  /** Requests by path. */
  readonly requests: { readonly path: string; readonly method: string }[] = []
  /** What was sent to the token endpoint. */
  readonly forms: URLSearchParams[] = []
  /** Changes what the token endpoint answers. */
  tamper: (answer: TokenAnswer) => TokenAnswer | Promise<TokenAnswer> = (answer) => answer
  /** Answers a path in place of the provider. */
  staged: ((path: string) => { readonly status: number; readonly body: string } | undefined) | undefined
  readonly #people = new Map<string, IdpClaims>()
  readonly #redirects = new Set<string>()
  readonly #port: number
  readonly #options: IdpOptions
  #key: JWK
  #server: ReturnType<typeof createServer> | undefined
  #provider: Provider
  #logoutUri: string | undefined
  #postLogoutUri: string | undefined

  private constructor(port: number, key: JWK, options: IdpOptions) {
    this.#port = port
    this.issuer = `http://127.0.0.1:${port}`
    this.#key = key
    this.#options = options
    this.#provider = this.#build()
  }

  static async start(options: IdpOptions = {}): Promise<IdentityProvider> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const idp = new IdentityProvider(port, await signingKey('first'), options)
    if (options.down !== true) await idp.up()
    return idp
  }

  /** Settings with which a server uses the provider. */
  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      CODER_OIDC_ISSUER_URL: this.issuer,
      CODER_OIDC_CLIENT_ID: IDP_CLIENT.id,
      CODER_OIDC_CLIENT_SECRET: IDP_CLIENT.secret,
      ...more,
    }
  }

  /** Lets people come back to this address. */
  allowRedirect(...uris: readonly string[]): void {
    for (const uri of uris) this.#redirects.add(uri)
    this.#provider = this.#build()
  }

  /** Lets people come back to this address after a sign-out that the client has begun. */
  allowPostLogout(uri: string): void {
    this.#postLogoutUri = uri
    this.#provider = this.#build()
  }

  /** Tells the client of sign-outs there. */
  tellLogouts(uri: string): void {
    this.#logoutUri = uri
    this.#provider = this.#build()
  }

  /** Makes a person, or changes what is said of one, and has them sign in from now on. */
  person(subject: string, claims: IdpClaims): void {
    this.#people.set(subject, claims)
    this.visitor = subject
  }

  /** Signs with a new key; the old one is forgotten. */
  async rotateKey(name: string): Promise<void> {
    this.#key = await signingKey(name)
    this.#provider = this.#build()
  }

  /** A logout token of its own making. */
  async logoutToken(
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const key = await importJWK(this.#key, 'RS256')
    const now = Math.floor(Date.now() / 1000)
    const all = {
      iss: this.issuer,
      aud: IDP_CLIENT.id,
      iat: now,
      exp: now + 120,
      jti: randomUUID(),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      ...claims,
    }
    const given = Object.entries(all).filter(([, value]) => value !== undefined)
    return new SignJWT(Object.fromEntries(given))
      .setProtectedHeader({ alg: 'RS256', kid: this.#key.kid ?? '', typ: 'logout+jwt', ...header })
      .sign(key)
  }

  /** An ID token of its own making, like a given one but for these claims. */
  async sign(token: unknown, claims: Readonly<Record<string, unknown>>): Promise<string> {
    const key = await importJWK(this.#key, 'RS256')
    return new SignJWT({ ...decodeJwt(String(token)), ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: this.#key.kid ?? '' })
      .sign(key)
  }

  /** How often a path was asked for. */
  count(path: string): number {
    return this.requests.filter((request) => request.path === path).length
  }

  async up(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response))
    this.#server = server
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
  }

  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.down()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.issuer)
    this.requests.push({ path: pathname, method: request.method ?? 'GET' })
    const staged = this.staged?.(pathname)
    if (staged !== undefined) {
      response.writeHead(staged.status, { 'Content-Type': 'application/json' }).end(staged.body)
      return
    }
    if (pathname.startsWith('/interaction/')) return this.#interact(request, response)
    if (pathname === '/token') {
      this.#tamperWith(response)
      // The provider reads the stream as well, and gets every part of it too.
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => this.forms.push(new URLSearchParams(Buffer.concat(chunks).toString())))
      request.pause()
    }
    await this.#provider.callback()(request, response)
  }

  async #interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const accountId = this.visitor
    await this.#provider.interactionFinished(
      request,
      response,
      accountId === undefined
        ? { error: 'access_denied', error_description: 'The person said no.' }
        : { login: { accountId } },
    )
  }

  /** Holds the answer back until it has been changed. */
  #tamperWith(response: ServerResponse): void {
    const end = response.end.bind(response)
    response.end = (chunk?: unknown) => {
      const text = Buffer.isBuffer(chunk) ? chunk.toString() : String(chunk)
      const answer: TokenAnswer = JSON.parse(text)
      void Promise.resolve(this.tamper(answer)).then((changed) => {
        const body = JSON.stringify(changed)
        response.setHeader('Content-Length', Buffer.byteLength(body))
        end(body)
      })
      return response
    }
  }

  #build(): Provider {
    const { authMethod = 'client_secret_basic', clientKey, userinfo = true } = this.#options
    const configuration: Configuration = {
      clients: [
        {
          client_id: IDP_CLIENT.id,
          grant_types: ['authorization_code', 'refresh_token'],
          ...(this.#logoutUri === undefined
            ? {}
            : {
                backchannel_logout_uri: this.#logoutUri,
                backchannel_logout_session_required: true,
              }),
          redirect_uris: [...this.#redirects, 'http://127.0.0.1:1/unused'],
          post_logout_redirect_uris: this.#postLogoutUri === undefined ? [] : [this.#postLogoutUri],
          token_endpoint_auth_method: authMethod,
          ...(clientKey === undefined
            ? { client_secret: IDP_CLIENT.secret }
            : { jwks: { keys: [clientKey] } }),
        },
      ],
      jwks: { keys: [this.#key] },
      claims: {
        email: ['email', 'email_verified'],
        profile: ['name', 'preferred_username', 'picture', 'groups', 'roles', 'organizations', 'nickname'],
      },
      clientAuthMethods: [authMethod],
      conformIdTokenClaims: false,
      features: {
        backchannelLogout: { enabled: this.#logoutUri !== undefined },
        devInteractions: { enabled: false },
        userinfo: { enabled: userinfo },
      },
      // The library asks nobody on this machine, which is where its client is.
      fetch: (url, init = {}) =>
        fetch(url, { method: init.method ?? 'GET', headers: init.headers ?? {}, body: init.body ?? null }),
      findAccount: (_context, subject) => ({
        accountId: subject,
        claims: () => ({ sub: subject, ...this.#people.get(subject) }),
      }),
      interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
      issueRefreshToken: () => this.#options.refreshTokens ?? true,
      loadExistingGrant: async (context) => {
        const { client, session, provider, params } = context.oidc
        const grant = new provider.Grant({
          clientId: client?.clientId ?? '',
          accountId: session?.accountId ?? '',
        })
        grant.addOIDCScope(String(params?.scope ?? 'openid'))
        await grant.save()
        return grant
      },
      pkce: { required: () => this.#options.pkce ?? true },
      cookies: { keys: ['a key for tests'] },
      rotateRefreshToken: true,
      ttl: {
        AccessToken: 3600,
        // Servers under test may be days ahead.
        IdToken: 30 * 86_400,
        Interaction: 600,
        Session: 600,
        Grant: 3600,
        RefreshToken: 3600,
      },
    }
    return new Provider(this.issuer, configuration)
  }
}

/** How a provider differs from the usual one. */
interface IdpOptions {
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  /** Public key of a client that signs assertions. */
  readonly clientKey?: JWK
  readonly refreshTokens?: boolean
  readonly userinfo?: boolean
  readonly pkce?: boolean
  /** It cannot be reached until it is brought up. */
  readonly down?: boolean
}

async function signingKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' }
}
