import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** Client that GitHub knows. */
export const GITHUB_CLIENT = { id: 'github-client', secret: 'github-client-secret' } as const

/** An account at GitHub. */
export interface GithubPerson {
  readonly id: number
  readonly login: string
  readonly name?: string
  readonly avatar_url?: string
  readonly emails: readonly {
    readonly email: string
    readonly primary: boolean
    readonly verified: boolean
  }[]
  readonly orgs?: readonly { readonly login: string; readonly state: 'active' | 'pending' }[]
  readonly teams?: readonly { readonly org: string; readonly slug: string }[]
}

/**
 * A GitHub Enterprise server as the network sees it: web flow with PKCE, device flow, refresh tokens that work once, and
 * the parts of the REST API below `/api/v3` that tell who somebody is.
 */
export class FakeGithub implements AsyncDisposable {
  readonly url: string
  /** Who is asked to sign in. */
  visitor: GithubPerson | undefined
  /** Whether people who are asked for a device code have entered it. */
  deviceAnswer: 'authorization_pending' | 'slow_down' | 'expired_token' | 'access_denied' | 'allowed' =
    'authorization_pending'
  /** Seconds between two questions after the device. */
  deviceInterval = 5
  /** Seconds until tokens expire; undefined for never. */
  lifetime: number | undefined
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[] = []
  /** Answers a path in place of GitHub. */
  staged:
    | ((
        path: string,
      ) =>
        | { readonly status: number; readonly headers?: Record<string, string>; readonly body: string }
        | undefined)
    | undefined
  readonly #server: ReturnType<typeof createServer>
  readonly #codes = new Map<
    string,
    { readonly person: GithubPerson; readonly challenge: string; readonly redirectUri: string }
  >()
  readonly #tokens = new Map<string, GithubPerson>()
  readonly #refreshTokens = new Map<string, GithubPerson>()
  readonly #devices = new Set<string>()

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(): Promise<FakeGithub> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const fake = new FakeGithub(server)
    server.on('request', (request, response) => void fake.#answer(request, response))
    return fake
  }

