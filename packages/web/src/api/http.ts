import type { BodyOf, QueryOf, ResponseOf, Route } from '@slipway/contract'

/** An answer that is no success, in the server's own words. */
export class ApiError extends Error {
  readonly status: number
  readonly detail: string | undefined
  readonly validations: readonly { readonly field: string; readonly detail: string }[]
  readonly requestId: string | undefined
  /** Seconds that the server asks to wait, of a 429 or 503. */
  readonly retryAfter: number | undefined
  /** The whole answer: some say in fields of their own what comes next. */
  readonly body: unknown

  constructor(answer: Omit<ApiError, 'name' | 'stack' | 'cause'>) {
    super(answer.message)
    this.name = 'ApiError'
    this.status = answer.status
    this.detail = answer.detail
    this.validations = answer.validations
    this.requestId = answer.requestId
    this.retryAfter = answer.retryAfter
    this.body = answer.body
  }
}

/** No answer came: no network, nobody at home, or the connection was cut. */
export class NetworkError extends Error {
  constructor(cause: unknown) {
    super('The server did not answer.', { cause })
    this.name = 'NetworkError'
  }
}

/** What a call needs beside its route. */
export interface CallOptions<R extends Route> {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: QueryOf<R>
  readonly body?: BodyOf<R>
  /** A body that is sent as it is, under its own type: an upload. */
  readonly content?: Blob
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/**
 * Sends a request of the contract and gives its typed answer.
 *
 * @throws ApiError on an answer other than 2xx, NetworkError without one, the abort reason when aborted.
 */
export type Call = <R extends Route>(route: R, options?: CallOptions<R>) => Promise<ResponseOf<R>>

/** A client of the contract over `fetch` of this origin. */
export function createCall(send: (request: Request) => Promise<Response>): Call {
  return async <R extends Route>(route: R, options: CallOptions<R> = {}): Promise<ResponseOf<R>> => {
    const { body, content, signal } = options
    const type = content?.type ?? (body === undefined ? undefined : 'application/json')
    const request = new Request(requestPath(route.path, options.params, options.query), {
      method: route.method,
      headers: {
        Accept: 'application/json',
        ...(type === undefined ? {} : { 'Content-Type': type }),
        ...options.headers,
      },
      ...(content !== undefined
        ? { body: content }
        : body === undefined
          ? {}
          : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    const response = await send(request).catch((error: unknown) => {
      throw signal?.aborted === true ? error : new NetworkError(error)
    })
    const text = await response.text().catch((error: unknown) => {
      throw signal?.aborted === true ? error : new NetworkError(error)
    })
    if (!response.ok) throw failure(response, text)
    const answer: ResponseOf<R> = text === '' ? undefined : JSON.parse(text)
    return answer
  }
}

/** Path and query of a route, every value encoded. A missing path parameter is a fault of the caller. */
export function requestPath(
  path: string,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, unknown>> = {},
): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name]
    if (value === undefined) throw new Error(`no value for {${name}} of ${path}`)
    return encodeURIComponent(value)
  })
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  return search.size === 0 ? filled : `${filled}?${search}`
}

function failure(response: Response, text: string): ApiError {
  const envelope = parseEnvelope(text)
  const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN)
  return new ApiError({
    status: response.status,
    message: envelope?.message ?? `The server answered ${response.status} without saying why.`,
    detail: envelope?.detail,
    validations: envelope?.validations ?? [],
    requestId: response.headers.get('X-Coder-Request-Id') ?? undefined,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
    body: envelope?.body,
  })
}

interface Envelope {
  readonly body: object
  readonly message: string
  readonly detail: string | undefined
  readonly validations: readonly { readonly field: string; readonly detail: string }[]
}

function parseEnvelope(text: string): Envelope | undefined {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body !== 'object' || body === null) return undefined
    const message =
      'message' in body && typeof body.message === 'string'
        ? body.message
        : // Endpoints of OAuth answer as RFC 6749 wants it.
          'error_description' in body && typeof body.error_description === 'string'
          ? body.error_description
          : undefined
    if (message === undefined) return undefined
    const detail =
      'detail' in body && typeof body.detail === 'string' && body.detail !== '' ? body.detail : undefined
    const validations =
      'validations' in body && Array.isArray(body.validations) ? body.validations.filter(isValidation) : []
    return { body, message, detail, validations }
  } catch {
    return undefined
  }
}

function isValidation(value: unknown): value is { readonly field: string; readonly detail: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'field' in value &&
    typeof value.field === 'string' &&
    'detail' in value &&
    typeof value.detail === 'string'
  )
}
