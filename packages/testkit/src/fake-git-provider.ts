import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Client that the provider knows. */
const GIT_PROVIDER_CLIENT = { id: 'git-client', secret: 'git-secret' } as const

/** A request that the provider has got. */
interface ProviderRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** An answer in place of the provider's own. */
interface Staged {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

interface Code {
  readonly challenge: string | undefined
  readonly redirectUri: string
}

/**
 * A Git host as the network sees it: OAuth 2.0 with PKCE where the client uses it, refresh tokens that work once,
 * device codes, validation, revocation, installations, and repositories that want a token over HTTP.
 */
export class FakeGitProvider implements AsyncDisposable {
  readonly url: string
  /** Everything that was asked, in order. */
  readonly requests: ProviderRequest[] = []
  /** Seconds until tokens expire; undefined for never. */
  lifetime: number | undefined = undefined
  /** Refuses the use of PKCE, as providers do that do not know it. */
  refusesPkce = false
  /** Takes the client's secret in the `Authorization` header and nowhere else. */
  wantsBasic = false
  /** Seconds between two questions after the device. */
  deviceInterval = 5
  /** Whether people who are asked for a device code have entered it. */
  deviceAnswer: 'authorization_pending' | 'slow_down' | 'expired_token' | 'access_denied' | 'allowed' =
    'authorization_pending'
  /** Members of token answers beside the token. */
  extra: Readonly<Record<string, unknown>> = {}
  readonly #server: ReturnType<typeof createServer>
  readonly #folder: string
  readonly #codes = new Map<string, Code>()
  readonly #accessTokens = new Set<string>()
  readonly #refreshTokens = new Set<string>()
  readonly #staged = new Map<string, Staged[]>()