  /** Settings with which a server uses it. */
  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      CODER_OAUTH2_GITHUB_CLIENT_ID: GITHUB_CLIENT.id,
      CODER_OAUTH2_GITHUB_CLIENT_SECRET: GITHUB_CLIENT.secret,
      CODER_OAUTH2_GITHUB_ENTERPRISE_BASE_URL: this.url,
      ...more,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    this.requests.push({ path: `${url.pathname}${url.search}`, headers: request.headers })
    const body = new URLSearchParams(request.method === 'POST' ? await text(request) : '')
    const staged = this.staged?.(url.pathname)
    if (staged !== undefined) {
      response
        .writeHead(staged.status, { 'Content-Type': 'application/json', ...staged.headers })
        .end(staged.body)
      return
    }
    switch (url.pathname) {
      case '/login/oauth/authorize':
        this.#authorize(url.searchParams, response)
        break
      case '/login/oauth/access_token':
        this.#token(body, response)
        break
      case '/login/device/code':
        this.#device(body, response)
        break
      default:
        this.#api(request, url, response)
    }
  }

  #authorize(query: URLSearchParams, response: ServerResponse): void {
    const redirectUri = query.get('redirect_uri') ?? ''
    const target = new URL(redirectUri)
    target.searchParams.set('state', query.get('state') ?? '')
    if (query.get('client_id') !== GITHUB_CLIENT.id || query.get('code_challenge_method') !== 'S256') {
      response.writeHead(400).end('bad client, or no PKCE')
      return
    }
    if (this.visitor === undefined) {
      target.searchParams.set('error', 'access_denied')
      target.searchParams.set('error_description', 'The user has denied your application access.')
      target.searchParams.set('error_uri', 'https://docs.github.com/denied')
    } else {
      const code = randomBytes(10).toString('hex')
      this.#codes.set(code, {
        person: this.visitor,
        challenge: query.get('code_challenge') ?? '',
        redirectUri,
      })
      target.searchParams.set('code', code)
    }
    response.writeHead(302, { Location: target.href }).end()
  }

  /** GitHub answers 200 to what it refuses. */
  #token(form: URLSearchParams, response: ServerResponse): void {
    const redeemed = this.#redeem(form)
    if (typeof redeemed === 'string')
      json(response, 200, { error: redeemed, error_description: `GitHub says ${redeemed}` })
    else this.#issue(redeemed, response)
  }

  /** Whose grant it is, or why it is none. */
  #redeem(form: URLSearchParams): GithubPerson | string {
    if (form.get('client_id') !== GITHUB_CLIENT.id) return 'incorrect_client_credentials'
    switch (form.get('grant_type')) {
      case 'urn:ietf:params:oauth:grant-type:device_code':
        if (!this.#devices.has(form.get('device_code') ?? '')) return 'incorrect_device_code'
        if (this.deviceAnswer !== 'allowed' || this.visitor === undefined) return this.deviceAnswer
        this.#devices.delete(form.get('device_code') ?? '')
        return this.visitor
      case 'refresh_token': {
        const given = form.get('refresh_token') ?? ''
        const person = this.#refreshTokens.get(given)
        this.#refreshTokens.delete(given)
        return person ?? 'bad_refresh_token'
      }
      default: {
        if (form.get('client_secret') !== GITHUB_CLIENT.secret) return 'incorrect_client_credentials'
        const code = this.#codes.get(form.get('code') ?? '')
        this.#codes.delete(form.get('code') ?? '')
        const challenge = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url')
        const good = code?.challenge === challenge && code.redirectUri === form.get('redirect_uri')
        return code !== undefined && good ? code.person : 'bad_verification_code'
      }
    }
  }

  #issue(person: GithubPerson, response: ServerResponse): void {
    const [token, refreshToken] = [randomBytes(10).toString('hex'), randomBytes(10).toString('hex')]
    this.#tokens.set(token, person)
    this.#refreshTokens.set(refreshToken, person)
    json(response, 200, {
      access_token: token,
      token_type: 'bearer',
      scope: 'read:org,read:user,user:email',
      ...(this.lifetime === undefined ? {} : { expires_in: this.lifetime, refresh_token: refreshToken }),
    })
  }

  #device(form: URLSearchParams, response: ServerResponse): void {
    if (form.get('client_id') !== GITHUB_CLIENT.id) {
      json(response, 404, { error: 'Not Found' })
      return
    }
    const code = randomBytes(10).toString('hex')
    this.#devices.add(code)
    json(
      response,
      200,
      {
        device_code: code,
        user_code: 'ABCD-1234',
        verification_uri: `${this.url}/login/device`,
        expires_in: 899,
        interval: this.deviceInterval,
      },
      {
        'x-ratelimit-limit': '60',
        'x-ratelimit-remaining': '59',
        'x-ratelimit-used': '1',
        'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 600),
        'x-ratelimit-resource': 'core',
      },
    )
  }

  #api(request: IncomingMessage, url: URL, response: ServerResponse): void {
    const person = this.#tokens.get(/^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '')
    const found = person === undefined ? undefined : resourceOf(person, url.pathname)
    if (person === undefined) json(response, 401, { message: 'Bad credentials' })
    else if (found === undefined) json(response, 404, { message: 'Not Found' })
    else json(response, 200, Array.isArray(found) ? pageOf(found, url.searchParams) : found)
  }
}

function resourceOf(person: GithubPerson, pathname: string): object | undefined {
  switch (pathname) {
    case '/api/v3/user': {
      const { id, login, name = null, avatar_url = '' } = person
      return { id, login, name, avatar_url }
    }
    case '/api/v3/user/emails':
      return [...person.emails]
    case '/api/v3/user/memberships/orgs':
      return (person.orgs ?? []).map(({ login, state }) => ({
        state,
        role: 'member',
        organization: { login },
      }))
    case '/api/v3/user/teams':
      return (person.teams ?? []).map(({ org, slug }) => ({ slug, organization: { login: org } }))
    default:
      return undefined
  }
}

function pageOf(all: readonly unknown[], query: URLSearchParams): readonly unknown[] {
  const size = Number(query.get('per_page') ?? 30)
  const first = (Number(query.get('page') ?? 1) - 1) * size
  return all.slice(first, first + size)
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body))
}
