import { at, text } from './json.ts'

/** Tokens of one answer of a provider, each counted once. */
export interface TokenUsage {
  /** Without what was read from a cache or written to one. */
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  /** Further counts by name, as they are stored. */
  readonly extras: Readonly<Record<string, number>>
}

/** A tool that a model has chosen. */
export interface ToolChoice {
  readonly tool: string
  /** What answers refer to; undefined where the provider names none. */
  readonly callId: string | undefined
  readonly itemId: string
  /** JSON. */
  readonly input: string
}

/** What a model let out of its reasoning. */
export interface Thought {
  readonly content: string
  readonly source: 'thinking' | 'reasoning_summary' | 'commentary'
}

/** What an answer tells about itself; never what the model said (AG-85). */
export interface Observation {
  /** The provider's own id of the answer; empty when there was none. */
  readonly responseId: string
  /** The last that the provider said; undefined when it said nothing. */
  readonly usage: TokenUsage | undefined
  readonly tools: readonly ToolChoice[]
  readonly thoughts: readonly Thought[]
  /** An error that came in the middle of the answer. */
  readonly error: { readonly type: string; readonly message: string } | undefined
  /** Whether the answer came to an end of its own. */
  readonly complete: boolean
}

/** Reads along with an answer while it passes by; keeps no more than what it reports. */
export interface Observer {
  push(chunk: Uint8Array): void
  /** What is known by now. */
  observation(): Observation
}

/** An answer that says nothing. */
export const NOTHING: Observation = {
  responseId: '',
  usage: undefined,
  tools: [],
  thoughts: [],
  error: undefined,
  complete: false,
}

/** What a provider tells of an error, as most APIs have it; undefined where it tells of none. */
export function errorIn(error: unknown): Observation['error'] {
  if (typeof error === 'string') return { type: '', message: error }
  if (typeof error !== 'object' || error === null) return undefined
  return { type: text(at(error, 'type')) || text(at(error, 'code')), message: text(at(error, 'message')) }
}

/** Longest text of one record, in characters. */
export const MAX_TEXT = 256 * 1024
/** Tool calls and thoughts of one answer. */
export const MAX_PARTS = 256

/** A text that grows up to {@link MAX_TEXT}. */
export class BoundedText {
  #pieces: string[] = []
  #length = 0

  add(piece: string): void {
    const room = MAX_TEXT - this.#length
    if (room <= 0 || piece === '') return
    const taken = piece.length > room ? piece.slice(0, room) : piece
    this.#pieces.push(taken)
    this.#length += taken.length
    // Thousands of deltas are one text.
    if (this.#pieces.length > 512) this.#pieces = [this.#pieces.join('')]
  }

  toString(): string {
    return this.#pieces.join('')
  }
}
