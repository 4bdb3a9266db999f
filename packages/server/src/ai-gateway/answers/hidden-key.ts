import { at, bodyText, list, parseJson } from '../wires/json.ts'
import { endsEvent } from '../wires/sse.ts'
import { HeldBytes } from './held-bytes.ts'
import type { AnswerBody, AnswerHeaders, UpstreamAnswer } from './upstream.ts'

/** Longest beginning of a line that waits for its end, in bytes; what is longer goes on as it comes. */
const MAX_HELD = 1024 * 1024
/** Lines up to that length are looked through for an error, in bytes; longer ones say at their beginning what they are. */
const SHORT = 4_096
const BEGINNING = 512

const NEW_LINE = 10
const ERROR = Buffer.from('error')
/** How a long line of a stream begins that tells of an error. */
const LONG_ERROR =
  /"error":\s*[^\sn]|"type":\s*"(?:error|response\.failed)"|^event:\s*(?:error|response\.failed)/
/** What JSON has of each character that is escaped with its number, and of a slash that is escaped. */
const NUMBERED = Buffer.from('\\u00')
const SLASH = Buffer.from('\\/')
/** Most bytes that a character of a key takes: in JSON that is a text of JSON. */
const WIDEST = 8

/**
 * What a provider says, with stars in the place of a key that it repeats, in whatever way JSON can write it: some do in
 * what they say of a key that they refuse, and nobody may see it (AG-99). It stays as long as it was.
 */
export function withoutKey(body: Buffer, key: string | undefined): Buffer {
  if (key === undefined || key === '') return body
  if (!body.includes(key) && !body.includes(NUMBERED) && !body.includes(SLASH)) return body
  const found = body.toString('latin1')
  const hidden = found.replace(written(key), (shown) => '*'.repeat(shown.length))
  return hidden === found ? body : Buffer.from(hidden, 'latin1')
}

/** All that a key looks like in JSON, and in JSON that is a text of JSON. */
function written(key: string): RegExp {
  const characters = [...key].map((character) => {
    const number = character.charCodeAt(0).toString(16).padStart(4, '0')
    const digits = number.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
    const plain = character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')
    return `(?:${'/"\\'.includes(character) ? '\\\\*' : ''}${plain}|\\\\+u${digits})`
  })
  return new RegExp(characters.join(''), 'g')
}

/**
 * Shorter keys are no secrets but words that say that there is none; headers, and what is no error, may hold them for other
 * reasons.
 */
const SHORTEST_SECRET = 8

/**
 * An answer in which no error shows the key that was sent for it: neither as the whole of it, nor as an event in the middle
 * of a stream, nor in a body that tells of a failure in spite of its status. Headers never show it. What is no error passes
 * without being looked into.
 *
 * @param key undefined where none was sent.
 * @param isStreamed whether a whole answer must not be kept waiting for its end: as nobody knows before whether it tells of
 *   a failure, a key is hidden in all that it says.
 */
export function hidingKey(
  answer: UpstreamAnswer,
  key: string | undefined,
  isStreamed: boolean,
): UpstreamAnswer {
  if (key === undefined || key === '') return answer
  const { status, body } = answer
  const headers = headersWithoutKey(answer.headers, key)
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = headers
  const isEncoded = encoding !== 'identity'
  if (!isEncoded && status >= 400) return { status, headers, body: new HidingBody(body, key, true) }
  if (!isEncoded && typeof type === 'string') {
    if (/^text\/event-stream\b/i.test(type))
      return { status, headers, body: new HidingBody(body, key, false) }
    if (!isStreamed && /^application\/json\b/i.test(type))
      return { status, headers, body: new FailureHidingBody(body, key) }
  }
  if (!isEncoded && isStreamed && key.length >= SHORTEST_SECRET)
    return { status, headers, body: new PassingBody(body, key) }
  return headers === answer.headers ? answer : { status, headers, body }
}

function headersWithoutKey(headers: AnswerHeaders, key: string): AnswerHeaders {
  if (key.length < SHORTEST_SECRET) return headers
  let changed: Record<string, string | string[] | undefined> | undefined
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || !String(value).includes(key)) continue
    const hidden = (one: string): string => one.replaceAll(key, '*'.repeat(key.length))
    changed ??= { ...headers }
    changed[name] = typeof value === 'string' ? hidden(value) : value.map(hidden)
  }
  return changed ?? headers
}

