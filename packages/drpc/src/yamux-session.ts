import type { Duplex } from 'node:stream'

import { ByteQueue } from './byte-queue.ts'
import {
  decodeHead,
  encodeHead,
  FLAG,
  GO_AWAY,
  HEAD_BYTES,
  type Head,
  INITIAL_WINDOW,
  TYPE,
  YamuxError,
} from './yamux-frame.ts'
import { type StreamCarrier, YamuxStream } from './yamux-stream.ts'

/** How often the other end is asked for a sign of life, which it has to give before the next time (AC-21, AC-54). */
const KEEPALIVE_MS = 30_000
/** What was written before the end of a session may take this long to go out (AC-54). */
const LINGER_MS = 10_000
/** Streams that are open at once. */
const MAX_STREAMS = 1_024

/** How a session is set up. */
interface SessionOptions {
  /** Who has dialled is the client: it opens the odd streams (AC-51). */
  readonly role: 'client' | 'server'
  /** Called with each stream that the other end opens; without it they are refused. */
  readonly onStream?: (stream: YamuxStream) => void
  readonly keepaliveMs?: number
}

/**
 * Many streams on one (AC-50 to AC-55). The session ends with its carrier, and when the other end breaks the
 * rules or does not answer pings.
 */
export class YamuxSession implements Disposable, StreamCarrier {
  /** Resolves when the session is over, with why if it failed. */
  readonly closed: Promise<Error | undefined>
  readonly #link: Duplex
  readonly #options: SessionOptions
  readonly #streams = new Map<number, YamuxStream>()
  readonly #queue = new ByteQueue()
  readonly #keepalive: NodeJS.Timeout
  readonly #room: (() => void)[] = []
  #head: Head | undefined
  #nextId: number
  #lastRemoteId = 0
  #pingId = 0
  #unanswered: number | undefined
  #failure: Error | undefined
  #over = false
  #remoteGoesAway = false

