import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'

import { AddressGuard } from './address-guard.ts'
import { OutboundError } from './outbound.ts'

/** Finds all addresses of a host. */
export type LookupAll = (
  host: string,
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void

/** What a guarded request may do. */
export interface GuardedCall {
  /** Until the answer has begun, and until it has ended unless it is a stream; milliseconds. */
  readonly timeoutMs: number
  /** Longest body that is read, in bytes. */
  readonly maxBytes: number
  /** Whether the body may come as slowly as it likes; whoever reads it ends it. */
  readonly stream?: boolean
  /**
   * Where redirects may lead: what has credentials stays at its origin, with its method. None are followed unless this
   * says so.
   */
  readonly redirects?: 'anywhere' | 'same-origin'
}

const MAX_REDIRECTS = 10
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Answers that have no body by definition (RFC 9110). */
const BODILESS = new Set([204, 205, 304])
const SOCKETS_PER_HOST = 32
const SOCKETS = 256

/**
 * Requests to addresses that users give: whatever the name, a connection is made only to an address that the guard
 * permits, and to the very address that was looked at, so that no second answer of a name server gets in between
 * (OA-108). No proxy is used. Also redirects are looked at, one by one.
 */
export class GuardedFetch implements Disposable {
  readonly #guard: AddressGuard
  readonly #agents: { readonly 'http:': http.Agent; readonly 'https:': https.Agent }

  /**
   * @param allowed ranges that an operator opens although they are inside.
   * @param lookup in place of the resolver of the system.
   */
  constructor(allowed: readonly string[], lookup: LookupAll = lookupAll) {
    this.#guard = new AddressGuard(allowed)
    const options = {
      keepAlive: true,
      maxSockets: SOCKETS_PER_HOST,
      maxTotalSockets: SOCKETS,
      maxFreeSockets: 16,
      lookup: guardedLookup(this.#guard, lookup),
    }
    this.#agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) }
  }

  /**
   * Sends a request. The body of the answer is read as it comes, and fails when it is too long.
   *
   * @throws OutboundError without a usable answer; TypeError for an address that is not HTTP or HTTPS; what aborted
   * the signal of `init`.
   */
  async fetch(call: GuardedCall, address: string | URL, init: RequestInit = {}): Promise<Response> {
    let { url, request } = prepared(address, init)
    let body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer())
    const deadline = AbortSignal.timeout(call.timeoutMs)
    const signal = init.signal == null ? deadline : AbortSignal.any([deadline, init.signal])
    for (let hops = 0; ; hops += 1) {
      let message: IncomingMessage
      try {
        message = await this.#send(url, request, body, signal)
      } catch (error) {
        throw failure(error, url, deadline, init.signal)
      }
      const { statusCode: status = 0 } = message
      const { location } = message.headers
      if (call.redirects === undefined || !REDIRECTS.has(status) || location === undefined)
        return answer(message, call, url, {
          signal: call.stream === true ? (init.signal ?? undefined) : signal,
          deadline: call.stream === true ? undefined : deadline,
          given: init.signal,
        })
      message.destroy()
      if (hops === MAX_REDIRECTS) throw new OutboundError('redirect', `${url.host} redirects too often`)
      const next = redirected(call.redirects, url, location, status, request.method)
      if (next.dropBody) body = undefined
      request = new Request(next.url, {
        method: next.method,
        headers: next.dropCredentials ? withoutCredentials(request.headers) : request.headers,
      })
      if (next.dropBody) for (const name of ['content-type', 'content-length']) request.headers.delete(name)
      url = next.url
    }
  }

  async #send(
    url: URL,
    request: Request,
    body: Buffer | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    signal.throwIfAborted()
    // A name goes through the guarded lookup; an address has none.
    const host = url.hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && !this.#guard.permits(host)) throw new NotPermitted(host)
    const secure = url.protocol === 'https:'
    const headers = {
      'accept-encoding': 'identity',
      'user-agent': 'Slipway',
      ...Object.fromEntries(request.headers),
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    }
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const sent = (secure ? https : http).request(url, {
      method: request.method,
      headers,
      agent: this.#agents[secure ? 'https:' : 'http:'],
    })
    // Until the answer begins; from then on the body has an end of its own.
    const cut = (): void => void sent.destroy(new Error('it took too long'))
    signal.addEventListener('abort', cut)
    sent.once('response', resolve)
    // A connection may fail more than once.
    sent.on('error', reject)
    sent.end(body)
    return promise.finally(() => signal.removeEventListener('abort', cut))
  }

  /** Cuts all connections. */
  [Symbol.dispose](): void {
    this.#agents['http:'].destroy()
    this.#agents['https:'].destroy()
  }
}

/** An address that the guard does not permit. */
class NotPermitted extends Error {
  override readonly name = 'NotPermitted'
  constructor(address: string) {
    super(address)
  }
}

function lookupAll(
  host: string,
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
): void {
  systemLookup(host, { all: true }, (error, addresses) => done(error, addresses ?? []))
}

/** All addresses must be permitted: which one is used is not known before. */
function guardedLookup(guard: AddressGuard, lookup: LookupAll): LookupFunction {
  return (host, options, done) => {
    lookup(host, (error, addresses) => {
      if (error !== null) return done(error, '', 0)
      const refused = addresses.find(({ address }) => !guard.permits(address))
      if (refused !== undefined) return done(new NotPermitted(refused.address), '', 0)
      const [first] = addresses
      if (first === undefined) return done(new Error(`${host} has no address`), '', 0)
      if (options.all === true) return done(null, [...addresses])
      done(null, first.address, first.family)
    })
  }
}