/** A body of which some waits before it is handed over. */
abstract class HoldingBody implements AnswerBody, AsyncIterator<Uint8Array> {
  readonly #body: AnswerBody
  protected readonly held = new HeldBytes()
  #source: AsyncIterator<Uint8Array> | undefined

  constructor(body: AnswerBody) {
    this.#body = body
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  abstract next(): Promise<IteratorResult<Uint8Array>>

  /** The next piece as it comes. */
  protected read(): Promise<IteratorResult<Uint8Array>> {
    this.#source ??= this.#body[Symbol.asyncIterator]()
    return this.#source.next()
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.destroy()
    return Promise.resolve({ value: undefined, done: true })
  }

  destroy(error?: Error): void {
    this.held.clear()
    this.#body.destroy(error)
  }
}

/** A body that is read piece by piece, of which what is held at its end is handed over before how it ended. */
abstract class PieceByPiece extends HoldingBody {
  /** How it ended, once it has. */
  #end: (() => IteratorResult<Uint8Array>) | undefined

  /** What goes on now that a piece has come; undefined where all waits. */
  protected abstract passed(piece: Buffer): Uint8Array | undefined

  /** What goes on of what is held when no more comes. */
  protected abstract rest(held: Buffer): Uint8Array

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#end !== undefined) return this.#end()
    try {
      for (;;) {
        const step = await this.read()
        if (step.done === true) {
          this.#end = () => step
          break
        }
        const { buffer, byteOffset, length } = step.value
        const value = this.passed(Buffer.from(buffer, byteOffset, length))
        if (value !== undefined) return { value, done: false }
      }
    } catch (reason) {
      // What came before it failed is handed over first.
      this.#end = () => {
        throw reason
      }
    }
    return this.held.length === 0 ? this.#end() : { value: this.rest(this.held.takeWith()), done: false }
  }
}

/**
 * A whole answer, which nobody can read before its end, without the key where it says that it failed. Of one that is longer
 * than what is held, all passes as it comes.
 */
class FailureHidingBody extends PieceByPiece {
  readonly #key: string
  #isLong = false

  constructor(body: AnswerBody, key: string) {
    super(body)
    this.#key = key
  }

