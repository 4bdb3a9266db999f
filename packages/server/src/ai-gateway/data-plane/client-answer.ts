import { HeldBytes } from '../answers/held-bytes.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import { at, parseJson, text } from '../wires/json.ts'
import { endsEvent } from '../wires/sse.ts'
import type { Wire } from '../wires/wire.ts'
import { editMembers } from './json-members.ts'

/** Longest line of a stream that is changed on its way; a longer one passes as it is. */
const MAX_LINE = 8 * 1024 * 1024

/** Longest whole answer that is changed on its way, in bytes; a longer one passes as it comes. */
const MAX_WHOLE = 32 * 1024 * 1024

/** How a stream of events begins, and how a whole answer may begin. */
const STREAM_BEGINS = /^\s*(?:data|event|id|retry)?:/
const WHOLE_BEGINS = /^\s*(?:[{[]|$)/
const OPENING = '{'.charCodeAt(0)

/** An object whose first member is an id, and how many bytes of an answer are looked at for that. */
const FIRST_ID = /^(\s*\{\s*"id"\s*:\s*)("[\w.:-]+")/
const BEGINNING = 512

/** How long a stream may be silent before the client gets a sign of life, in milliseconds (AG-41). */
const PING_MS = 10_000
const PING = Buffer.from('event: ping\ndata: {"type": "ping"}\n\n')

/** Whether clients see our id in place of the provider's (AG-25). */
function replacesId(wire: Wire): boolean {
  return wire === 'chat' || wire === 'messages'
}

/**
 * A whole answer with the id of the interception in place of the provider's (AG-29, AG-42); one that is too long to be
 * held comes as it is, and so does what begins like none. A stream under a wrong type of content is one all the same: its
 * client reads it by what was asked for.
 */
export async function wholeAnswer(
  body: AsyncIterable<Uint8Array>,
  wire: Wire,
  interceptionId: string,
  maxLength = MAX_WHOLE,
): Promise<Buffer | AsyncIterable<Uint8Array>> {
  const source = body[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let length = 0
  let isWhole = false
  for (let step = await source.next(); step.done !== true; step = await source.next()) {
    chunks.push(step.value)
    length += step.value.length
    if (length > maxLength) return andTheRest(chunks, source)
    // Nearly all begin like that.
    isWhole ||= chunks[0]?.[0] === OPENING
    if (isWhole) continue
    const beginning = Buffer.concat(chunks).toString('latin1', 0, BEGINNING)
    if (STREAM_BEGINS.test(beginning)) return streamedAnswer(andTheRest(chunks, source), wire, interceptionId)
    if (!WHOLE_BEGINS.test(beginning)) return andTheRest(chunks, source)
    isWhole = beginning.trim() !== '' || length > BEGINNING
  }
  const bytes = Buffer.concat(chunks)
  if (!replacesId(wire)) return bytes
  // Most begin with it, and need not be read.
  const [before, named] = FIRST_ID.exec(bytes.toString('latin1', 0, BEGINNING))?.slice(1) ?? []
  if (before !== undefined && named !== undefined)
    return Buffer.concat([
      bytes.subarray(0, before.length),
      Buffer.from(JSON.stringify(interceptionId)),
      bytes.subarray(before.length + named.length),
    ])
  const answer = bytes.toString('utf8')
  const changed = withId(answer, text(at(parseJson(answer), 'id')), interceptionId)
  return changed === answer ? bytes : Buffer.from(changed)
}

async function* andTheRest(
  chunks: readonly Uint8Array[],
  source: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let ended = false
  try {
    yield* chunks
    for (let step = await source.next(); step.done !== true; step = await source.next()) yield step.value
    ended = true
  } finally {
    if (!ended) await source.return?.()
  }
}

/**
 * A stream with the id of the interception in place of the provider's, and with an honest end: where the provider goes
 * away, the client is told in the words of its own API, and never that the answer is complete (AG-51, AG-B3).
 */
export async function* streamedAnswer(
  body: AsyncIterable<Uint8Array>,
  wire: Wire,
  interceptionId: string,
  pingMs = PING_MS,
): AsyncGenerator<Uint8Array> {
  const latest: Latest = { lines: [], isOpen: false }
  try {
    const answer = wholeLines(body, wire, replacesId(wire) ? interceptionId : undefined, latest)
    if (wire === 'messages') yield* withPings(answer, pingMs)
    else yield* answer
    if (wire === 'chat' && lacksEnd(latest))
      yield Buffer.from(`${latest.isOpen ? '\n' : ''}\ndata: [DONE]\n\n`)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    // An event that was about to end has ended, and is none of the last words.
    yield Buffer.from(`\n${lastWords(wire, error, latest)}`)
  }
}

/** What came last of a stream: whole lines, without empty ones between events. */
interface Latest {
  lines: readonly Buffer[]
  /** Whether the last of them lacks its end. */
  isOpen: boolean
}

function textOf({ lines }: Latest): string {
  return Buffer.concat(lines).toString('utf8')
}

/** Whether a chat has ended, in good order or with an error, and nothing says so: clients wait for that (AG-28). */
function lacksEnd(latest: Latest): boolean {
  const event = textOf(latest)
    .split('\n')
    .findLast((line) => line.startsWith('data:'))
    ?.slice('data:'.length)
  const data = parseJson(event ?? '')
  return at(data, 'choices') !== undefined || at(data, 'error') !== undefined
}

/** The number that the next event of the Responses API would have. */
function nextNumber(latest: Latest): number {
  const number = [...textOf(latest).matchAll(/"sequence_number":\s*(\d{1,9})/g)].at(-1)?.[1]
  return number === undefined ? 0 : Number(number) + 1
}

/** Signs of life between events while the provider is silent: clients of this API count on them (AG-41). */
async function* withPings(body: AsyncIterable<Uint8Array>, everyMs: number): AsyncGenerator<Uint8Array> {
  const source = body[Symbol.asyncIterator]()
  let betweenEvents = false
  let ended = false
  try {
    for (;;) {
      const next = source.next()
      let step: IteratorResult<Uint8Array> | undefined
      while (step === undefined) {
        step = await within(next, everyMs)
        if (step === undefined && betweenEvents) yield PING
      }
      if (step.done === true) {
        ended = true
        return
      }
      betweenEvents = endsEvent(step.value)
      yield step.value
    }
  } catch (error) {
    ended = true
    throw error
  } finally {
    if (!ended) await source.return?.()
  }
}

/** What work gives, or undefined where it takes longer. Rejects as it does: a stream waits thus for each of its pieces. */
function within<Result>(work: Promise<Result>, ms: number): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => resolve(undefined), ms)
    work.then(
      (result) => {
        clearTimeout(late)
        resolve(result)
      },
      (error: unknown) => {
        clearTimeout(late)
        reject(error)
      },
    )
  })
}

