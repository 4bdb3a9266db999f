/** Bytes that have come in pieces, to be taken in other pieces; each byte is copied once at most. */
export class ByteQueue {
  #pieces: Buffer[] = []
  /** Pieces before this one have been taken. */
  #first = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return
    this.#pieces.push(piece)
    this.#length += piece.length
  }

  /** The first bytes, `most` or what is there of them; they stay. */
  peek(most: number): Buffer {
    const length = Math.min(most, this.#length)
    const first = this.#pieces[this.#first]
    if (first === undefined || first.length >= length) return first?.subarray(0, length) ?? Buffer.alloc(0)
    const parts: Buffer[] = []
    let missing = length
    for (let i = this.#first; missing > 0; i += 1) {
      const part = this.#pieces[i]?.subarray(0, missing) ?? Buffer.alloc(0)
      parts.push(part)
      missing -= part.length
    }
    return Buffer.concat(parts, length)
  }

  /** Takes the first `length` bytes; there must be as many. */
  take(length: number): Buffer {
    const bytes = this.peek(length)
    this.#length -= bytes.length
    let taken = bytes.length
    while (taken > 0) {
      const piece = this.#pieces[this.#first]
      if (piece === undefined) break
      if (piece.length > taken) {
        this.#pieces[this.#first] = piece.subarray(taken)
        break
      }
      taken -= piece.length
      this.#first += 1
    }
    if (this.#first === this.#pieces.length || this.#first > 1_024) {
      this.#pieces = this.#pieces.slice(this.#first)
      this.#first = 0
    }
    return bytes
  }
}
