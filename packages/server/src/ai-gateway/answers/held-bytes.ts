/** Pieces that are kept by themselves, before they become one. */
const MAX_PIECES = 1_024

/** Bytes that wait for more, such as the beginning of a line. In however small pieces they come, they take little more room. */
export class HeldBytes {
  #joined: Buffer[] = []
  #latest: Buffer[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  add(piece: Buffer): void {
    this.#latest.push(piece)
    this.#length += piece.length
    if (this.#latest.length < MAX_PIECES) return
    this.#joined.push(Buffer.concat(this.#latest))
    this.#latest = []
  }

  /** All of it, with something behind it; nothing is held any more. */
  takeWith(last?: Buffer): Buffer {
    const pieces = [...this.#joined, ...this.#latest, ...(last === undefined ? [] : [last])]
    this.clear()
    const [first] = pieces
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces)
  }

  clear(): void {
    this.#joined = []
    this.#latest = []
    this.#length = 0
  }
}
