import type { Dispatcher, EnvHttpProxyAgent, request } from 'undici'

import { GatewayError } from './gateway-error.ts'

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
}

/** A provider's answer; its body comes as it is read, and must be read or destroyed. */
export interface UpstreamAnswer {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: Dispatcher.ResponseData['body']
}

/** A whole answer has that long, and a stream may be silent for that long; milliseconds (AG-56). */
const BLOCKING_MS = 600_000
const SILENCE_MS = 600_000
const CONNECT_MS = 10_000
const IDLE_MS = 90_000
/** Longest header block of an answer, in bytes. */
const MAX_HEADERS = 64 * 1024

interface Connections {
  readonly agent: EnvHttpProxyAgent
  readonly send: typeof request
}

async function openConnections(): Promise<Connections> {
  const { EnvHttpProxyAgent: Agent, request: send } = await import('undici')
  const unproxied = [process.env.no_proxy ?? process.env.NO_PROXY ?? '', 'localhost', '127.0.0.1', '::1']
  const agent = new Agent({
    noProxy: unproxied.filter((entry) => entry !== '').join(','),
    // One request in a connection can be ended without the others.
    allowH2: false,
    pipelining: 1,
    connect: { timeout: CONNECT_MS },
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    maxHeaderSize: MAX_HEADERS,
  })
  return { agent, send }
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
    this.#connections ??= openConnections()
    return this.#connections
  }

  /**
   * Sends a request; settles when the answer begins.
   *
   * @throws GatewayError 502 when the provider cannot be reached, 504 when it is too slow; the reason of the signal.
   */
  async send(call: UpstreamRequest): Promise<UpstreamAnswer> {
    const { signal, url } = call
    const { agent, send } = await this.#open()
    signal.throwIfAborted()
    const deadline = call.stream ? undefined : AbortSignal.timeout(BLOCKING_MS)
    try {
      const { statusCode, headers, body } = await send(url, {
        dispatcher: agent,
        method: methodOf(call.method),
        headers: call.headers,
        body: call.body ?? null,
        signal: deadline === undefined ? signal : AbortSignal.any([signal, deadline]),
        headersTimeout: SILENCE_MS,
        bodyTimeout: SILENCE_MS,
      })
      // Whoever reads it hears of a failure; nobody may be reading yet.
      body.on('error', () => undefined)
      return { status: statusCode, headers, body }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw upstreamFailure(error, url, deadline)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#connections)?.agent.destroy()
  }
}

/** A body up to a length, in bytes; the rest is not waited for. */
export async function readAtMost({ body }: UpstreamAnswer, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
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
export function upstreamFailure(error: unknown, url: URL, deadline?: AbortSignal): GatewayError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const late = error instanceof Error && error.name === 'TimeoutError'
  if (late || deadline?.aborted || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
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
