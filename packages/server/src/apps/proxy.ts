import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'

import type { FastifyReply, FastifyRequest } from 'fastify'

import { splice, type TunnelClient } from '@slipway/tunnel'
import {
  forwardedFor,
  type NextStep,
  type OpenStreams,
  type Precheck,
  withoutOwnCookies,
} from '../edge/index.ts'
import { withOurCors } from './cors.ts'
import { AppPageError } from './error-page.ts'
import { foreignCookies } from './own-credentials.ts'

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** Names of ours that no app may see. */
const OWN_HEADERS = new Set([
  'coder-session-token',
  'coder-external-proxy-token',
  'coder-provisioner-daemon-key',
  'coder-provisioner-daemon-psk',
  'x-csrf-token',
])
/** What proxies say of their clients: apps must not take it from visitors (AC-212). */
const FORWARDED = new Set(['forwarded', 'x-real-ip', 'true-client-ip', 'cf-connecting-ip'])
/** An app under a path shares its origin with the dashboard: its service worker must stay below its path. */
const KEPT_FROM_BROWSERS = new Set(['service-worker-allowed'])
/** A peer that is gone without a word is noticed, also on a connection on which nothing is sent. */
const KEEP_ALIVE_MS = 30_000

/** Where a request goes, and what must not go there. */
export interface ProxyTarget {
  readonly tunnel: Pick<TunnelClient, 'connect'>
  /** URL of the app inside the workspace. */
  readonly appUrl: URL
  /** Path and query for the app. */
  readonly path: string
  /** Set where our CORS headers take the place of the app's; `origin` may read the answer (AC-214). */
  readonly cors: { readonly origin: string | undefined } | undefined
  /** Whether the `Authorization` header is for us and not for the app. */
  readonly keepsAuthorization: boolean
  /** Whose connection it is, when it becomes one that lasts. */
  readonly opener: Precheck
  /** Takes the connection or answer that has begun, and how to end it. */
  readonly onOpen: (carrier: { once(event: 'close', listener: () => void): unknown }, end: () => void) => void
  /** The same port with and without TLS, for an app that speaks the other one (AC-213). */
  readonly otherForm: NextStep | undefined
}

/**
 * Passes a request through the tunnel to an app and its answer back, byte for byte as they come. A connection
 * becomes a plain pair of streams only once the app has switched protocols: otherwise whoever is in front of us
 * might take it for an ordinary one and send other visitors' requests on it (AC-210…AC-213).
 *
 * @throws AppPageError 502 when nothing answers in the workspace.
 */
export async function proxy(
  request: FastifyRequest,
  reply: FastifyReply,
  streams: OpenStreams,
  target: ProxyTarget,
): Promise<void> {
  const upgrade = streams.isUpgrade(request)
  const left = new AbortController()
  reply.raw.once('close', () => left.abort())
  // A visitor who has left by now is told of by no event any more.
  if (request.raw.socket.destroyed) return
  const stream = await dial(target, left.signal)
  if (left.signal.aborted) {
    stream.destroy()
    return
  }
  await new Promise<void>((resolve, reject) => {
    const upstream = httpRequest({
      method: request.method,
      path: target.path,
      headers: headersFor(request, target.keepsAuthorization),
      createConnection: () => stream,
      setHost: false,
    })
    // The visitor has left before the app answered, or in the middle of it.
    reply.raw.on('close', () => upstream.destroy())
    upstream.on('error', (error) => {
      if (reply.sent) reply.raw.destroy()
      reject(unanswered(target, error))
    })
    // What is thrown in a listener would end the process and not only this request (ID-119).
    const refuse = (reason: string): void => {
      stream.destroy()
      reject(unanswered(target, new Error(reason)))
    }
    upstream.on('upgrade', (response, _socket, head) => {
      if (!upgrade) return refuse('it switched protocols without being asked')
      if (streams.stopping) return refuse('the server is stopping')
      const client = streams.takeSocket(request, reply, target.opener)
      if (client.socket instanceof Socket) client.socket.setKeepAlive(true, KEEP_ALIVE_MS)
      client.socket.write(switchingHead(response))
      if (head.length > 0) client.socket.write(head)
      if (client.head.length > 0) stream.write(client.head)
      splice(client.socket, stream)
      target.onOpen(client.socket, () => client.socket.destroy())
      resolve()
    })
    upstream.on('response', (response) => {
      if ((response.statusCode ?? 0) < 200) return refuse(`its status is ${response.statusCode}`)
      reply.hijack()
      sendHead(reply, response, target)
      response.on('error', () => reply.raw.destroy())
      response.pipe(reply.raw)
      reply.raw.on('close', resolve)
      target.onOpen(reply.raw, () => reply.raw.destroy())
    })
    // Behind the head of an upgrade comes no body, but what the new protocol begins with.
    if (upgrade) upstream.end()
    else request.raw.pipe(upstream)
  })
}

