import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

import type { FastifyReply, FastifyRequest } from 'fastify'
import { type WebSocket, WebSocketServer } from 'ws'

import { holdBack } from '@slipway/tunnel'
import { ApiError } from '../errors/index.ts'
import { chargeCpu } from '../profile-labels/index.ts'
import type { Precheck } from './precheck.ts'
import { asSocket, refusalResponse } from './refusal-response.ts'
import { cpuAccountOf } from './request-context.ts'
import { type KeyJudge, StreamOwners } from './stream-owners.ts'

const HEARTBEAT_MS = 15_000
const CLOSE_MS = 1_000
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024
/** A watcher that lets this much pile up is cut off: it can connect again and read the present state. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024

interface PendingUpgrade {
  readonly socket: Duplex
  readonly head: Buffer
  readonly response: ServerResponse
}

/** Who routes upgrade requests, and who wants to know what becomes of them. */
interface UpgradeHandling {
  route(request: IncomingMessage, response: ServerResponse): void
  /** The request has become a WebSocket, or a proxied connection, that `carrier` carries. */
  opened(request: FastifyRequest, carrier: { on(event: 'close', listener: () => void): unknown }): void
  /** What became of a heartbeat. */
  probed(route: string, result: ProbeResult): void
}

/**
 * A heartbeat was answered, or not before the next one; or before either the peer went, we ended the connection or it
 * failed.
 */
export type ProbeResult = 'ok' | 'timeout' | 'peer_closed' | 'canceled' | 'error'

/** A stream of `{type, data}` events to one client, over SSE or a WebSocket (WS-200). */
export interface EventStream {
  /** Sends one event; a client that cannot keep up is cut off. */
  send(type: 'ping' | 'data' | 'error', data?: unknown): void
  /** Ends it from our side. */
  close(): void
  /** Aborted when the stream is over, whoever ended it. */
  readonly closed: AbortSignal
}

/**
 * All connections that outlive their request: WebSockets, proxied connections and server-sent events. Sends
 * heartbeats, cuts off peers that do not answer them, and ends everything at shutdown (OP-32).
 */
