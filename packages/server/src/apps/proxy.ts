import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'

import type { FastifyReply, FastifyRequest } from 'fastify'

import { splice, type TunnelClient } from '@slipway/tunnel'
import { type OpenStreams, withoutOwnCookies } from '../edge/index.ts'
import { withOurCors } from './cors.ts'
import { AppPageError } from './error-page.ts'

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
const OWN_HEADERS = new Set(['coder-session-token', 'x-csrf-token'])

/** Where a request goes. */
export interface ProxyTarget {
  readonly tunnel: TunnelClient
  /** URL of the app inside the workspace. */
  readonly appUrl: URL
  /** Path and query for the app. */
  readonly path: string
  /** Set where our CORS headers take the place of the app's; `origin` may read the answer (AC-214). */
  readonly cors: { readonly origin: string | undefined } | undefined
}

/**
 * Passes a request through the tunnel to an app and its answer back, byte for byte as they come; WebSockets
 * become a plain pair of streams (AC-210…AC-213).
 *
 * @throws AppPageError 502 when nothing answers in the workspace.
 */
export async function proxy(
  request: FastifyRequest,
  reply: FastifyReply,
  streams: OpenStreams,
  target: ProxyTarget,
): Promise<void> {
  const stream = await dial(target)
  const headers = headersFor(request)
  if (streams.isUpgrade(request)) {
    const { socket, head } = streams.takeSocket(request, reply)
    stream.write(upgradeHead(request, target.path, headers))
    if (head.length > 0) stream.write(head)
    splice(socket, stream)
    return
  }
  await new Promise<void>((resolve, reject) => {
    const upstream = httpRequest({
      method: request.method,
      path: target.path,
      headers: Object.fromEntries(headers),
      createConnection: () => stream,
      setHost: false,
    })
    upstream.on('error', (error) => {
      if (reply.sent) reply.raw.destroy()
      reject(unanswered(target, error))
    })
    upstream.on('response', (response) => {
      reply.hijack()
      const answered = Object.entries(response.headers).filter(
        (entry): entry is [string, string | string[]] =>
          entry[1] !== undefined && !HOP_BY_HOP.has(entry[0].toLowerCase()),
      )
      const headers = target.cors === undefined ? answered : withOurCors(answered, target.cors.origin)
      // Our own ticket cookie may be there already: cookies of the app come beside it.
      for (const [name, value] of headers) reply.raw.appendHeader(name, value)
      reply.raw.writeHead(response.statusCode ?? 502)
      response.on('error', () => reply.raw.destroy())
      response.pipe(reply.raw)
      reply.raw.on('close', () => {
        upstream.destroy()
        resolve()
      })
    })
    // The visitor has left before the app answered.
    request.raw.on('close', () => {
      if (!request.raw.complete) upstream.destroy()
    })
    request.raw.pipe(upstream)
  })
}

async function dial({ tunnel, appUrl }: ProxyTarget): Promise<Duplex> {
  const tls = appUrl.protocol === 'https:'
  const port = appUrl.port === '' ? (tls ? 443 : 80) : Number(appUrl.port)
  if (port < 9) throw new AppPageError(400, 'Bad port', 'Ports below 9 cannot be reached.')
  const host = appUrl.hostname === 'localhost' ? '127.0.0.1' : appUrl.hostname
  try {
    const stream = await tunnel.connect(`${host}:${port}`)
    // Certificates of apps inside a workspace are made by themselves; the tunnel protects the way there.
    return tls ? connectTls({ socket: stream, rejectUnauthorized: false }) : stream
  } catch (error) {
    throw unanswered({ appUrl }, error)
  }
}

function unanswered({ appUrl }: Pick<ProxyTarget, 'appUrl'>, error: unknown): AppPageError {
  return new AppPageError(
    502,
    'The application does not answer',
    `Nothing answers on ${appUrl.host} in the workspace: ${error instanceof Error ? error.message : String(error)}`,
  )
}

/** Headers for the app, spelled as the browser spelled them (AC-212). */
function headersFor(request: FastifyRequest): [string, string][] {
  const { rawHeaders } = request.raw
  const upgrade = request.headers.upgrade !== undefined
  const kept: [string, string][] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const lower = name.toLowerCase()
    if (OWN_HEADERS.has(lower) || lower.startsWith('x-forwarded-')) continue
    if (HOP_BY_HOP.has(lower) && !(upgrade && (lower === 'connection' || lower === 'upgrade'))) continue
    if (lower === 'cookie') continue
    kept.push([name, rawHeaders[i + 1] ?? ''])
  }
  const cookies = withoutOwnCookies(request.headers.cookie)
  if (cookies !== undefined) kept.push(['Cookie', cookies])
  kept.push(['X-Forwarded-For', request.context.remoteAddress])
  kept.push(['X-Forwarded-Proto', request.context.scheme])
  kept.push(['X-Forwarded-Host', request.context.host])
  return kept
}

function upgradeHead(
  request: FastifyRequest,
  path: string,
  headers: readonly (readonly [string, string])[],
): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `${request.method} ${path} HTTP/1.1\r\n${lines}\r\n`
}

/** Whether a browser asks for a page, as against a script or an image. */
export function wantsPage(headers: IncomingHttpHeaders): boolean {
  return headers.accept?.includes('text/html') === true
}