/** Head of an answer, with our own ticket cookie, which may be there already, beside the cookies of the app. */
function sendHead(reply: FastifyReply, response: IncomingMessage, target: ProxyTarget): void {
  const answered = Object.entries(response.headers).flatMap(
    ([name, value]): [string, string | string[]][] => {
      const lower = name.toLowerCase()
      if (value === undefined || HOP_BY_HOP.has(lower) || KEPT_FROM_BROWSERS.has(lower)) return []
      return [[name, lower === 'set-cookie' ? foreignCookies([value].flat()) : value]]
    },
  )
  const headers = target.cors === undefined ? answered : withOurCors(answered, target.cors.origin)
  for (const [name, value] of headers) if (value.length > 0) reply.raw.appendHeader(name, value)
  reply.raw.writeHead(response.statusCode ?? 502)
}

function switchingHead({ rawHeaders, statusMessage }: IncomingMessage): string {
  const lines: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]]
    if (name.toLowerCase() !== 'set-cookie' || foreignCookies([value]).length > 0)
      lines.push(`${name}: ${value}\r\n`)
  }
  return `HTTP/1.1 101 ${statusMessage ?? ''}\r\n${lines.join('')}\r\n`
}

async function dial({ tunnel, appUrl, otherForm }: ProxyTarget, signal: AbortSignal): Promise<Duplex> {
  const tls = appUrl.protocol === 'https:'
  const port = appUrl.port === '' ? (tls ? 443 : 80) : Number(appUrl.port)
  if (port < 9) throw new AppPageError(400, 'Bad port', 'Ports below 9 cannot be reached.')
  const host = appUrl.hostname === 'localhost' ? '127.0.0.1' : appUrl.hostname
  try {
    const stream = await tunnel.connect(`${host}:${port}`, {}, signal)
    // Certificates of apps inside a workspace are made by themselves; the tunnel protects the way there (AC-154).
    return tls ? connectTls({ socket: stream, rejectUnauthorized: false, minVersion: 'TLSv1.2' }) : stream
  } catch (error) {
    throw unanswered({ appUrl, otherForm }, error)
  }
}

function unanswered(
  { appUrl, otherForm }: Pick<ProxyTarget, 'appUrl' | 'otherForm'>,
  error: unknown,
): AppPageError {
  return new AppPageError(
    502,
    'The application does not answer',
    `Nothing answers on ${appUrl.host} in the workspace: ${error instanceof Error ? error.message : String(error)}`,
    isMisunderstanding(error) ? otherForm : undefined,
  )
}

/** Whether something answered, but no TLS where TLS was expected or no HTTP, or hung up over the first words. */
function isMisunderstanding(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(HPE_|ERR_SSL_)/.test(code) || code === 'EPROTO' || code === 'ECONNRESET'
}

/** Headers for the app, spelled as the browser spelled them (AC-212); one that came twice goes on twice. */
function headersFor(request: FastifyRequest, keepsAuthorization: boolean): OutgoingHttpHeaders {
  const { rawHeaders } = request.raw
  const upgrade = request.headers.upgrade !== undefined
  const kept = new Map<string, { readonly name: string; readonly values: string[] }>()
  const keep = (name: string, value: string): void => {
    const lower = name.toLowerCase()
    const before = kept.get(lower)
    if (before === undefined) kept.set(lower, { name, values: [value] })
    else before.values.push(value)
  }
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const lower = name.toLowerCase()
    if (OWN_HEADERS.has(lower) || FORWARDED.has(lower) || lower.startsWith('x-forwarded-')) continue
    if (HOP_BY_HOP.has(lower) && !(upgrade && (lower === 'connection' || lower === 'upgrade'))) continue
    if (lower === 'cookie' || (lower === 'authorization' && keepsAuthorization)) continue
    keep(name, rawHeaders[i + 1] ?? '')
  }
  const cookies = withoutOwnCookies(request.headers.cookie)
  if (cookies !== undefined) keep('Cookie', cookies)
  keep('X-Forwarded-For', forwardedFor(request.raw, request.context.remoteAddress))
  keep('X-Forwarded-Proto', request.context.scheme)
  keep('X-Forwarded-Host', request.context.host)
  return Object.fromEntries(
    [...kept.values()].map(({ name, values }) => [name, values.length === 1 ? values[0] : values]),
  )
}
