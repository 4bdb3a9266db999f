import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { type Duplex, PassThrough, pipeline, type Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

import { createWebSocketStream, type RawData, type WebSocket } from 'ws'

import { bytesOnly } from './bytes-only.ts'
import { SETTINGS, widen } from './limits.ts'
import { TunnelRefusal } from './serve.ts'

/** A request through a tunnel. */
export interface TunnelRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | Readable
  readonly signal?: AbortSignal
}

/** Its answer; the body must be read or destroyed. */
export interface TunnelResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable
}

/** More than the greeting of an end that nobody has asked anything yet. */
const MAX_GREETING_BYTES = 64 * 1024
/** Tells the answers to our own questions from those to the heartbeat of whoever made the connection. */
const MEASURED = Buffer.from('round trip')

/**
 * The asking end of a tunnel: an HTTP/2 client on a WebSocket. HTTP/2 begins with the first request: most tunnels
 * of a server are idle, and until then one costs a WebSocket and no more.
 */
export class TunnelClient implements Disposable {
  /** Resolves when the tunnel is over, whoever ended it. */
  readonly closed: Promise<void>
  readonly #socket: WebSocket
  #session: ClientHttp2Session | undefined
  /** What the other end has said unasked: its settings. */
  #greeting: Buffer[] = []
  #greetingBytes = 0
  #askedAt = 0
  #roundTripMs: number | undefined
  #sentBytes = 0
  #receivedBytes = 0

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', this.#keep)
    socket.on('error', () => socket.terminate())
    socket.on('pong', (data) => {
      if (data.equals(MEASURED)) this.#roundTripMs = performance.now() - this.#askedAt
    })
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#session?.destroy()
        resolve()
      })
    })
  }

  /** Whether requests can still be made. */
  get open(): boolean {
    return this.#session === undefined
      ? this.#socket.readyState === this.#socket.OPEN
      : !this.#session.destroyed && !this.#session.closed
  }

  /** Milliseconds to the other end and back, as {@link measure} has found last; undefined before that. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs
  }

  /** Asks the other end for a sign of life, to know how far away it is. */
  measure(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#askedAt = performance.now()
    this.#socket.ping(MEASURED)
  }

  /** Bytes of requests and byte streams since the last call, with what frames them; a tunnel that nobody uses has none. */
  takeTraffic(): { readonly sent: number; readonly received: number } {
    const traffic = { sent: this.#sentBytes, received: this.#receivedBytes }
    this.#sentBytes = 0
    this.#receivedBytes = 0
    return traffic
  }

  readonly #keep = (data: RawData): void => {
    const bytes = Buffer.isBuffer(data) ? data : undefined
    this.#greetingBytes += bytes?.length ?? 0
    if (bytes === undefined || this.#greetingBytes > MAX_GREETING_BYTES) {
      this.#socket.terminate()
      return
    }
    // A copy of its own: the message is a part of a large block that would stay in memory with it.
    const own = Buffer.alloc(bytes.length)
    bytes.copy(own)
    this.#greeting.push(own)
  }

  #start(): ClientHttp2Session {
    if (this.#session !== undefined) return this.#session
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) throw new Error('the tunnel is over')
    socket.off('message', this.#keep)
    const stream = createWebSocketStream(socket)
    const write = stream._write
    stream._write = (chunk: Buffer, encoding, done) => {
      this.#sentBytes += chunk.length
      write.call(stream, chunk, encoding, done)
    }
    socket.on('message', (data: RawData) => {
      if (Buffer.isBuffer(data)) this.#receivedBytes += data.length
    })
    stream.on('error', () => stream.destroy())
    stream.on('close', () => socket.terminate())
    const session = connectHttp2('http://tunnel', {
      createConnection: () => stream,
      settings: SETTINGS,
      peerMaxConcurrentStreams: SETTINGS.maxConcurrentStreams ?? 100,
    })
    session.on('connect', () => widen(session))
    session.on('error', () => session.destroy())
    session.on('close', () => stream.destroy())
    socket.on('close', () => stream.destroy())
    this.#session = session
    for (const bytes of this.#greeting) socket.emit('message', bytes, true)
    this.#greeting = []
    return session
  }

  /** Makes a request. @throws Error when the tunnel is over before the answer began. */
  async request(request: TunnelRequest): Promise<TunnelResponse> {
    const stream = this.#start().request(
      { ...request.headers, ':method': request.method, ':path': request.path },
      { ...(request.signal === undefined ? {} : { signal: request.signal }) },
    )
    // Read from the start: HTTP/2 destroys a stream that has ended before anybody read it, with its content,
    // and answer, content and end may all come in one packet.
    const body = new PassThrough()
    pipeline(stream, body, () => undefined)
    if (request.body === undefined) stream.end()
    else if (request.body instanceof Uint8Array) stream.end(request.body)
    else request.body.pipe(stream)
    const headers = await answered(stream)
    return { status: Number(headers[':status']), headers: plain(headers), body }
  }

  /**
   * Opens a byte stream to an address inside the workspace. Pipe it, iterate over it, or listen for its data at once.
   *
   * @throws TunnelRefusal when the other end does not open it, Error when the tunnel is over.
   */
  async connect(
    authority: string,
    headers: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<Duplex> {
    const stream = this.#start().request(
      { ...headers, ':method': 'CONNECT', ':authority': authority },
      { endStream: false, ...(signal === undefined ? {} : { signal }) },
    )
    holdOpen(stream)
    const status = Number((await answered(stream))[':status'])
    if (status === 200) {
      // Who listens for data by now expects it to come without further ado; a pipe starts it by itself.
      setImmediate(() => {
        if (stream.listenerCount('data') > 0) stream.resume()
      })
      return bytesOnly(stream)
    }
    stream.end()
    // The status is the answer; the other end may reset the stream before its reason was read.
    const reason = await text(stream).catch(() => '')
    throw new TunnelRefusal(status, reason === '' ? `the connection was refused (status ${status})` : reason)
  }

  [Symbol.dispose](): void {
    this.#session?.destroy()
    this.#socket.terminate()
  }
}

/** Keeps what arrives on a byte stream until somebody reads it, also when it ends before that. */
function holdOpen(stream: ClientHttp2Stream): void {
  stream.pause()
  stream.read(0)
}

function answered(stream: ClientHttp2Stream): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve({ ...headers }))
    stream.once('error', reject)
    stream.once('close', () => reject(new Error('the tunnel was closed before the answer came')))
  })
}

function plain(headers: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !name.startsWith(':'))
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
  )
}