  constructor(link: Duplex, options: SessionOptions) {
    this.#link = link
    this.#options = options
    this.#nextId = options.role === 'client' ? 1 : 2
    this.#keepalive = setInterval(() => this.#ping(), options.keepaliveMs ?? KEEPALIVE_MS).unref()
    this.closed = new Promise((resolve) => {
      link.once('close', () => {
        this.#end()
        resolve(this.#failure)
      })
    })
    link.on('error', (error: Error) => {
      this.#failure ??= error
      link.destroy()
    })
    link.on('end', () => link.destroy())
    link.on('drain', () => {
      for (const wake of this.#room.splice(0)) wake()
    })
    link.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  /** Opens a stream. @throws Error when the session is over or may have no more. */
  open(): YamuxStream {
    if (this.#over || this.#remoteGoesAway) throw new Error('the session is over')
    if (this.#streams.size >= MAX_STREAMS) throw new Error('the session has too many streams')
    const stream = new YamuxStream(this, this.#nextId, true)
    this.#nextId += 2
    this.#streams.set(stream.id, stream)
    return stream
  }

  async send(type: number, flags: number, streamId: number, length: number, data?: Buffer): Promise<void> {
    if (this.#over) return
    const head = encodeHead({ type, flags, streamId, length })
    const hasRoom = this.#link.write(data === undefined ? head : Buffer.concat([head, data]))
    if (hasRoom) return
    await new Promise<void>((resolve) => {
      this.#room.push(resolve)
    })
  }

  forget(streamId: number): void {
    this.#streams.delete(streamId)
  }

  #receive(chunk: Buffer): void {
    this.#queue.push(chunk)
    try {
      while (!this.#over && this.#next());
    } catch (error) {
      this.#fail(error instanceof YamuxError ? GO_AWAY.protocolError : GO_AWAY.internalError, error)
    }
  }

  /** Takes one frame, or what is there of its data; false when there is not enough. */
  #next(): boolean {
    if (this.#head === undefined) {
      if (this.#queue.length < HEAD_BYTES) return false
      const head = decodeHead(this.#queue.take(HEAD_BYTES))
      // Larger ones break a window for certain: nothing of them is kept.
      if (head.type === TYPE.data && head.length > INITIAL_WINDOW)
        throw new YamuxError('a frame is larger than any window')
      if (head.type !== TYPE.data) {
        this.#control(head)
        return true
      }
      this.#head = head
    }
    if (this.#queue.length < this.#head.length) return false
    const head = this.#head
    this.#head = undefined
    // A copy of its own: data wait for who reads them, and would keep whole messages in memory.
    const data = Buffer.from(this.#queue.take(head.length))
    const stream = this.#streamOf(head)
    stream?.receive(data)
    this.#finish(head, stream)
    return true
  }

  #control(head: Head): void {
    if (head.type === TYPE.ping) {
      if ((head.flags & FLAG.syn) !== 0) void this.send(TYPE.ping, FLAG.ack, 0, head.length)
      else if (head.length === this.#unanswered) this.#unanswered = undefined
      return
    }
    if (head.type === TYPE.goAway) {
      this.#remoteGoesAway = true
      if (head.length !== GO_AWAY.normal)
        this.#fail(GO_AWAY.normal, new Error(`the other end has given up the session (code ${head.length})`))
      return
    }
    const stream = this.#streamOf(head)
    stream?.grant(head.length)
    this.#finish(head, stream)
  }

  #streamOf({ flags, streamId }: Head): YamuxStream | undefined {
    if ((flags & FLAG.syn) !== 0) return this.#accept(streamId)
    return this.#streams.get(streamId)
  }

  #accept(streamId: number): YamuxStream | undefined {
    const isTheirs = streamId % 2 === (this.#options.role === 'server' ? 1 : 0)
    if (!isTheirs || streamId <= this.#lastRemoteId)
      throw new YamuxError(`stream ${streamId} cannot be opened by the other end`)
    this.#lastRemoteId = streamId
    if (this.#options.onStream === undefined || this.#streams.size >= MAX_STREAMS) {
      void this.send(TYPE.windowUpdate, FLAG.rst, streamId, 0)
      return undefined
    }
    const stream = new YamuxStream(this, streamId, false)
    this.#streams.set(streamId, stream)
    this.#options.onStream(stream)
    return stream
  }

  #finish({ flags }: Head, stream: YamuxStream | undefined): void {
    if ((flags & FLAG.fin) !== 0) stream?.receiveEnd()
    if ((flags & FLAG.rst) !== 0) stream?.receiveReset()
  }

  #ping(): void {
    if (this.#unanswered !== undefined) {
      this.#fail(GO_AWAY.internalError, new Error('ping timeout'))
      return
    }
    this.#pingId = (this.#pingId + 1) >>> 0
    this.#unanswered = this.#pingId
    void this.send(TYPE.ping, FLAG.syn, 0, this.#pingId)
  }

  #fail(code: number, error: unknown): void {
    if (this.#over) return
    this.#failure ??= error instanceof Error ? error : new Error(String(error))
    void this.send(TYPE.goAway, 0, 0, code)
    this[Symbol.dispose]()
  }

  #end(): void {
    this.#over = true
    clearInterval(this.#keepalive)
    for (const wake of this.#room.splice(0)) wake()
    for (const stream of this.#streams.values()) stream.receiveReset()
  }

  /** Ends the session with all its streams; what was written before goes out first. */
  [Symbol.dispose](): void {
    if (this.#over) return
    void this.send(TYPE.goAway, 0, 0, GO_AWAY.normal)
    this.#over = true
    const link = this.#link
    const cut = setTimeout(() => link.destroy(), LINGER_MS).unref()
    link.once('close', () => clearTimeout(cut))
    link.end(() => link.destroy())
    this.#end()
  }
}
