const BLOCK = 16 * 1024

/**
 * Bytes between two offsets of a stream, copied into blocks: any number of small pieces takes no more memory than
 * their bytes, and what was given may be changed afterwards.
 */
export class ByteQueue {
  #blocks: Buffer[] = []
  /** The offset of the first byte of the first block. */
  #origin: number
  #start: number
  #end: number

  /** @param start the offset of the first byte. */
  constructor(start: number) {
    this.#origin = this.#start = this.#end = start
  }

  /** The offset of the first byte that is still here. */
  get start(): number {
    return this.#start
  }

  /** The offset behind the last byte. */
  get end(): number {
    return this.#end
  }

  get length(): number {
    return this.#end - this.#start
  }

  append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const at = this.#end - this.#origin
      if (at === this.#blocks.length * BLOCK) this.#blocks.push(Buffer.allocUnsafe(BLOCK))
      const inBlock = at % BLOCK
      const count = Math.min(BLOCK - inBlock, bytes.length - done)
      this.#blocks.at(-1)?.set(bytes.subarray(done, done + count), inBlock)
      done += count
      this.#end += count
    }
  }

  /** Copies bytes from an offset on; all of them must be here. */
  copy(from: number, length: number, target: Buffer, targetOffset: number): void {
    let at = from - this.#origin
    for (let done = 0; done < length; ) {
      const inBlock = at % BLOCK
      const count = Math.min(BLOCK - inBlock, length - done)
      this.#blocks[Math.floor(at / BLOCK)]?.copy(target, targetOffset + done, inBlock, inBlock + count)
      done += count
      at += count
    }
  }

  /** Forgets everything in front of an offset. */
  discard(to: number): void {
    this.#start = Math.max(this.#start, Math.min(to, this.#end))
    if (this.#start === this.#end) {
      this.#blocks = []
      this.#origin = this.#start
      return
    }
    while (this.#start - this.#origin >= BLOCK) {
      this.#blocks.shift()
      this.#origin += BLOCK
    }
  }

  /** Takes the first bytes, as many as lie together; undefined when there are none. They are the caller's. */
  take(): Buffer | undefined {
    const [block] = this.#blocks
    if (this.length === 0 || block === undefined) return undefined
    const from = this.#start - this.#origin
    const bytes = block.subarray(from, Math.min(BLOCK, from + this.length))
    this.discard(this.#start + bytes.length)
    return bytes
  }
}
