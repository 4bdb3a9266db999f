import type { Dispatcher } from 'undici'

import { GatewayError } from '../exchange/gateway-error.ts'
import { ArrivingAnswer } from './arriving-answer.ts'

/** Headers of an answer as they came. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

/** One request to a provider. */
export interface UpstreamRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  /** Ends the request at once. */
  readonly signal: AbortSignal
  /** Whether the answer may take as long as it likes, as long as something comes now and then (AG-56). */
  readonly stream: boolean
  /** Instead of those of the release. */
  readonly timeouts?: PhaseTimeouts | undefined
  /** Whether the beginning of the answer is its first byte, rather than its head: what fails before has begun nothing. */
  readonly fromFirstByte?: boolean
  /** Called when nothing more comes of it, whether it was answered or not; maybe twice. */
  readonly over?: (() => void) | undefined
}

/** How long each phase of a request may take, in milliseconds; undefined is as the release has it (AG-56). */
export interface PhaseTimeouts {
  readonly connectTimeoutMs: number | undefined
  /** From the beginning of the request to the first byte of the answer. */
  readonly firstByteTimeoutMs: number | undefined
  /** Between two pieces of the answer. */
  readonly idleTimeoutMs: number | undefined
  readonly totalTimeoutMs: number | undefined
}

/** A body that comes as it is read. */
export type AnswerBody = AsyncIterable<Uint8Array> & { destroy(error?: Error): unknown }

/** A provider's answer; its body comes as it is read, and must be read or destroyed. */
export interface UpstreamAnswer {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: AnswerBody
}

/** A whole answer has that long, and a stream may be silent for that long; milliseconds (AG-56). */
const BLOCKING_MS = 600_000
const SILENCE_MS = 600_000
const CONNECT_MS = 10_000
const IDLE_MS = 90_000
/** Longest header block of an answer, in bytes. */
const MAX_HEADERS = 64 * 1024
/** Times to connect that have connections of their own; with more of them the oldest ones are closed when they are idle. */
const MAX_AGENTS = 16

/** Variables that name proxies. */
const PROXIES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']

/** What is reached without a proxy, whatever the environment says: this machine. */
function unproxied(): string {
  const named = process.env.no_proxy ?? process.env.NO_PROXY ?? ''
  return [named, 'localhost', '127.0.0.1', '::1'].filter((entry) => entry !== '').join(',')
}

type Undici = Pick<typeof import('undici'), 'Agent' | 'EnvHttpProxyAgent'>

class Connections {
  readonly #undici: Undici
  /** By their time to connect in milliseconds. */
  readonly #agents = new Map<number, Dispatcher>()
  readonly #retired = new Set<Dispatcher>()

  constructor(undici: Undici) {
    this.#undici = undici
  }

  static async open(): Promise<Connections> {
    return new Connections(await import('undici'))
  }

  within(connectMs: number): Dispatcher {
    const known = this.#agents.get(connectMs)
    if (known !== undefined) return known
    const options = {
      // One request in a connection can be ended without the others.
      allowH2: false,
      pipelining: 1,
      connect: { timeout: connectMs },
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      maxHeaderSize: MAX_HEADERS,
    }
    // Which proxy an address needs is looked up for each request: not where there is none.
    const agent = PROXIES.some((name) => process.env[name])
      ? new this.#undici.EnvHttpProxyAgent({ ...options, noProxy: unproxied() })
      : new this.#undici.Agent(options)
    this.#agents.set(connectMs, agent)
    const [oldest] = this.#agents
    if (this.#agents.size > MAX_AGENTS && oldest !== undefined) this.#retire(...oldest)
    return agent
  }

  /** Closes an agent when all that was asked through it has been answered. */
  #retire(connectMs: number, agent: Dispatcher): void {
    this.#agents.delete(connectMs)
    this.#retired.add(agent)
    const gone = (): void => void this.#retired.delete(agent)
    agent.close().then(gone, gone)
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#agents.values(), ...this.#retired].map((agent) => agent.destroy()))
  }
}

/**
 * The connections to providers, kept open between requests. Their addresses are set by administrators, who may well mean
 * one on this machine or in this network (a model server of their own), so none is refused; redirects are answers like
 * others, so that no key follows one. Proxies of the environment are used, except to this machine.
 */