/** The lines of a stream, none of them in pieces, and with our id where one is given. */
async function* wholeLines(
  body: AsyncIterable<Uint8Array>,
  wire: Wire,
  interceptionId: string | undefined,
  latest: Latest,
): AsyncGenerator<Uint8Array> {
  const changed = interceptionId === undefined ? asTheyAre : withIds(interceptionId, wire === 'chat')
  const held = new HeldBytes()
  // Of a line that is too long more may come.
  let isLong = false
  for await (const chunk of body) {
    let piece = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    if (isLong) {
      const end = piece.indexOf(NEW_LINE) + 1
      isLong = end === 0
      yield isLong ? piece : piece.subarray(0, end)
      if (isLong || end === piece.length) continue
      piece = piece.subarray(end)
    }
    const end = piece.lastIndexOf(NEW_LINE) + 1
    if (end === 0) {
      held.add(piece)
      isLong = held.length >= MAX_LINE
      if (isLong) yield changed(held.takeWith())
      continue
    }
    const whole = held.length === 0 ? piece.subarray(0, end) : held.takeWith(piece.subarray(0, end))
    if (end < piece.length) held.add(piece.subarray(end))
    if (whole.length > 2) noteLines(latest, whole)
    yield changed(whole)
  }
  if (held.length === 0) return
  const rest = held.takeWith()
  noteLines(latest, rest)
  latest.isOpen = true
  yield changed(rest)
}

