import type { Json } from '../chats/index.ts'

const FLOOR = 16 * 1024
const UNKNOWN = 64 * 1024

/** Bytes that one result of a tool may have, for a model with that context (CH-708). */
export function resultLimit(contextLimit: number | undefined): number {
  return contextLimit === undefined ? UNKNOWN : Math.max(FLOOR, Math.floor(contextLimit / 3) * 3)
}

/** A result that fits, and what it had before. */
export interface Truncated {
  readonly result: Json
  /** Of the result as it came. */
  readonly bytes: number
  readonly truncated: boolean
}

/**
 * Shortens a result to so many bytes of JSON: two thirds of its beginning and one third of its end stay, around a note.
 * Of an object the longest text is shortened, so that its other members stay readable (CH-708).
 */
export function truncateResult(result: Json, limit: number): Truncated {
  const bytes = sizeOf(result)
  if (bytes <= limit) return { result, bytes, truncated: false }
  return { result: shorten(result, limit), bytes, truncated: true }
}

function shorten(result: Json, limit: number): Json {
  if (typeof result === 'string') return shortenText(result, limit)
  if (isObject(result)) {
    const [name, text] = Object.entries(result).reduce<[string, string]>(
      (longest, [member, value]) =>
        typeof value === 'string' && value.length > longest[1].length ? [member, value] : longest,
      ['', ''],
    )
    const rest = limit - (sizeOf(result) - sizeOf(text))
    if (text !== '' && rest > limit / 2) return { ...result, [name]: shortenText(text, rest) }
  }
  return shortenText(JSON.stringify(result), limit)
}

/** @param limit bytes of the text as JSON. */
function shortenText(text: string, limit: number): string {
  const bytes = Buffer.from(text)
  let room = limit - 2
  while (room > 0) {
    const note = `\n[… ${Math.max(0, bytes.length - room)} of ${bytes.length} bytes are left out …]\n`
    const kept = Math.max(0, room - Buffer.byteLength(note))
    const head = Math.floor((kept * 2) / 3)
    const start = bytes.subarray(0, boundaryBefore(bytes, head))
    const end = bytes.subarray(boundaryAfter(bytes, bytes.length - (kept - head)))
    const left = bytes.length - start.length - end.length
    const marker = `\n[… ${left} of ${bytes.length} bytes are left out …]\n`
    const short = `${start.toString()}${marker}${end.toString()}`.toWellFormed()
    const size = sizeOf(short)
    if (size <= limit) return short
    // What has to be escaped takes more room as JSON than as text.
    room = Math.floor((room * limit) / size) - 16
  }
  return ''
}

/** The nearest place at or before this one at which a character begins. */
function boundaryBefore(bytes: Buffer, at: number): number {
  let place = at
  while (place > 0 && isContinuation(bytes[place])) place -= 1
  return place
}

function boundaryAfter(bytes: Buffer, at: number): number {
  let place = at
  while (place < bytes.length && isContinuation(bytes[place])) place += 1
  return place
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

function sizeOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value))
}

function isObject(value: Json): value is { readonly [member: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
