const FIRST_MS = 1_000
const SHORTEST_MS = 300
const LONGEST_MS = 60_000
const GRANULARITY_MS = 10

/** How long to wait for an acknowledgement before a segment is sent again (RFC 6298), in milliseconds. */
export class RetransmissionTime {
  #smoothed: number | undefined
  #variation = 0
  #backOff = 0

  /** Takes a round trip. Never one of a segment that was sent twice: nobody knows which one was answered (Karn). */
  measure(ms: number): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = ms
      this.#variation = ms / 2
    } else {
      this.#variation += (Math.abs(this.#smoothed - ms) - this.#variation) / 4
      this.#smoothed += (ms - this.#smoothed) / 8
    }
  }

  /** What was waited for came. */
  answered(): void {
    this.#backOff = 0
  }

  /** What was waited for did not come: wait twice as long for the next. */
  missed(): void {
    this.#backOff += 1
  }

  get ms(): number {
    const base =
      this.#smoothed === undefined
        ? FIRST_MS
        : Math.max(SHORTEST_MS, this.#smoothed + Math.max(GRANULARITY_MS, 4 * this.#variation))
    return Math.min(LONGEST_MS, base * 2 ** Math.min(this.#backOff, 10))
  }
}
