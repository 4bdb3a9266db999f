import type { BodyOf, QueryOf, ResponseOf, Route } from '@slipway/contract'

/** An answer of the server that is no success, with the envelope of ID-88. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly status: number
  readonly detail: string | undefined
  readonly validations: readonly { readonly field: string; readonly detail: string }[]
  /** All of the answer, for what goes on from it, such as `second_factor_required`. */
  readonly body: unknown

  constructor(status: number, body: unknown) {
    super(textOf(body, 'message') ?? `the server answered ${status}`)
    this.status = status
    this.detail = textOf(body, 'detail')
    this.validations = validationsOf(body)
    this.body = body
  }
}

/** The server could not be reached, or its answer did not arrive. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure'

  /** What the network said, such as `connect ECONNREFUSED 127.0.0.1:3000`; empty when it said nothing. */
  get reason(): string {
    const { cause } = this
    if (!(cause instanceof Error)) return ''
    if (cause.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`
    // `fetch` wraps what went wrong.
    const inner = cause.cause instanceof Error ? cause.cause : cause
    const code = 'code' in inner ? String(inner.code) : ''
    if (code === 'EPROTO') return 'it does not speak TLS there'
    return inner.message === '' ? code : inner.message
  }
}

/** What a {@link Client} needs of `fetch`, which is one. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly body?: string | Uint8Array<ArrayBuffer>
    readonly signal: AbortSignal
  },
) => Promise<{
  readonly ok: boolean
  readonly status: number
  readonly headers: { get(name: string): string | null }
  text(): Promise<string>
}>

/** What a call takes: path parameters, query and body, as the route declares them. */
export interface CallInput<R extends Route> {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Partial<QueryOf<R>>
  readonly body?: BodyOf<R>
  readonly signal?: AbortSignal
}

/** How a {@link Client} reaches the server. */
export interface ClientOptions {
  /** URL of the server without a path. */
  readonly url: string
  /** Session token; none for calls before sign-in, and in a browser, where the cookie is sent. */
  readonly token?: string | undefined
  /** Further headers of every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Told of the headers of every answer, as version checks need them. */
  readonly onAnswer?: (headers: { get(name: string): string | null }) => void
  /** How requests are sent, where it is not with the platform's own `fetch`. */
  readonly fetch?: Fetch
}

const TIMEOUT_MS = 60_000

/**
 * Calls the operations of the contract over HTTP.
 *
 * @example
 * const me = await client.call(getUser, { params: { user: 'me' } })
 */
export class Client {
  readonly url: string
  readonly #token: string | undefined
  readonly #headers: Readonly<Record<string, string>>
  readonly #onAnswer: ClientOptions['onAnswer']
  readonly #send: Fetch

  constructor(options: ClientOptions) {
    this.url = options.url.replace(/\/+$/, '')
    this.#token = options.token
    this.#headers = options.headers ?? {}
    this.#onAnswer = options.onAnswer
    this.#send = options.fetch ?? ((url, init) => fetch(url, init))
  }

  /** Headers of every request, with what proves who asks; WebSockets need them too. */
  get headers(): Readonly<Record<string, string>> {
    return {
      ...this.#headers,
      ...(this.#token === undefined ? {} : { 'Coder-Session-Token': this.#token }),
    }
  }

  /** Makes a call. @throws ApiFailure when the server refuses, ConnectionFailure when no answer of it arrives. */
  async call<R extends Route>(route: R, input: CallInput<R> = {}): Promise<ResponseOf<R>> {
    const json = input.body === undefined ? undefined : JSON.stringify(input.body)
    return this.#request(route, this.address(route, input), json, 'application/json', input.signal)
  }

  /** Uploads bytes, such as a template archive or JSON that a person wrote. @throws as {@link call}. */
  upload<R extends Route>(
    route: R,
    bytes: Uint8Array<ArrayBuffer>,
    type: string,
    input: Pick<CallInput<R>, 'params' | 'query'> = {},
  ): Promise<ResponseOf<R>> {
    return this.#request(route, this.address(route, input), bytes, type)
  }

  /** The URL of a call. @throws Error when a path parameter is missing. */
  address<R extends Route>(route: R, input: Pick<CallInput<R>, 'params' | 'query'>): string {
    const given: Readonly<Record<string, string | undefined>> = input.params ?? {}
    const path = route.path.replace(/\{([^}]+)\}/g, (_all, name: string) => {
      const value = given[name]
      if (value === undefined) throw new Error(`${route.path} needs ${name}`)
      return encodeURIComponent(value)
    })
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(input.query ?? {}))
      if (Array.isArray(value)) for (const one of value) query.append(name, String(one))
      else if (value !== undefined) query.set(name, String(value))
    const search = query.toString()
    return `${this.url}${path}${search === '' ? '' : `?${search}`}`
  }

  async #request<R extends Route>(
    route: R,
    url: string,
    body: string | Uint8Array<ArrayBuffer> | undefined,
    type: string,
    signal: AbortSignal = AbortSignal.timeout(TIMEOUT_MS),
  ): Promise<ResponseOf<R>> {
    const { response, text } = await this.#exchange(url, {
      method: route.method,
      headers: { ...this.headers, ...(body === undefined ? {} : { 'Content-Type': type }) },
      ...(body === undefined ? {} : { body }),
      signal,
    })
    this.#onAnswer?.(response.headers)
    if (!response.ok) throw new ApiFailure(response.status, parse(text))
    try {
      return (text === '' ? undefined : JSON.parse(text)) as ResponseOf<R>
    } catch {
      // Such as the page of a proxy that wants a sign-in of its own.
      throw new ApiFailure(response.status, {
        message: `${this.url} answered with something that is not of this API: is it the right address?`,
      })
    }
  }

  async #exchange(url: string, init: Parameters<Fetch>[1]) {
    try {
      const response = await this.#send(url, init)
      return { response, text: await response.text() }
    } catch (error) {
      throw new ConnectionFailure(`cannot reach ${this.url}`, { cause: error })
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A page for browsers, such as a proxy's, says nothing that its status does not.
    return /^\s*</.test(text) ? undefined : { message: text.slice(0, 500) }
  }
}

function textOf(body: unknown, key: string): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const value: unknown = Reflect.get(body, key)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function validationsOf(body: unknown): ApiFailure['validations'] {
  if (
    typeof body !== 'object' ||
    body === null ||
    !('validations' in body) ||
    !Array.isArray(body.validations)
  )
    return []
  return body.validations.map((entry: { field?: unknown; detail?: unknown }) => ({
    field: String(entry.field ?? ''),
    detail: String(entry.detail ?? ''),
  }))
}