/** The request as it is sent; credentials in the address become a header, as browsers do it. */
function prepared(address: string | URL, init: RequestInit): { url: URL; request: Request } {
  const url = new URL(address)
  requireWeb(url)
  const { username, password } = url
  url.username = ''
  url.password = ''
  const { signal: _, redirect: __, ...rest } = init
  const request = new Request(url, rest)
  if ((username !== '' || password !== '') && !request.headers.has('authorization')) {
    const pair = `${percentDecoded(username)}:${percentDecoded(password)}`
    request.headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`)
  }
  return { url, request }
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that begins no byte stands for itself.
    return text
  }
}

function requireWeb({ protocol }: URL): void {
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new TypeError(`${protocol} is not a way to reach a server: use https`)
}

/** Where a redirect leads (RFC 9110 section 15.4). @throws OutboundError for one that is not to be followed. */
function redirected(
  allowed: 'anywhere' | 'same-origin',
  from: URL,
  location: string,
  status: number,
  method: string,
): { url: URL; method: string; dropBody: boolean; dropCredentials: boolean } {
  const refused = (why: string) => new OutboundError('redirect', `${from.host} redirects ${why}`)
  if (!URL.canParse(location, from.href)) throw refused('to no address')
  const url = new URL(location, from)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(`to ${url.protocol}`)
  url.username = ''
  url.password = ''
  const same = url.origin === from.origin
  const toGet = status === 303 || ((status === 301 || status === 302) && method === 'POST')
  const next = toGet && method !== 'HEAD' ? 'GET' : method
  if (allowed === 'same-origin') {
    if (!same) throw refused('to another origin')
    if (next !== method) throw refused('to another method')
  }
  return { url, method: next, dropBody: next !== method, dropCredentials: !same }
}

function withoutCredentials(headers: Headers): Headers {
  const kept = new Headers(headers)
  for (const name of ['authorization', 'cookie', 'proxy-authorization']) kept.delete(name)
  return kept
}

/** What ends the reading of a body. */
interface Ending {
  readonly signal: AbortSignal | undefined
  readonly deadline: AbortSignal | undefined
  readonly given: AbortSignal | null | undefined
}

/** @throws OutboundError for an answer that has no status of HTTP. */
function answer(message: IncomingMessage, call: GuardedCall, url: URL, ending: Ending): Response {
  const { statusCode: status = 0, statusMessage = '' } = message
  if (status < 200 || status > 599) {
    message.destroy()
    throw new OutboundError('unreachable', `${url.host} answers with the status ${status}`)
  }
  const headers = new Headers()
  for (let at = 0; at < message.rawHeaders.length; at += 2)
    headers.append(message.rawHeaders[at] ?? '', message.rawHeaders[at + 1] ?? '')
  const statusText = REASON.test(statusMessage) ? statusMessage : ''
  if (BODILESS.has(status)) message.resume()
  return new Response(BODILESS.has(status) ? null : bodyOf(message, call.maxBytes, url, ending), {
    status,
    statusText,
    headers,
  })
}

/** RFC 9112 section 4. */
const REASON = /^[\t -~\x80-\xff]*$/

/** The body as it is read; the connection is given up when it takes too long, or when nobody wants the rest. */
function bodyOf(
  message: IncomingMessage,
  maxBytes: number,
  url: URL,
  ending: Ending,
): ReadableStream<Uint8Array> {
  const { signal } = ending
  const cut = (): void => void message.destroy(new Error('it took too long'))
  signal?.addEventListener('abort', cut)
  message.once('close', () => signal?.removeEventListener('abort', cut))
  if (signal?.aborted === true) cut()
  const chunks = bounded(message, maxBytes, url, ending)
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      // The reading of a body that nobody has begun to read has nothing to clean up by itself.
      cancel: () => void message.destroy(),
    },
    { highWaterMark: 0 },
  )
}

async function* bounded(
  message: IncomingMessage,
  maxBytes: number,
  url: URL,
  { deadline, given }: Ending,
): AsyncGenerator<Uint8Array> {
  let length = 0
  try {
    for await (const chunk of message) {
      const bytes: Uint8Array = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
      length += bytes.length
      if (length > maxBytes)
        throw new OutboundError('too-large', `the answer of ${url.host} is longer than ${maxBytes} bytes`)
      yield bytes
    }
  } catch (error) {
    throw failure(error, url, deadline, given)
  } finally {
    message.destroy()
  }
}

function failure(
  error: unknown,
  url: URL,
  deadline: AbortSignal | undefined,
  given: AbortSignal | null | undefined,
): unknown {
  if (error instanceof OutboundError) return error
  if (given?.aborted === true) return given.reason
  if (error instanceof NotPermitted)
    return new OutboundError(
      'not-permitted',
      `${url.host} leads to the private address ${error.message}, which may not be reached`,
    )
  if (deadline?.aborted === true)
    return new OutboundError('timeout', `${url.host} did not answer in time`, error)
  return new OutboundError('unreachable', `${url.host} cannot be reached`, error)
}
