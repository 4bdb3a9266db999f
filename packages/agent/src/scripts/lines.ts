import { StringDecoder } from 'node:string_decoder'

/** What is kept of a line; the mark behind it still fits into the 1024 characters that are stored (AC-91). */
const MAX_CHARACTERS = 980

/**
 * Cuts output into lines. A line that is too long keeps its beginning and says how much is missing (AC-303), so
 * that a program which never ends its line does not fill the memory.
 */
export class Lines {
  readonly #onLine: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #line = ''
  #missing = 0

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  /** Takes the next piece of output. */
  write(chunk: Buffer): void {
    this.#take(this.#decoder.write(chunk))
  }

  /** The output is over: a last line without an end is a line too. */
  end(): void {
    this.#take(this.#decoder.end())
    if (this.#line !== '') this.#emit()
  }

  #take(text: string): void {
    let from = 0
    for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
      this.#append(text, from, to)
      this.#emit()
      from = to + 1
    }
    this.#append(text, from, text.length)
  }

  #append(text: string, from: number, to: number): void {
    const room = MAX_CHARACTERS - this.#line.length
    this.#line += text.slice(from, Math.min(to, from + room))
    this.#missing += Math.max(0, to - from - room)
  }

  #emit(): void {
    const line = this.#line.replace(/\r$/, '')
    this.#onLine(this.#missing === 0 ? line : `${line} … (${this.#missing} characters more)`)
    this.#line = ''
    this.#missing = 0
  }
}
