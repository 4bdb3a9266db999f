import type { Range } from './segment.ts'

/** A segment that was sent and is not acknowledged. */
export interface Flight {
  start: number
  readonly end: number
  /** The how-manieth transmission of this connection was its last one. */
  order: number
  sentAt: number
  sentAgain: boolean
  /** Whether the receiver has it, beyond a gap. */
  sacked: boolean
  /** Whether it is probably lost and to be sent again. */
  lost: boolean
}

/** What an acknowledgement said. */
export interface Acknowledged {
  bytes: number
  /** A round trip that can be trusted. */
  roundTripMs: number | undefined
}

// As many later transmissions must have arrived before an earlier one counts as lost (RFC 6675).
const REORDERING = 3
const COMPACT_FROM = 1024

/** The segments that are on their way, in order, and what is known of each. */
export class Outstanding {
  #flights: Flight[] = []
  #head = 0
  /** No segment in front of this index is to be sent again. */
  #lostFrom = 0
  #order = 0
  #arrivedOrder = 0
  #highestSacked = 0
  #pipe = 0

  /** How many bytes are still on their way: neither arrived nor lost. */
  get pipe(): number {
    return this.#pipe
  }

  get isEmpty(): boolean {
    return this.#head === this.#flights.length
  }

  add(start: number, end: number, now: number): void {
    this.#order += 1
    this.#flights.push({
      start,
      end,
      order: this.#order,
      sentAt: now,
      sentAgain: false,
      sacked: false,
      lost: false,
    })
    this.#pipe += end - start
  }

  /** The first segment that is to be sent again. */
  get nextLost(): Flight | undefined {
    for (; this.#lostFrom < this.#flights.length; this.#lostFrom += 1) {
      const flight = this.#flights[this.#lostFrom]
      if (flight?.lost) return flight
    }
    return undefined
  }

  /** Notes that a lost segment was sent again. */
  sentAgain(flight: Flight, now: number): void {
    this.#order += 1
    flight.order = this.#order
    flight.sentAt = now
    flight.sentAgain = true
    flight.lost = false
    this.#pipe += flight.end - flight.start
  }

  /** Drops everything in front of an offset. */
  acknowledge(una: number, now: number): Acknowledged {
    const result: Acknowledged = { bytes: 0, roundTripMs: undefined }
    for (; this.#head < this.#flights.length; this.#head += 1) {
      const flight = this.#flights[this.#head]
      if (flight === undefined || flight.start >= una) break
      const end = Math.min(flight.end, una)
      if (!flight.sacked && !flight.lost) this.#pipe -= end - flight.start
      result.bytes += end - flight.start
      if (end < flight.end) {
        flight.start = end
        break
      }
      if (flight.sacked) continue
      this.#arrivedOrder = Math.max(this.#arrivedOrder, flight.order)
      if (!flight.sentAgain) result.roundTripMs = now - flight.sentAt
    }
    if (this.isEmpty || this.#head > COMPACT_FROM) {
      this.#flights.splice(0, this.#head)
      this.#lostFrom = Math.max(0, this.#lostFrom - this.#head)
      this.#head = 0
    } else this.#lostFrom = Math.max(this.#lostFrom, this.#head)
    return result
  }

  /** Notes which segments arrived beyond a gap. */
  sack([start, end]: Range): void {
    for (let i = this.#firstFrom(start); i < this.#flights.length; i += 1) {
      const flight = this.#flights[i]
      if (flight === undefined || flight.end > end) break
      if (flight.sacked) continue
      if (!flight.lost) this.#pipe -= flight.end - flight.start
      flight.sacked = true
      flight.lost = false
      this.#arrivedOrder = Math.max(this.#arrivedOrder, flight.order)
      this.#highestSacked = Math.max(this.#highestSacked, flight.end)
    }
  }

  /**
   * Marks what must be lost because later transmissions arrived.
   *
   * @returns whether there was any.
   */
  detectLoss(): boolean {
    let any = false
    for (let i = this.#head; i < this.#flights.length; i += 1) {
      const flight = this.#flights[i]
      if (flight === undefined || flight.start >= this.#highestSacked) break
      if (flight.sacked || flight.lost || this.#arrivedOrder - flight.order < REORDERING) continue
      this.#lose(flight, i)
      any = true
    }
    return any
  }

  /** Marks the first segment as lost, for peers that say no more than that something is missing. */
  loseFirst(): void {
    const flight = this.#flights[this.#head]
    if (flight !== undefined && !flight.lost && !flight.sacked) this.#lose(flight, this.#head)
  }

  /** Marks everything as lost. What arrived beyond gaps may have been thrown away again (RFC 2018, section 8). */
  loseAll(): void {
    this.#pipe = 0
    this.#highestSacked = 0
    this.#lostFrom = this.#head
    for (let i = this.#head; i < this.#flights.length; i += 1) {
      const flight = this.#flights[i]
      if (flight === undefined) continue
      flight.sacked = false
      flight.lost = true
    }
  }

  #lose(flight: Flight, index: number): void {
    flight.lost = true
    this.#pipe -= flight.end - flight.start
    this.#lostFrom = Math.min(this.#lostFrom, index)
  }

  #firstFrom(offset: number): number {
    let low = this.#head
    let high = this.#flights.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#flights[middle]?.start ?? 0) >= offset) high = middle
      else low = middle + 1
    }
    return low
  }
}
