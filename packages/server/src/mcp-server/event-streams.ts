import type { ServerResponse } from 'node:http'

import type { FastifyReply, FastifyRequest } from 'fastify'

import type { OpenStreams } from '../edge/index.ts'

const KEEP_ALIVE_MS = 15_000
/** A client that lets this much pile up is cut off. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024

/** An answer as server-sent events. */
export interface SseStream {
  /** Sends a message, with the id under which the stream can go on behind it; an empty one only tells the id. */
  send(text: string, id?: number): void
  end(): void
  /** Whether the client is still there. */
  readonly open: boolean
}

/** All streams of server-sent events to MCP clients: kept alive, and ended with their keys and with the server. */
export class EventStreams implements Disposable {
  readonly #streams: OpenStreams
  readonly #open = new Set<ServerResponse>()
  readonly #timer: NodeJS.Timeout

  constructor(streams: OpenStreams) {
    this.#streams = streams
    this.#timer = setInterval(() => {
      for (const response of this.#open) response.write(': keep-alive\n\n')
    }, KEEP_ALIVE_MS).unref()
  }

  /** Calls `end` when the key of a request ends before the work for it is over. */
  watch(request: FastifyRequest, end: () => void): Disposable {
    return this.#streams.watch(request, end)
  }

  /** Whether the key of a request may have ended since it began. */
  mayHaveEnded(request: FastifyRequest): boolean {
    return this.#streams.mayHaveEnded(request)
  }

  /** Answers a request with events. `closed` is called once when the stream is over, whoever ended it. */
  begin(request: FastifyRequest, reply: FastifyReply, closed: () => void): SseStream {
    const response = this.adopt(request, reply)
    this.#open.add(response)
    response.on('close', () => {
      this.#open.delete(response)
      closed()
    })
    return new AnswerEvents(response)
  }

  /** Begins an answer with events that somebody else writes and keeps alive. */
  adopt(request: FastifyRequest, reply: FastifyReply): ServerResponse {
    const response = reply.raw
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) response.setHeader(name, value)
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    })
    response.flushHeaders()
    this.#streams.adoptAnswer(request, response)
    return response
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

/** A class: with an accessor of its own each stream would have a shape of its own, and thousands may be open. */
class AnswerEvents implements SseStream {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get open(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded
  }

  send(text: string, id?: number): void {
    if (!this.open) return
    if (this.#response.writableLength > MAX_BACKLOG_BYTES) {
      this.#response.destroy()
      return
    }
    const from = id === undefined ? '' : `id: ${id}\n`
    this.#response.write(
      text === '' ? `${from}retry: 1000\ndata: \n\n` : `${from}event: message\ndata: ${text}\n\n`,
    )
  }

  end(): void {
    this.#response.end()
  }
}
