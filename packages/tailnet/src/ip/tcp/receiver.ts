import { ByteQueue } from './byte-queue.ts'
import { Reassembly } from './reassembly.ts'
import type { Range } from './segment.ts'

/** How many bytes a connection keeps for a reader who does not come. */
export const RECEIVE_LIMIT = 1024 * 1024

// Less than this is not worth telling: it would only invite small segments (RFC 9293, 3.8.6.2.2).
const WINDOW_STEP = 4 * 1220

/** The receiving half of a connection. Offsets count from the peer's SYN, which is 0. */
export class Receiver {
  /** Bytes in order that nobody has read. */
  readonly queue = new ByteQueue(1)
  readonly #reassembly = new Reassembly()
  #next = 1
  #windowEnd = 1 + RECEIVE_LIMIT
  #finAt: number | undefined

  /** The first offset that is missing. */
  get next(): number {
    return this.#next
  }

  /** The first offset that the peer was not invited to send. */
  get windowEnd(): number {
    return this.#windowEnd
  }

  /** Whether the peer has said everything. */
  get isComplete(): boolean {
    return this.#finAt !== undefined && this.#next > this.#finAt
  }

  /** Whether the reader made enough room to tell the peer of it. */
  get hasNews(): boolean {
    const step = Math.min(WINDOW_STEP, RECEIVE_LIMIT / 2)
    return !this.isComplete && this.queue.start + RECEIVE_LIMIT - this.#windowEnd >= step
  }

  /** The window to announce now. */
  announce(): number {
    if (this.hasNews) this.#windowEnd = this.queue.start + RECEIVE_LIMIT
    return Math.max(0, this.#windowEnd - this.#next)
  }

  /** What is here beyond a gap. */
  ranges(): Range[] {
    return this.#reassembly.isEmpty ? [] : this.#reassembly.ranges()
  }

  /**
   * Takes bytes, and the FIN behind them.
   *
   * @returns whether they were new and in order, so that their acknowledgement may wait for a second segment.
   */
  receive(start: number, payload: Buffer, fin: boolean): boolean {
    const end = Math.min(start + payload.length, this.#windowEnd, this.#finAt ?? Number.POSITIVE_INFINITY)
    if (fin && end === start + payload.length) this.#finAt = end
    const from = Math.max(start, this.#next)
    const mayWait = from === this.#next && from < end && this.#reassembly.isEmpty
    if (from < end) {
      const bytes = payload.subarray(from - start, end - start)
      if (from === this.#next) this.#append(bytes)
      else this.#reassembly.add(from, bytes)
    }
    for (let bytes = this.#reassembly.take(this.#next); bytes !== undefined; ) {
      this.#append(bytes)
      bytes = this.#reassembly.take(this.#next)
    }
    if (this.#finAt === this.#next) this.#next += 1
    return mayWait && !this.isComplete
  }

  #append(bytes: Buffer): void {
    this.queue.append(bytes)
    this.#next += bytes.length
  }
}
