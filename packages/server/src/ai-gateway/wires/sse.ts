import { StringDecoder } from 'node:string_decoder'

/**
 * Longest event that is looked at, in characters; a longer one is passed over. As long as a whole answer: the last event
 * of the Responses API holds all of it, its pictures too, beside the tokens that are charged.
 */
const MAX_EVENT = 32 * 1024 * 1024
/** Pieces in which a line may come that is looked at: each takes room of its own. */
const MAX_PIECES = 64 * 1024

/**
 * Takes server-sent events apart as they pass by, wherever their bytes are cut. Only `data` lines count: what providers
 * name their events stands in the data as well.
 */
export class SseReader {
  readonly #onData: (data: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #pending = ''
  /** Of what is pending. */
  #pieces = 0
  /** Lines of an event that has not ended, and how long they are. */
  #data: string[] = []
  #length = 0
  #skipping = false

  constructor(onData: (data: string) => void) {
    this.#onData = onData
  }

  push(chunk: Uint8Array): void {
    const piece = this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
    if (!piece.includes('\n')) {
      // Of a line that was too long nothing is kept.
      if (this.#skipping) return
      this.#pieces += 1
      this.#keep(this.#pending + piece)
      return
    }
    // A long line is joined once, when it ends.
    const text = this.#pending + piece
    let start = 0
    this.#pieces = 0
    for (let end = text.indexOf('\n', start); end !== -1; end = text.indexOf('\n', start)) {
      const last = text.charCodeAt(end - 1) === 13 && end > start ? end - 1 : end
      this.#line(text, start, last)
      start = end + 1
    }
    this.#keep(text.slice(start))
  }

  #keep(pending: string): void {
    this.#pending = pending
    if (this.#pending.length > MAX_EVENT || this.#pieces > MAX_PIECES) {
      this.#pending = ''
      this.#pieces = 0
      this.#skipping = true
    }
  }

  #line(text: string, start: number, end: number): void {
    if (this.#skipping) {
      // The rest of a line that was too long; what follows it is read again.
      this.#skipping = false
      this.#data = []
      return
    }
    if (start === end) {
      const [first, ...more] = this.#data
      this.#data = []
      this.#length = 0
      if (first !== undefined) this.#onData(more.length === 0 ? first : [first, ...more].join('\n'))
      return
    }
    if (!text.startsWith('data:', start)) return
    if (this.#data.length > 1024) return
    const from = text.charCodeAt(start + 5) === 32 ? start + 6 : start + 5
    this.#length += end - from
    if (this.#length > MAX_EVENT) this.#data = []
    else this.#data.push(text.slice(from, end))
  }

  /** Hands over an event that the end of the stream has cut off before its blank line. */
  end(): void {
    if (this.#pending !== '' && !this.#skipping) this.#line(this.#pending, 0, this.#pending.length)
    this.#pending = ''
    this.#line('', 0, 0)
  }
}

/** Whether bytes of a stream end with an empty line, behind which there may be another event. */
export function endsEvent(bytes: Uint8Array): boolean {
  const { length } = bytes
  if (bytes[length - 1] !== 10) return false
  return bytes[length - 2] === 10 || (bytes[length - 2] === 13 && bytes[length - 3] === 10)
}

/** Gathers a whole body up to a limit. */
export class BodyReader {
  readonly #limit: number
  #chunks: Uint8Array[] = []
  #length = 0
  #over = false

  constructor(limit: number) {
    this.#limit = limit
  }

  push(chunk: Uint8Array): void {
    if (this.#over) return
    this.#length += chunk.length
    if (this.#length > this.#limit) {
      this.#over = true
      this.#chunks = []
      return
    }
    this.#chunks.push(chunk)
  }

  /** The body as text; undefined when it was too long. */
  text(): string | undefined {
    return this.#over ? undefined : Buffer.concat(this.#chunks).toString('utf8')
  }
}
