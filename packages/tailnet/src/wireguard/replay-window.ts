const WORDS = 256
const WORD_BITS = 32
const BITS = WORDS * WORD_BITS

/** How far behind the newest packet one may come and still be taken. */
export const REPLAY_WINDOW = BITS - WORD_BITS

/** Which counters were seen already: a ring of bits that moves with the newest (RFC 6479). */
export class ReplayWindow {
  readonly #bits = new Uint32Array(WORDS)
  #newest = -1

  /** Whether this counter was neither seen nor is too old to know. Ask before the packet is decrypted. */
  isNew(counter: number): boolean {
    if (counter > this.#newest) return true
    if (counter + REPLAY_WINDOW < this.#newest) return false
    const word = this.#bits[Math.floor(counter / WORD_BITS) % WORDS] ?? 0
    return (word & (1 << (counter % WORD_BITS))) === 0
  }

  /** Remembers a counter whose packet was authentic. */
  mark(counter: number): void {
    const word = Math.floor(counter / WORD_BITS)
    if (counter > this.#newest) {
      const last = Math.floor(this.#newest / WORD_BITS)
      const moved = Math.min(word - last, WORDS)
      for (let i = 1; i <= moved; i += 1) this.#bits[(last + i + WORDS) % WORDS] = 0
      this.#newest = counter
    }
    const index = word % WORDS
    this.#bits[index] = (this.#bits[index] ?? 0) | (1 << (counter % WORD_BITS))
  }
}
