import { Duplex } from 'node:stream'

import { FLAG, INITIAL_WINDOW, TYPE, YamuxError } from './yamux-frame.ts'

/** Data of one frame at most, so that streams take turns. */
const MAX_FRAME = 64 * 1024

/** What a stream needs of its session. */
export interface StreamCarrier {
  /** Sends a frame; resolves when there is room for the next. */
  send(type: number, flags: number, streamId: number, length: number, data?: Buffer): Promise<void>
  /** The stream is over. */
  forget(streamId: number): void
}

/** One stream of a yamux session: half closes, and back-pressure by windows both ways (AC-52, AC-53, AC-55). */
export class YamuxStream extends Duplex {
  readonly id: number
  readonly #carrier: StreamCarrier
  /** What the next frame has to say beside its content: SYN of who opens, ACK of who accepts. */
  #flags: number
  #arrived: Buffer[] = []
  #remoteEnded = false
  /** What the other end may still send. */
  #receiveWindow = INITIAL_WINDOW
  #consumed = 0
  #sendWindow = INITIAL_WINDOW
  #granted: () => void = () => undefined
  #finSent = false
  #resetHeard = false

  constructor(carrier: StreamCarrier, id: number, opener: boolean) {
    super({ allowHalfOpen: true, readableHighWaterMark: MAX_FRAME, writableHighWaterMark: MAX_FRAME })
    this.#carrier = carrier
    this.id = id
    this.#flags = opener ? FLAG.syn : FLAG.ack
    // A stream that is reset while nobody looks at it must not end the process; who reads or writes hears of it.
    this.on('error', () => undefined)
    void this.#send(TYPE.windowUpdate, 0)
  }

  /** Takes data of a frame. @throws YamuxError when it is more than was granted. */
  receive(data: Buffer): void {
    if (data.length > this.#receiveWindow) throw new YamuxError('a stream has sent more than was granted')
    this.#receiveWindow -= data.length
    if (data.length === 0 || this.destroyed) return
    this.#arrived.push(data)
    this.#deliver()
  }

  /** The other end grants more. */
  grant(delta: number): void {
    this.#sendWindow += delta
    this.#granted()
  }

  /** The other end sends no more. */
  receiveEnd(): void {
    if (this.#remoteEnded) return
    this.#remoteEnded = true
    this.#deliver()
  }

  /** The other end has given up. */
  receiveReset(): void {
    this.#resetHeard = true
    this.destroy(this.#remoteEnded && this.writableFinished ? undefined : new Error('the stream was reset'))
  }

  #wanted = false

  override _read(): void {
    this.#wanted = true
    this.#deliver()
  }

  #deliver(): void {
    while (this.#wanted) {
      const piece = this.#arrived.shift()
      if (piece === undefined) break
      this.#consumed += piece.length
      this.#wanted = this.push(piece)
    }
    if (this.#arrived.length === 0 && this.#remoteEnded) {
      this.push(null)
      return
    }
    if (this.#consumed < INITIAL_WINDOW / 2 || this.destroyed) return
    const delta = this.#consumed
    this.#consumed = 0
    this.#receiveWindow += delta
    void this.#send(TYPE.windowUpdate, delta)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#writeAll(chunk).then(
      () => done(),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    )
  }

  async #writeAll(chunk: Buffer): Promise<void> {
    let rest = chunk
    while (rest.length > 0) {
      while (this.#sendWindow <= 0 && !this.destroyed)
        await new Promise<void>((resolve) => {
          this.#granted = resolve
        })
      if (this.destroyed) throw new Error('the stream is over')
      const part = rest.subarray(0, Math.min(rest.length, this.#sendWindow, MAX_FRAME))
      rest = rest.subarray(part.length)
      this.#sendWindow -= part.length
      await this.#send(TYPE.data, part.length, part)
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finSent = true
    this.#flags |= FLAG.fin
    this.#send(TYPE.windowUpdate, 0).then(() => done(), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#arrived = []
    this.#granted()
    if (!this.#resetHeard && !(this.#finSent && this.#remoteEnded)) {
      this.#flags |= FLAG.rst
      void this.#send(TYPE.windowUpdate, 0)
    }
    this.#carrier.forget(this.id)
    done(error)
  }

  #send(type: number, length: number, data?: Buffer): Promise<void> {
    const flags = this.#flags
    this.#flags = 0
    return this.#carrier.send(type, flags, this.id, length, data)
  }
}