export class Upstream implements AsyncDisposable {
  #connections: Promise<Connections> | undefined

  /** Made for the first request: to load the library takes a sixth of the server's start. */
  #open(): Promise<Connections> {
    this.#connections ??= Connections.open()
    return this.#connections
  }

  /**
   * Sends a request; settles when the answer begins.
   *
   * @throws GatewayError 502 when the provider cannot be reached, 504 when it is too slow; the reason of the signal.
   */
  async send(call: UpstreamRequest): Promise<UpstreamAnswer> {
    const { signal, url, timeouts } = call
    let limits: Limits | undefined
    const over = (): void => {
      limits?.over()
      call.over?.()
    }
    const answer = new ArrivingAnswer(call.fromFirstByte === true, over)
    try {
      const connections = await this.#open()
      signal.throwIfAborted()
      limits = new Limits(call, (reason) => answer.abort(reason))
      connections.within(timeouts?.connectTimeoutMs ?? CONNECT_MS).dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: methodOf(call.method),
          headers: call.headers,
          body: call.body ?? null,
          headersTimeout: timeouts?.firstByteTimeoutMs ?? SILENCE_MS,
          bodyTimeout: timeouts?.idleTimeoutMs ?? SILENCE_MS,
        },
        answer,
      )
      const { status, headers } = await answer.begun
      limits.begun()
      return { status, headers, body: answer }
    } catch (error) {
      over()
      if (signal.aborted) throw signal.reason
      throw upstreamFailure(error, url)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#connections)?.destroy()
  }
}

/** What ends a request: its own signal, and the time that it may take. */
class Limits {
  readonly #signal: AbortSignal
  readonly #end: (reason: unknown) => void
  readonly #first: NodeJS.Timeout | undefined
  readonly #total: NodeJS.Timeout | undefined

  /** @param end called with why the request is over; maybe twice. */
  constructor({ signal, stream, timeouts }: UpstreamRequest, end: (reason: unknown) => void) {
    this.#signal = signal
    this.#end = end
    signal.addEventListener('abort', this.#onAbort, { once: true })
    const total = timeouts?.totalTimeoutMs ?? (stream ? undefined : BLOCKING_MS)
    if (total !== undefined) this.#total = this.#after(total, 'the answer did not end in time')
    const first = timeouts?.firstByteTimeoutMs
    if (first !== undefined) this.#first = this.#after(first, 'no byte of the answer came in time')
  }

  readonly #onAbort = (): void => this.#end(this.#signal.reason)

  #after(ms: number, message: string): NodeJS.Timeout {
    return setTimeout(() => this.#end(new DOMException(message, 'TimeoutError')), ms).unref()
  }

  /** The answer has begun. */
  begun(): void {
    clearTimeout(this.#first)
  }

  /** Nothing more comes. */
  over(): void {
    clearTimeout(this.#first)
    clearTimeout(this.#total)
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}

/** A body up to a length, in bytes; the rest is not waited for. */
export async function readAtMost({ body }: UpstreamAnswer, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk.subarray(0, limit - length))
      length += chunk.length
      if (length >= limit) break
    }
  } catch {
    // What came says enough.
  }
  return Buffer.concat(chunks)
}

/** What went wrong on the way to a provider, or back. */
export function upstreamFailure(error: unknown, url: URL): GatewayError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const late = error instanceof Error && error.name === 'TimeoutError'
  if (late || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new GatewayError(504, 'timeout', `${url.host} did not answer in time`, { cause: error })
  return new GatewayError(502, 'upstream_unreachable', `${url.host} cannot be reached`, { cause: error })
}

function methodOf(method: string): Dispatcher.HttpMethod {
  switch (method.toUpperCase()) {
    case 'GET':
      return 'GET'
    case 'HEAD':
      return 'HEAD'
    case 'PUT':
      return 'PUT'
    case 'PATCH':
      return 'PATCH'
    case 'DELETE':
      return 'DELETE'
    case 'OPTIONS':
      return 'OPTIONS'
    default:
      return 'POST'
  }
}
