import { type GuardedCall, OutboundError } from '../../outbound/index.ts'
import { type Challenge, challengeOf } from '../oauth/challenge.ts'
import type { Guarded } from '../oauth/http.ts'
import { McpServerError, ofOutbound } from './errors.ts'

/** What a server is told about who calls, for every single request. */
export interface Credentials {
  /** Headers of the next request. @throws McpServerError when there is nothing to call with. */
  headers(): Promise<Readonly<Record<string, string>>>
  /**
   * The server has refused them, with 401 or because of their scope.
   *
   * @returns whether there are others now, so that the request is to be sent again.
   * @throws McpServerError when the user has to do something about it.
   */
  refused(challenge: Challenge): Promise<boolean>
}

/** Credentials that nothing can be done about when they are refused. */
export function fixedCredentials(headers: Readonly<Record<string, string>>): Credentials {
  return { headers: async () => headers, refused: async () => false }
}

/** Streams that a connection may open within a minute: a server says itself how soon a broken one is opened again. */
const MAX_STREAMS = 30
const MINUTE_MS = 60_000
/** How often one request is sent again with other credentials (OA-B24). */
const MAX_RETRIES = 2
const CALL = {
  timeoutMs: 60_000,
  // Of one answer, or of all events of one stream.
  maxBytes: 8 * 1024 * 1024,
  stream: true,
  redirects: 'same-origin',
} as const satisfies GuardedCall

/**
 * Sends the requests of a transport through the guard, with credentials that win over headers of the same name (OA-117),
 * and again when there are others after a refusal.
 */
export class CredentialedFetch {
  readonly #guarded: Guarded
  readonly #credentials: Credentials
  readonly #extra: Readonly<Record<string, string>>
  readonly #onFlood: (error: McpServerError) => void
  /** When the last streams were opened, by the monotonic clock. */
  #opened: number[] = []

  /**
   * @param extra headers of every request.
   * @param onFlood hears of a body that is too long and of streams that break again and again, which fails nobody's
   *   request by itself.
   */
  constructor(
    guarded: Guarded,
    credentials: Credentials,
    extra: Readonly<Record<string, string>>,
    onFlood: (error: McpServerError) => void,
  ) {
    this.#guarded = guarded
    this.#credentials = credentials
    this.#extra = extra
    this.#onFlood = onFlood
  }

  /** Fetches as the global function does. @throws McpServerError, or what aborted the request. */
  readonly fetch = async (address: string | URL, init: RequestInit = {}): Promise<Response> => {
    if ((init.method ?? 'GET') === 'GET') this.#noteStream()
    try {
      return await this.#send(address, init)
    } catch (error) {
      throw error instanceof OutboundError ? ofOutbound(error) : error
    }
  }

  #noteStream(): void {
    const now = performance.now()
    this.#opened = [...this.#opened.filter((at) => at > now - MINUTE_MS), now]
    if (this.#opened.length <= MAX_STREAMS) return
    const error = new McpServerError('protocol', 'the server breaks its streams again and again')
    this.#onFlood(error)
    throw error
  }

  async #send(address: string | URL, init: RequestInit): Promise<Response> {
    for (let retries = 0; ; retries += 1) {
      const headers = new Headers(init.headers)
      for (const [name, value] of Object.entries(this.#extra)) headers.set(name, value)
      for (const [name, value] of Object.entries(await this.#credentials.headers())) headers.set(name, value)
      const response = await this.#guarded.fetch(CALL, address, { ...init, headers })
      const challenge = challengeOf(response)
      const lacksScope = response.status === 403 && challenge.error === 'insufficient_scope'
      if (response.status !== 401 && !lacksScope) return this.#watched(response)
      await response.body?.cancel()
      if (retries < MAX_RETRIES && (await this.#credentials.refused(challenge))) continue
      throw lacksScope
        ? new McpServerError(
            'insufficient_scope',
            `the server asks for more than it was given${challenge.scope === undefined ? '' : `: ${challenge.scope}`}`,
          )
        : new McpServerError('unauthorized', 'the server does not accept the credentials')
    }
  }

  #watched(response: Response): Response {
    const { body, status, statusText, headers } = response
    if (body === null) return response
    const reader = body.getReader()
    const watched = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const { done, value } = await reader.read()
            if (done) controller.close()
            else controller.enqueue(value)
          } catch (error) {
            if (error instanceof OutboundError && error.kind === 'too-large') this.#onFlood(ofOutbound(error))
            throw error
          }
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    )
    return new Response(watched, { status, statusText, headers })
  }
}
