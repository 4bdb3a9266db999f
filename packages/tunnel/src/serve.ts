import {
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { type Duplex, finished } from 'node:stream'

import { createWebSocketStream, type WebSocket } from 'ws'

import { SETTINGS, widen } from './limits.ts'

/** What the serving end of a tunnel answers. */
export interface TunnelHandlers {
  /** An ordinary request. */
  request(request: Http2ServerRequest, response: Http2ServerResponse): void
  /**
   * A byte stream to `authority`. Resolves to the other end of it.
   *
   * @throws TunnelRefusal to answer with a status of its own; anything else is a 502.
   */
  connect(
    authority: string,
    headers: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal,
  ): Promise<Duplex>
}

/** Why a byte stream was not opened, with the HTTP status that says so. */
export class TunnelRefusal extends Error {
  override readonly name = 'TunnelRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** A tunnel that is being served. */
export interface ServedTunnel extends Disposable {
  /** Resolves when the tunnel is over. */
  readonly closed: Promise<void>
}

/**
 * Serves HTTP/2 on a WebSocket: the other end is the client (see `TunnelClient`). Ordinary requests go to
 * `handlers.request`; `CONNECT` opens a byte stream (RFC 9113 section 8.5).
 */
export function serveTunnel(socket: WebSocket, handlers: TunnelHandlers): ServedTunnel {
  const stream = createWebSocketStream(socket)
  const server = createServer({ settings: SETTINGS })
  let session: ServerHttp2Session | undefined
  server.on('session', (opened) => {
    session = opened
    widen(opened)
    opened.on('error', () => opened.destroy())
    opened.on('close', () => stream.destroy())
  })
  server.on('sessionError', () => stream.destroy())
  server.on('request', (request, response) => handlers.request(request, response))
  server.on('connect', (request: Http2ServerRequest) => {
    void accept(request.stream, request.authority, headersOf(request), handlers)
  })
  // The stream of a closed socket only ends its readable side; the session must not wait for more.
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      session?.destroy()
      stream.destroy()
      resolve()
    })
  })
  stream.on('close', () => socket.terminate())
  stream.on('error', () => stream.destroy())
  server.emit('connection', stream)
  return {
    closed,
    [Symbol.dispose]: () => {
      session?.destroy()
      stream.destroy()
    },
  }
}

function headersOf(request: Http2ServerRequest): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : value?.[0],
    ]),
  )
}

async function accept(
  stream: ServerHttp2Stream,
  authority: string,
  headers: Record<string, string | undefined>,
  handlers: TunnelHandlers,
): Promise<void> {
  const gone = new AbortController()
  stream.on('close', () => gone.abort())
  stream.on('error', () => stream.destroy())
  try {
    const target = await handlers.connect(authority, headers, gone.signal)
    if (stream.destroyed) {
      target.destroy()
      return
    }
    stream.respond({ ':status': 200 })
    splice(stream, target)
  } catch (error) {
    if (stream.destroyed) return
    stream.respond({
      ':status': error instanceof TunnelRefusal ? error.status : 502,
      'content-type': 'text/plain; charset=utf-8',
    })
    stream.end(error instanceof Error ? error.message : String(error))
  }
}

/** Joins two byte streams: ends pass through, a failure of one destroys the other. */
export function splice(a: Duplex, b: Duplex): void {
  a.pipe(b)
  b.pipe(a)
  a.on('error', () => b.destroy())
  b.on('error', () => a.destroy())
  a.on('close', () => follow(a, b))
  b.on('close', () => follow(b, a))
}

/** Ends a stream after the other end has gone: what that has sent is delivered first, unless it was cut off. */
function follow(gone: Duplex, left: Duplex): void {
  if (left.destroyed) return
  if (!gone.readableEnded) {
    left.destroy()
    return
  }
  left.end()
  finished(left, { readable: false }, () => left.destroy())
}
