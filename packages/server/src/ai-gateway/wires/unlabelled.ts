import { NOTHING, type Observation, type Observer } from './observation.ts'

/** No line of an event stream begins like a JSON document. */
const JSON_BEGINS = /^[{[]/
/** Bytes that are looked through for the first one that says something. */
const LOOKED_AT = 64

/**
 * Reads along with an answer whose type of content does not say that it is a stream. Clients read by what they have asked
 * for and not by that label, so an answer that wears a wrong one would be used and not be counted: its first bytes decide.
 */
export class UnlabelledObserver implements Observer {
  readonly #whole: () => Observer
  readonly #streamed: () => Observer
  #reader: Observer | undefined

  /** Of both at most one is called, once. */
  constructor(whole: () => Observer, streamed: () => Observer) {
    this.#whole = whole
    this.#streamed = streamed
  }

  push(chunk: Uint8Array): void {
    this.#reader ??= this.#readerFor(chunk)
    this.#reader?.push(chunk)
  }

  /** Undefined while nothing but space has come. */
  #readerFor(chunk: Uint8Array): Observer | undefined {
    const beginning = Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.length, LOOKED_AT))
      .toString('latin1')
      .trimStart()
    if (beginning === '' && chunk.length <= LOOKED_AT) return undefined
    return JSON_BEGINS.test(beginning) || beginning === '' ? this.#whole() : this.#streamed()
  }

  observation(): Observation {
    return this.#reader?.observation() ?? NOTHING
  }
}