function noteLines(latest: Latest, lines: Buffer): void {
  latest.lines = [latest.lines.at(-1) ?? lines.subarray(0, 0), lines]
}

const NEW_LINE = 10
const asTheyAre = (lines: Buffer): Buffer => lines

/** Puts our id in the place of the provider's, once it has named one; little is decoded for that. */
function withIds(interceptionId: string, isInEach: boolean): (lines: Buffer) => Buffer {
  const ours = Buffer.from(JSON.stringify(interceptionId))
  let theirs: Buffer | undefined
  return (lines) => {
    if (theirs === undefined) {
      const id = idOf(lines.toString('utf8'))
      if (id === undefined) return lines
      theirs = Buffer.from(JSON.stringify(id))
    }
    const pieces: Buffer[] = []
    let done = 0
    let at = lines.indexOf(theirs)
    for (let start = 0, end = 0; start < lines.length; start = end) {
      // Of a message only its first event has one.
      if (at === -1 && !isInEach) break
      const next = lines.indexOf(NEW_LINE, start)
      end = next === -1 ? lines.length : next + 1
      if (end - start < SHORTEST) continue
      if (at !== -1 && at < start) at = lines.indexOf(theirs, start)
      // Only the first in a line may be the id of the answer.
      if (at !== -1 && at < end && IS_ID.test(lines.toString('latin1', Math.max(0, at - 16), at))) {
        pieces.push(lines.subarray(done, at), ours)
        done = at + theirs.length
      } else if (isInEach) {
        const changed = withOtherId(lines.subarray(start, end), interceptionId)
        if (changed === undefined) continue
        pieces.push(lines.subarray(done, start), changed)
        done = end
      }
    }
    return pieces.length === 0 ? lines : Buffer.concat([...pieces, lines.subarray(done)])
  }
}

/** Shorter than any line with an id. */
const SHORTEST = 'data:{"id":"x"}'.length

/** A line of an event that has another id than those before it; undefined for all others. */
function withOtherId(line: Buffer, interceptionId: string): Buffer | undefined {
  if (!line.includes('"id"')) return undefined
  const event = line.toString('utf8')
  const begin = event.indexOf('{')
  if (!event.startsWith('data:') || begin === -1) return undefined
  const data = event.slice(begin)
  if (text(at(parseJson(data), 'id')) === '') return undefined
  const changed = editMembers(data.trimEnd(), { id: () => JSON.stringify(interceptionId) })
  return Buffer.from(event.slice(0, begin) + changed + data.slice(data.trimEnd().length))
}

/** What stands before the value of an id. */
const IS_ID = /"id"\s*:\s*$/

/** The provider's id in the first event that has one. */
function idOf(lines: string): string | undefined {
  for (const line of lines.split('\n')) {
    if (!line.startsWith('data:')) continue
    const event = parseJson(line.slice('data:'.length))
    const id = text(at(event, 'message', 'id')) || text(at(event, 'id'))
    if (id !== '') return id
  }
  return undefined
}

function withId(line: string, providerId: string, interceptionId: string): string {
  if (providerId === '') return line
  const quoted = JSON.stringify(providerId)
  const found = line.indexOf(quoted)
  if (found === -1 || !IS_ID.test(line.slice(Math.max(0, found - 16), found))) return line
  return line.slice(0, found) + JSON.stringify(interceptionId) + line.slice(found + quoted.length)
}

function lastWords(wire: Wire, { type, code, message }: GatewayError, latest: Latest): string {
  switch (wire) {
    case 'messages':
      return `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message } })}\n\n`
    case 'responses':
      return `event: error\ndata: ${JSON.stringify({ type: 'error', code, message, param: null, sequence_number: nextNumber(latest) })}\n\n`
    case 'chat':
    case 'google':
    case 'invoke':
    case 'converse':
    case 'other':
      return `data: ${JSON.stringify({ error: { type, code, message, param: null } })}\n\n`
  }
}