  private constructor(server: ReturnType<typeof createServer>, url: string, folder: string) {
    this.#server = server
    this.url = url
    this.#folder = folder
    server.on('request', (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error))
      })
    })
  }

  /** Starts one on a free port. */
  static async start(): Promise<FakeGitProvider> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const folder = await mkdtemp(path.join(tmpdir(), 'slipway-git-provider-'))
    return new FakeGitProvider(server, `http://127.0.0.1:${address.port}`, folder)
  }

  /** Variables that configure it as provider number `n` of a server. */
  settings(n: number, more: Readonly<Record<string, string>> = {}): Record<string, string> {
    const values = {
      ID: 'fake',
      TYPE: 'fake',
      CLIENT_ID: GIT_PROVIDER_CLIENT.id,
      CLIENT_SECRET: GIT_PROVIDER_CLIENT.secret,
      AUTH_URL: `${this.url}/authorize`,
      TOKEN_URL: `${this.url}/token`,
      VALIDATE_URL: `${this.url}/user`,
      REVOKE_URL: `${this.url}/revoke`,
      REGEX: `^${this.url.replaceAll('.', '\\.')}(/.*)?$`,
      ...more,
    }
    return Object.fromEntries(
      Object.entries(values).map(([key, value]) => [`CODER_EXTERNAL_AUTH_${n}_${key}`, value]),
    )
  }

  /** The next request of this path gets this answer; several are used up in order. */
  stage(requestPath: string, ...answers: readonly Staged[]): void {
    this.#staged.set(requestPath, [...(this.#staged.get(requestPath) ?? []), ...answers])
  }

  /** What was asked under a path. */
  asked(requestPath: string): ProviderRequest[] {
    return this.requests.filter((request) => request.path === requestPath)
  }

  /** How often a refresh was asked for. */
  get refreshes(): number {
    return this.asked('/token').filter(({ body }) => body.includes('grant_type=refresh_token')).length
  }

  /** Tokens that work. */
  get accessTokens(): readonly string[] {
    return [...this.#accessTokens]
  }

  /** Makes a token stop working, as when somebody takes it back at the provider. */
  forget(accessToken: string): void {
    this.#accessTokens.delete(accessToken)
  }

  /** Follows an authorization request like a person who allows it; the address that the person is sent back to. */
  async allow(authorizeUrl: string): Promise<string> {
    const response = await fetch(authorizeUrl, { redirect: 'manual' })
    const location = response.headers.get('location')
    if (location === null)
      throw new Error(`the provider answered ${response.status}: ${await response.text()}`)
    return location
  }

  /** Makes a repository with one file that only holders of a token can clone; its address. */
  async repository(name: string, file: string, content: string): Promise<string> {
    const work = path.join(this.#folder, `${name}.work`)
    const bare = path.join(this.#folder, `${name}.git`)
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args])
    await git('init', '--quiet', work)
    await writeFile(path.join(work, file), content)
    await git('-C', work, 'add', '.')
    await git('-C', work, 'commit', '--quiet', '-m', 'first')
    await git('clone', '--quiet', '--bare', work, bare)
    await git('-C', bare, 'update-server-info')
    return `${this.url}/repos/${name}.git`
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const body = await text(request)
    this.requests.push({
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
    })
    const staged = this.#staged.get(url.pathname)?.shift()
    if (staged !== undefined) {
      const plain = typeof staged.body === 'string'
      response.writeHead(staged.status, {
        'content-type': plain ? 'text/html' : 'application/json',
        ...staged.headers,
      })
      response.end(plain ? staged.body : JSON.stringify(staged.body ?? {}))
      return
    }
    if (url.pathname.startsWith('/repos/')) return this.#serveFile(request, response, url.pathname)
    const { status, headers = {}, body: answer } = this.#respond(request, url, body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(answer === undefined ? undefined : JSON.stringify(answer))
  }

  #respond(request: IncomingMessage, url: URL, body: string): Staged {
    switch (url.pathname) {
      case '/authorize':
        return this.#authorize(url.searchParams)
      case '/token':
        return this.#token(new URLSearchParams(body), request.headers.authorization)
      case '/device':
        return {
          status: 200,
          body: {
            device_code: randomBytes(8).toString('hex'),
            user_code: 'ABCD-1234',
            verification_uri: `${this.url}/enter`,
            expires_in: 900,
            interval: this.deviceInterval,
          },
        }
      case '/user':
        return this.#bearer(request) === undefined
          ? { status: 401, body: { message: 'Bad credentials' } }
          : {
              status: 200,
              body: { id: 7, login: 'octo', name: 'Octo', avatar_url: 'a', html_url: `${this.url}/octo` },
            }
      case '/installations':
        return this.#bearer(request) === undefined
          ? { status: 401 }
          : {
              status: 200,
              body: { installations: [{ id: 9, html_url: 'c', account: { id: 7, login: 'octo' } }] },
            }
      case '/revoke':
        return this.#revoke(request, body)
      default:
        return { status: 404, body: { message: 'Not Found' } }
    }
  }

  #authorize(query: URLSearchParams): Staged {
    const back = new URL(query.get('redirect_uri') ?? '')
    const challenge = query.get('code_challenge') ?? undefined
    back.searchParams.set('state', query.get('state') ?? '')
    if (challenge !== undefined && this.refusesPkce) back.searchParams.set('error', 'invalid_request')
    else {
      const code = randomBytes(12).toString('hex')
      this.#codes.set(code, { challenge, redirectUri: query.get('redirect_uri') ?? '' })
      back.searchParams.set('code', code)
    }
    return { status: 302, headers: { location: back.href } }
  }

  #token(form: URLSearchParams, authorization: string | undefined): Staged {
    const refused = (error: string, status = 400): Staged => ({ status, body: { error } })
    const { id, secret } = GIT_PROVIDER_CLIENT
    const known = this.wantsBasic
      ? authorization === `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
      : form.get('client_id') === id && form.get('client_secret') === secret
    if (!known) return refused('invalid_client', 401)
    switch (form.get('grant_type')) {
      case 'authorization_code': {
        const code = this.#codes.get(form.get('code') ?? '')
        this.#codes.delete(form.get('code') ?? '')
        const verifier = form.get('code_verifier')
        const derived =
          verifier === null ? undefined : createHash('sha256').update(verifier).digest('base64url')
        const right =
          code !== undefined && code.challenge === derived && code.redirectUri === form.get('redirect_uri')
        return right ? this.#issue() : refused('invalid_grant')
      }
      case 'refresh_token':
        // Each works once.
        return this.#refreshTokens.delete(form.get('refresh_token') ?? '')
          ? this.#issue()
          : refused('invalid_grant')
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return this.deviceAnswer === 'allowed' ? this.#issue() : refused(this.deviceAnswer)
      default:
        return refused('unsupported_grant_type')
    }
  }

  #issue(): Staged {
    const access = `access-${randomBytes(12).toString('hex')}`
    const refresh = `refresh-${randomBytes(12).toString('hex')}`
    this.#accessTokens.add(access)
    this.#refreshTokens.add(refresh)
    return {
      status: 200,
      body: {
        access_token: access,
        token_type: 'bearer',
        refresh_token: refresh,
        ...(this.lifetime === undefined ? {} : { expires_in: this.lifetime }),
        ...this.extra,
      },
    }
  }

  /** RFC 7009, and GitHub's own way. */
  #revoke(request: IncomingMessage, body: string): Staged {
    if (request.method !== 'DELETE') {
      const token = new URLSearchParams(body).get('token') ?? ''
      this.#refreshTokens.delete(token)
      this.#accessTokens.delete(token)
      return { status: 200 }
    }
    const expected = Buffer.from(`${GIT_PROVIDER_CLIENT.id}:${GIT_PROVIDER_CLIENT.secret}`).toString('base64')
    if (request.headers.authorization !== `Basic ${expected}`) return { status: 401 }
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed === 'object' && parsed !== null && 'access_token' in parsed)
      this.#accessTokens.delete(String(parsed.access_token))
    return { status: 204 }
  }

  #bearer(request: IncomingMessage): string | undefined {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    return token !== undefined && this.#accessTokens.has(token) ? token : undefined
  }

  /** The files of a repository, which is all that a Git client needs, for who sends a token as user or password. */
  async #serveFile(request: IncomingMessage, response: ServerResponse, requestPath: string): Promise<void> {
    const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const parts = Buffer.from(basic, 'base64').toString().split(':')
    if (!parts.some((part) => this.#accessTokens.has(part))) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
      return
    }
    const file = path.join(this.#folder, path.posix.normalize(requestPath.slice('/repos'.length)))
    const found = await stat(file).catch(() => undefined)
    if (found?.isFile() !== true) response.writeHead(404).end()
    else response.writeHead(200).end(await readFile(file))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
