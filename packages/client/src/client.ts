import type { BodyOf, QueryOf, ResponseOf, Route } from '@slipway/contract'

/** An answer of the server that is no success, with the envelope of ID-88. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly status: number
  readonly detail: string | undefined
  readonly validations: readonly { readonly field: string; readonly detail: string }[]

  constructor(status: number, body: unknown) {
    super(textOf(body, 'message') ?? `the server answered ${status}`)
    this.status = status
    this.detail = textOf(body, 'detail')
    this.validations = validationsOf(body)
  }
}

/** The server could not be reached, or its answer did not arrive. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure'
}

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
  readonly onAnswer?: (headers: Headers) => void
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
  readonly #onAnswer: ((headers: Headers) => void) | undefined

  constructor(options: ClientOptions) {
    this.url = options.url.replace(/\/+$/, '')
    this.#token = options.token
    this.#headers = options.headers ?? {}
    this.#onAnswer = options.onAnswer
  }

  /** Headers of every request, with what proves who asks; WebSockets need them too. */
  get headers(): Readonly<Record<string, string>> {
    return {
      ...this.#headers,
      ...(this.#token === undefined ? {} : { 'Coder-Session-Token': this.#token }),
    }
  }

  /** Makes a call. @throws ApiFailure when the server refuses, ConnectionFailure when it cannot be reached. */
  async call<R extends Route>(route: R, input: CallInput<R> = {}): Promise<ResponseOf<R>> {
    const response = await this.#fetch(route.method, this.address(route, input), {
      ...(input.body === undefined
        ? {}
        : { body: JSON.stringify(input.body), headers: { 'Content-Type': 'application/json' } }),
      ...(input.signal === undefined ? {} : { signal: input.signal }),
    })
    const text = await response.text()
    return (text === '' ? undefined : JSON.parse(text)) as ResponseOf<R>
  }

  /** Uploads bytes, as template archives need it. @throws as {@link call}. */
  async upload<R extends Route>(
    route: R,
    bytes: Uint8Array<ArrayBuffer>,
    type: string,
  ): Promise<ResponseOf<R>> {
    const response = await this.#fetch(route.method, this.address(route, {}), {
      body: bytes,
      headers: { 'Content-Type': type },
    })
    return (await response.json()) as ResponseOf<R>
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
      if (value !== undefined) query.set(name, String(value))
    const search = query.toString()
    return `${this.url}${path}${search === '' ? '' : `?${search}`}`
  }

  async #fetch(method: string, url: string, init: RequestInit): Promise<Response> {
    let response: Response
    try {
      response = await fetch(url, {
        ...init,
        method,
        headers: { ...this.headers, ...init.headers },
        signal: init.signal ?? AbortSignal.timeout(TIMEOUT_MS),
      })
    } catch (error) {
      throw new ConnectionFailure(`cannot reach ${this.url}`, { cause: error })
    }
    this.#onAnswer?.(response.headers)
    if (response.ok) return response
    throw new ApiFailure(response.status, parse(await response.text()))
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { message: text.slice(0, 500) }
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