  protected passed(piece: Buffer): Uint8Array | undefined {
    if (this.#isLong) return piece
    this.held.add(piece)
    this.#isLong = this.held.length > MAX_HELD
    return this.#isLong ? this.held.takeWith() : undefined
  }

  protected rest(whole: Buffer): Uint8Array {
    const hidden = withoutKey(whole, this.#key)
    return hidden !== whole && tellsOfFailure(whole) ? hidden : whole
  }
}

/** Whether a whole answer says that it failed, or does not say what it is. */
function tellsOfFailure(whole: Buffer): boolean {
  const answer = parseJson(bodyText(whole))
  if (answer === undefined) return true
  const hasError = (value: unknown): boolean => (at(value, 'error') ?? null) !== null
  return at(answer, 'status') === 'failed' || hasError(answer) || list(at(answer, 'choices')).some(hasError)
}

/** A body that goes on as it comes, but for what may be the beginning of a key of which more may come. */
class PassingBody extends PieceByPiece {
  readonly #key: string

  constructor(body: AnswerBody, key: string) {
    super(body)
    this.#key = key
  }

  protected passed(piece: Buffer): Uint8Array | undefined {
    const shown = withoutKey(this.held.takeWith(piece), this.#key)
    const end = begunAt(shown, this.#key)
    if (end < shown.length) this.held.add(shown.subarray(end))
    return end > 0 ? shown.subarray(0, end) : undefined
  }

  protected rest(held: Buffer): Uint8Array {
    return held
  }
}

/** Where the last bytes begin that may become a key when more come; the length of all where none may. */
function begunAt(shown: Buffer, key: string): number {
  const from = Math.max(0, shown.length - key.length * WIDEST)
  const tail = shown.toString('latin1', from)
  for (let start = 0; start < tail.length; start += 1)
    if ((tail[start] === key[0] || tail[start] === '\\') && mayBecome(tail.slice(start), key))
      return from + start
  return shown.length
}

/** Whether a text is the beginning of a key, in whatever way JSON can write it. */
function mayBecome(text: string, key: string): boolean {
  let at = 0
  for (const character of key) {
    const before = at
    while (text[at] === '\\' && at < before + WIDEST) at += 1
    if (at === text.length) return true
    const digits = at > before && text[at] === 'u' ? text.slice(at + 1, at + 5).toLowerCase() : undefined
    const isCut = digits !== undefined && at + 5 > text.length
    const number = character.charCodeAt(0).toString(16).padStart(4, '0')
    if (digits === undefined ? text[at] !== character : !number.startsWith(digits)) return false
    if (isCut) return true
    at += digits === undefined ? 1 : 5
  }
  return false
}

/** A body of which whole lines are handed over, so that none shows one half of a key. */
class HidingBody extends HoldingBody {
  readonly #key: string
  /** Whether all of it is looked through, rather than events that are errors. */
  readonly #all: boolean
  /** Whether the line that is held is longer than what is held of one. */
  #isLong = false
  /** Whether what comes belongs to an event that may be an error. */
  #suspect = false
  #failure: { readonly reason: unknown } | undefined

  constructor(body: AnswerBody, key: string, all: boolean) {
    super(body)
    this.#key = key
    this.#all = all
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.reason)
    return this.read().then(this.#came, this.#failed)
  }

  readonly #came = (
    step: IteratorResult<Uint8Array>,
  ): IteratorResult<Uint8Array> | Promise<IteratorResult<Uint8Array>> => {
    if (step.done !== true) {
      const { value } = step
      const shown = this.#shown(Buffer.from(value.buffer, value.byteOffset, value.length))
      return shown === undefined ? this.next() : { value: shown, done: false }
    }
    return this.held.length === 0 ? step : { value: this.#hidden(this.held.takeWith()), done: false }
  }

  /** What came before it failed is handed over first. */
  readonly #failed = (reason: unknown): IteratorResult<Uint8Array> => {
    if (this.held.length === 0) throw reason
    this.#failure = { reason }
    return { value: this.#hidden(this.held.takeWith()), done: false }
  }

  /** What of a piece, and of those before it, can be handed over now. */
  #shown(piece: Buffer): Buffer | undefined {
    const end = piece.lastIndexOf(NEW_LINE) + 1
    if (end === 0) return this.#hold(piece)
    const lines = end === piece.length ? piece : piece.subarray(0, end)
    const whole = this.held.length === 0 ? lines : this.held.takeWith(lines)
    this.#isLong = false
    if (end < piece.length) this.#hold(piece.subarray(end))
    return this.#hidden(whole)
  }

  /**
   * Keeps a piece for the end of its line. A line that is too long goes on as it comes, but for what may be part of a key of
   * which more may come.
   */
  #hold(piece: Buffer): Buffer | undefined {
    this.held.add(piece)
    if (!this.#isLong && this.held.length <= MAX_HELD) return undefined
    this.#isLong = true
    const hidden = this.#hidden(this.held.takeWith())
    const isSuspect = this.#all || this.#suspect
    const kept = isSuspect ? Math.min(hidden.length, this.#key.length * WIDEST) : 0
    if (kept > 0) this.held.add(hidden.subarray(hidden.length - kept))
    return kept === hidden.length ? undefined : hidden.subarray(0, hidden.length - kept)
  }

  #hidden(lines: Buffer): Buffer {
    const suspect = this.#all || this.#suspect || mayTellOfError(lines)
    this.#suspect = suspect && !endsEvent(lines)
    return suspect ? withoutKey(lines, this.#key) : lines
  }
}

/** Whether one of some lines of a stream may be of an error. */
function mayTellOfError(lines: Buffer): boolean {
  if (lines.length <= SHORT) return lines.includes(ERROR)
  for (let start = 0, end = 0; start < lines.length; start = end) {
    const next = lines.indexOf(NEW_LINE, start)
    end = next === -1 ? lines.length : next + 1
    const tells =
      end - start <= SHORT
        ? lines.subarray(start, end).includes(ERROR)
        : LONG_ERROR.test(lines.toString('latin1', start, start + BEGINNING))
    if (tells) return true
  }
  return false
}