export class OpenStreams implements AsyncDisposable {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  })
  readonly #pending = new WeakMap<IncomingMessage, PendingUpgrade>()
  /** Sockets of all upgrade requests: nobody else knows of them once Node has handed them over. */
  readonly #upgrades = new Set<Duplex>()
  /** Those of them that a proxy has taken. */
  readonly #taken = new Set<Duplex>()
  readonly #alive = new WeakSet<WebSocket>()
  readonly #routes = new WeakMap<WebSocket, string>()
  /** Why a connection ends, where that is not its peer's doing. */
  readonly #ends = new WeakMap<WebSocket, 'canceled' | 'error'>()
  #handling: UpgradeHandling | undefined
  readonly #events = new Set<EventStream>()
  readonly #answers = new Set<ServerResponse>()
  readonly #owners: StreamOwners
  readonly #heartbeat: NodeJS.Timeout
  #stopping = false

  /** A peer has `heartbeatMs` to answer a ping; ends of keys are looked for every `sweepMs`. */
  constructor(heartbeatMs = HEARTBEAT_MS, sweepMs?: number) {
    this.#owners = new StreamOwners(sweepMs)
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs).unref()
  }

  /** Whether the server stops, so that nothing new may begin. */
  get stopping(): boolean {
    return this.#stopping
  }

  /**
   * Lets upgrade requests pass the same pipeline as all others: they get a response object of their own, and
   * the handler decides with {@link accept} whether they become a WebSocket.
   *
   * @returns what makes a listener hand them over.
   */
  attach(handling: UpgradeHandling): (server: Server) => void {
    this.#handling = handling
    return (server) =>
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        socket.on('error', () => socket.destroy())
        this.#upgrades.add(socket)
        socket.on('close', () => this.#upgrades.delete(socket))
        const response = refusalResponse(request, socket)
        this.#pending.set(request, { socket, head, response })
        handling.route(request, response)
      })
  }

  /**
   * Turns the request into a WebSocket.
   *
   * @throws ApiError 426 when it is no upgrade, 503 while the server stops. Error when the handshake is refused,
   * which answers the client.
   */
  async accept(request: FastifyRequest, reply: FastifyReply): Promise<WebSocket> {
    const pending = this.#pending.get(request.raw)
    if (pending === undefined)
      throw new ApiError(426, 'This endpoint speaks WebSocket: connect with a WebSocket client.', {
        headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
      })
    if (this.#stopping) throw new ApiError(503, 'The server is stopping. Try again in a moment.')
    reply.hijack()
    this.#pending.delete(request.raw)
    detach(pending)
    return new Promise((resolve, reject) => {
      const refused = (): void => reject(new Error('the WebSocket handshake was not completed'))
      pending.socket.once('close', refused)
      this.#sockets.handleUpgrade(request.raw, asSocket(pending.socket), pending.head, (socket) => {
        pending.socket.off('close', refused)
        resolve(this.#adopt(request, socket))
      })
    })
  }

  /** Watches over a new WebSocket. Nothing here holds on to the request, which would stay as long as the socket. */
  #adopt(request: FastifyRequest, socket: WebSocket): WebSocket {
    const { route } = request.context
    this.#alive.add(socket)
    this.#routes.set(socket, route)
    socket.on('pong', () => {
      this.#alive.add(socket)
      this.#handling?.probed(route, 'ok')
    })
    // A peer that breaks the protocol is closed by the library; the error has nothing more to say.
    socket.on('error', () => {
      this.#ends.set(socket, 'error')
      socket.terminate()
    })
    socket.on('close', () => {
      if (!this.#alive.has(socket)) this.#handling?.probed(route, this.#ends.get(socket) ?? 'peer_closed')
    })
    const end = (): void => {
      this.#ends.set(socket, 'canceled')
      closeSoon(socket, 1008, 'the session has ended')
    }
    this.#own(request, request.context.precheck, socket, end)
    this.#handling?.opened(request, socket)
    // Before whoever reads them (OP-93).
    const account = cpuAccountOf(request.context)
    socket.on('message', () => chargeCpu(account))
    holdBack(socket)
    return socket
  }

  /**
   * Hands the bare socket of an upgrade request to a proxy.
   *
   * @param opener whose connection it is: an app may have been opened with another key than the API's.
   * @throws ApiError 426.
   */
  takeSocket(
    request: FastifyRequest,
    reply: FastifyReply,
    opener: Precheck,
  ): { readonly socket: Duplex; readonly head: Buffer } {
    const pending = this.#pending.get(request.raw)
    if (pending === undefined) throw new ApiError(426, 'This request is not an upgrade.')
    reply.hijack()
    this.#pending.delete(request.raw)
    detach(pending)
    this.#taken.add(pending.socket)
    pending.socket.on('close', () => this.#taken.delete(pending.socket))
    this.#own(request, opener, pending.socket, () => pending.socket.destroy())
    this.#handling?.opened(request, pending.socket)
    return pending
  }

  /** Whether the request asks to be upgraded and has not been answered yet. */
  isUpgrade(request: FastifyRequest): boolean {
    return this.#pending.has(request.raw)
  }

  /** Answers with events: over a WebSocket when the request is an upgrade, else as `text/event-stream`. */
  async events(request: FastifyRequest, reply: FastifyReply): Promise<EventStream> {
    const socket = this.isUpgrade(request)
    const stream = socket ? socketEvents(await this.accept(request, reply)) : serverSentEvents(reply)
    this.#events.add(stream)
    if (!socket) this.#own(request, request.context.precheck, reply.raw, () => stream.close())
    stream.closed.addEventListener('abort', () => this.#events.delete(stream), { once: true })
    if (this.#stopping) stream.close()
    return stream
  }

  /** Watches over an answer that streams in a format of its own: it ends with its key, and when the server stops. */
  adoptAnswer(request: FastifyRequest, response: ServerResponse): void {
    this.#answers.add(response)
    response.on('close', () => this.#answers.delete(response))
    this.#own(request, request.context.precheck, response, () => void response.end())
    if (this.#stopping) response.end()
  }

  /** Watches over work for a request that may outlive it: `end` is called when its key ends before the work is over. */
  watch(request: FastifyRequest, end: () => void): Disposable {
    let over = (): void => undefined
    this.#own(
      request,
      request.context.precheck,
      {
        on: (_event, listener) => {
          over = listener
        },
      },
      end,
    )
    return { [Symbol.dispose]: () => over() }
  }

  /** Whether the user of a request, or everybody, was told of an ended key since it began. */
  mayHaveEnded({ context: { precheck, startedTick } }: FastifyRequest): boolean {
    return precheck.ok && this.#owners.toldSince(startedTick, precheck.owner.id)
  }

  #own(
    { context: { startedTick } }: FastifyRequest,
    precheck: Precheck,
    carrier: { on(event: 'close', listener: () => void): unknown },
    end: () => void,
  ): void {
    this.#owners.own(startedTick, precheck, carrier, end)
  }

  /** Says how to find out how long a key is good. */
  judgeKeys(judge: KeyJudge): void {
    this.#owners.judgeKeys(judge)
  }

  /** Ends the streams of a user, or of everybody, whose keys are not good any more (ID-215). */
  endStale(userId: string | undefined): Promise<void> {
    return this.#owners.endStale(userId)
  }

  #beat(): void {
    for (const socket of this.#sockets.clients) {
      if (!this.#alive.has(socket)) {
        this.#handling?.probed(this.#routes.get(socket) ?? 'UNKNOWN', 'timeout')
        // Its heartbeat is accounted for.
        this.#alive.add(socket)
        socket.terminate()
        continue
      }
      this.#alive.delete(socket)
      socket.ping()
    }
    for (const stream of this.#events) stream.send('ping')
  }

  /** Cuts what is still open of upgrade requests, those without an answer yet too. */
  cut(): void {
    for (const socket of this.#upgrades) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    clearInterval(this.#heartbeat)
    this.#owners[Symbol.dispose]()
    for (const stream of this.#events) stream.close()
    for (const response of this.#answers) response.end()
    // Nobody here knows how to say goodbye in the protocol of an app.
    for (const socket of this.#taken) socket.destroy()
    const clients = [...this.#sockets.clients]
    for (const socket of clients) {
      this.#ends.set(socket, 'canceled')
      socket.close(1001, 'the server is stopping')
    }
    const cut = setTimeout(() => {
      for (const socket of clients) socket.terminate()
    }, 2_000)
    await Promise.all(
      clients.map((socket) =>
        socket.readyState === socket.CLOSED
          ? undefined
          : new Promise((resolve) => socket.once('close', resolve)),
      ),
    )
    clearTimeout(cut)
    this.#sockets.close()
  }
}

/**
 * Closes a WebSocket, and cuts it off when its peer does not agree at once: what such a peer says in the meantime
 * would still be heard.
 */
export function closeSoon(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason)
  const cut = setTimeout(() => socket.terminate(), CLOSE_MS)
  socket.on('close', () => clearTimeout(cut))
}

function detach(pending: PendingUpgrade): void {
  pending.response.removeAllListeners('finish')
  pending.response.detachSocket(asSocket(pending.socket))
}

function serverSentEvents(reply: FastifyReply): EventStream {
  const { raw } = reply
  const ended = new AbortController()
  reply.hijack()
  const headers = Object.fromEntries(
    Object.entries(reply.getHeaders()).filter((entry) => entry[1] !== undefined),
  )
  raw.writeHead(200, {
    ...headers,
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache',
    'X-Accel-Buffering': 'no',
  })
  raw.flushHeaders()
  raw.on('close', () => ended.abort())
  return {
    closed: ended.signal,
    send(type, data) {
      if (ended.signal.aborted) return
      if (raw.writableLength > MAX_BACKLOG_BYTES) {
        raw.destroy()
        return
      }
      raw.write(`event: ${type}\n${data === undefined ? '' : `data: ${JSON.stringify(data)}\n`}\n`)
    },
    close: () => void raw.end(),
  }
}

function socketEvents(socket: WebSocket): EventStream {
  const ended = new AbortController()
  socket.on('close', () => ended.abort())
  // Clients have nothing to say here (WS-200).
  socket.on('message', () => socket.close(1002, 'this stream takes no messages'))
  return {
    closed: ended.signal,
    send(type, data) {
      if (socket.readyState !== socket.OPEN) return
      if (socket.bufferedAmount > MAX_BACKLOG_BYTES) {
        socket.terminate()
        return
      }
      socket.send(JSON.stringify(data === undefined ? { type } : { type, data }))
    },
    close: () => socket.close(1000),
  }
}
