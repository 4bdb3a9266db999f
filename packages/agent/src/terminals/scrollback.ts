/** What a terminal has shown last, up to a number of bytes; older output makes room for newer (AC-121). */
export class Scrollback {
  readonly #limit: number
  #ring: Buffer | undefined
  /** Where the next byte goes. */
  #end = 0
  #full = false

  /** @param limit in bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes the next output. */
  add(output: Buffer): void {
    this.#ring ??= Buffer.alloc(this.#limit)
    const newest = output.subarray(-this.#limit)
    const copied = newest.copy(this.#ring, this.#end)
    newest.copy(this.#ring, 0, copied)
    this.#full ||= this.#end + newest.length >= this.#limit
    this.#end = (this.#end + newest.length) % this.#limit
  }

  /** All that is kept, from the first whole character on. */
  read(): Buffer {
    if (this.#ring === undefined) return Buffer.alloc(0)
    if (!this.#full) return Buffer.from(this.#ring.subarray(0, this.#end))
    const kept = Buffer.concat([this.#ring.subarray(this.#end), this.#ring.subarray(0, this.#end)])
    const whole = kept.subarray(0, 4).findIndex((byte) => (byte & 0xc0) !== 0x80)
    return kept.subarray(Math.max(0, whole))
  }
}
