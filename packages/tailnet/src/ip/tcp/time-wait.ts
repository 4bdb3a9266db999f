import type { Clock, Timer } from '../../clock.ts'
import { Flag, type Flow, newSegment, type Segment, seal } from './segment.ts'

// As long as a peer may wait before it sends its FIN again.
const REMEMBERED_MS = 60_000
const LIMIT = 1024

interface Numbers {
  readonly sequence: number
  readonly acknowledgment: number
}

interface Remembered extends Numbers {
  readonly flow: Flow
  readonly until: number
}

/** Connections that ended here first: the peer may not know yet that its FIN arrived (RFC 9293, TIME-WAIT). */
export class TimeWait implements Disposable {
  readonly #clock: Clock
  readonly #entries = new Map<string, Remembered>()
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Remembers a connection; the oldest one is forgotten when there are too many. */
  add(key: string, flow: Flow, { sequence, acknowledgment }: Numbers): void {
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= LIMIT && oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(key, { flow, sequence, acknowledgment, until: this.#clock.now() + REMEMBERED_MS })
    this.#timer ??= this.#clock.after(REMEMBERED_MS, () => this.#forget())
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /**
   * What to say to a segment of a connection that is over.
   *
   * @returns undefined when the segment is not of that connection: a SYN with a higher number begins a new one.
   */
  answer(key: string, segment: Segment): Buffer | 'silence' | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if ((segment.flags & Flag.rst) !== 0) return 'silence'
    if ((segment.flags & Flag.syn) !== 0 && ((segment.sequence - entry.acknowledgment) | 0) > 0) {
      this.#entries.delete(key)
      return undefined
    }
    this.#entries.delete(key)
    this.add(key, entry.flow, entry)
    const { sequence, acknowledgment } = entry
    return seal(
      newSegment(entry.flow, { sequence, acknowledgment, flags: Flag.ack, window: 0 }, undefined, 0),
    )
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
    this.#entries.clear()
  }

  #forget(): void {
    this.#timer = undefined
    const now = this.#clock.now()
    for (const [key, { until }] of this.#entries) {
      if (until > now) {
        this.#timer = this.#clock.after(until - now, () => this.#forget())
        return
      }
      this.#entries.delete(key)
    }
  }
}
