const FIRST_SEGMENTS = 10
const LEAST_SEGMENTS = 2
const LIMIT = 4 * 1024 * 1024

/** How many bytes may be on their way: NewReno (RFC 5681, RFC 6582) with growth by bytes (RFC 3465). */
export class Congestion {
  readonly #mss: number
  #window: number
  #threshold = LIMIT
  /** The loss that was reacted to ends when this offset is acknowledged. */
  #recoveryEnd = 0
  #fastRecovery = false

  constructor(mss: number) {
    this.#mss = mss
    this.#window = FIRST_SEGMENTS * mss
  }

  get window(): number {
    return this.#window
  }

  get inFastRecovery(): boolean {
    return this.#fastRecovery
  }

  /**
   * Bytes were acknowledged.
   *
   * @param una everything in front of this offset has arrived.
   * @param wasFull whether the window was what held back more.
   */
  acknowledged(bytes: number, una: number, wasFull: boolean): void {
    if (this.#fastRecovery && una >= this.#recoveryEnd) this.#fastRecovery = false
    else if (!this.#fastRecovery && wasFull) {
      const slowStart = this.#window < this.#threshold
      const growth = slowStart ? bytes : Math.ceil((this.#mss * bytes) / this.#window)
      this.#window = Math.min(LIMIT, this.#window + growth)
    }
  }

  /** Segments were lost. One round trip's losses count once. */
  lost(una: number, next: number): void {
    if (una < this.#recoveryEnd) return
    this.#halve()
    this.#window = this.#threshold
    this.#recoveryEnd = next
    this.#fastRecovery = true
  }

  /** Nothing came back in time: begin again with one segment. */
  timedOut(una: number, next: number): void {
    if (una >= this.#recoveryEnd || this.#fastRecovery) this.#halve()
    this.#window = this.#mss
    this.#recoveryEnd = next
    this.#fastRecovery = false
  }

  #halve(): void {
    this.#threshold = Math.max(this.#window / 2, LEAST_SEGMENTS * this.#mss)
  }
}
