import type { Readable } from 'node:stream'

import { type Frame, type FrameLimits, FrameReader } from './frames.ts'

/** The frames that come over a stream of bytes. It is read no faster than they are taken. */
export class FrameStream {
  readonly #chunks: AsyncIterator<unknown>
  readonly #reader: FrameReader

  /** @param head what has come already. */
  constructor(stream: Readable, head: Buffer, limits: FrameLimits) {
    this.#chunks = stream[Symbol.asyncIterator]()
    this.#reader = new FrameReader(limits)
    this.#reader.push(head)
  }

  /** What frames may be from now on, those that have come and are not taken yet too. */
  set limits(limits: FrameLimits) {
    this.#reader.limits = limits
  }

  /** A frame that has come; undefined when {@link more} must come first. @throws FrameError. */
  next(): Frame | undefined {
    return this.#reader.next()
  }

  /** Waits for more bytes. @returns how many have come; 0 when the stream is over, however it ended. */
  async more(): Promise<number> {
    try {
      const { value, done } = await this.#chunks.next()
      if (done === true || !Buffer.isBuffer(value)) return 0
      this.#reader.push(value)
      return value.length
    } catch {
      // The peer is gone, or was cut off.
      return 0
    }
  }
}

/** Takes all frames until the stream is over. @throws FrameError, and what `take` throws. */
export async function readAll(frames: FrameStream, take: (frame: Frame) => void): Promise<void> {
  do {
    for (let next = frames.next(); next !== undefined; next = frames.next()) take(next)
  } while ((await frames.more()) > 0)
}
