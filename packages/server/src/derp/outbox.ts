import type { Writable } from 'node:stream'

/** Packets that wait for a slow client; when more come the oldest is dropped (AC-166). */
const MAX_FRAMES = 512
/** Memory is bounded too: this is more than {@link MAX_FRAMES} packets of WireGuard. */
const MAX_BYTES = 8 * 1024 * 1024
/** How long a client may take nothing of what it is sent (AC-165). */
const WRITE_TIMEOUT_MS = 2_000

/** What waits to be sent: control frames first, then the packets by which peers find each other, then all others. */
type Lane = 'control' | 'disco' | 'packet'
const LANES: readonly Lane[] = ['control', 'disco', 'packet']

class Queue {
  readonly #frames: Buffer[] = []
  #bytes = 0

  /** Adds one at the end. @returns how many had to go for it. */
  add(frame: Buffer): number {
    this.#frames.push(frame)
    this.#bytes += frame.length
    let dropped = 0
    while (this.#frames.length > MAX_FRAMES || this.#bytes > MAX_BYTES) {
      this.take()
      dropped += 1
    }
    return dropped
  }

  take(): Buffer | undefined {
    const frame = this.#frames.shift()
    this.#bytes -= frame?.length ?? 0
    return frame
  }

  /** @returns how many there were. */
  clear(): number {
    this.#bytes = 0
    return this.#frames.splice(0).length
  }
}

/** Who wants to know of packets that are lost, and of a client that takes nothing any more. */
export interface OutboxWatcher {
  dropped(reason: 'queue_full' | 'gone', count: number): void
  stalled(): void
}

/** What is sent to one client, in bounded queues: nobody who sends to it ever waits for it (AC-166). */
export class Outbox implements Disposable {
  readonly #stream: Writable
  readonly #watcher: OutboxWatcher
  readonly #queues = { control: new Queue(), disco: new Queue(), packet: new Queue() }
  readonly #timeoutMs: number
  /** What else there is to send when nothing waits, one frame at a time. */
  refill: (() => Buffer | undefined) | undefined
  #timer: NodeJS.Timeout | undefined
  #waits = false
  #corked = false
  #closed = false

  constructor(stream: Writable, watcher: OutboxWatcher, timeoutMs = WRITE_TIMEOUT_MS) {
    this.#stream = stream
    this.#watcher = watcher
    this.#timeoutMs = timeoutMs
    stream.on('drain', () => this.#drained())
  }

  /** Sends a frame as soon as the client takes it. */
  send(frame: Buffer, lane: Lane = 'control'): void {
    if (this.#closed) {
      if (lane !== 'control') this.#watcher.dropped('gone', 1)
      return
    }
    if (!this.#waits) {
      this.#write(frame)
      return
    }
    const dropped = this.#queues[lane].add(frame)
    if (dropped > 0) this.#watcher.dropped('queue_full', dropped)
  }

  #write(frame: Buffer): void {
    // What comes within one turn leaves together.
    if (!this.#corked) {
      this.#corked = true
      this.#stream.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#stream.uncork()
      })
    }
    if (this.#stream.write(frame)) return
    this.#waits = true
    this.#timer = setTimeout(() => this.#overdue(), this.#timeoutMs).unref()
  }

  /** The process may have been busy itself: what the client has taken meanwhile is heard of first. */
  #overdue(): void {
    const timer = this.#timer
    setImmediate(() => {
      if (this.#waits && this.#timer === timer && !this.#closed) this.#watcher.stalled()
    })
  }

  #drained(): void {
    clearTimeout(this.#timer)
    this.#waits = false
    for (const lane of LANES) this.#writeAll(() => this.#queues[lane].take())
    this.wake()
  }

  /** Says that {@link refill} has something. */
  wake(): void {
    this.#writeAll(() => this.refill?.())
  }

  #writeAll(take: () => Buffer | undefined): void {
    while (!this.#waits && !this.#closed) {
      const frame = take()
      if (frame === undefined) break
      this.#write(frame)
    }
  }

  /** Sends nothing more. */
  [Symbol.dispose](): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#queues.control.clear()
    const lost = this.#queues.disco.clear() + this.#queues.packet.clear()
    if (lost > 0) this.#watcher.dropped('gone', lost)
  }
}
