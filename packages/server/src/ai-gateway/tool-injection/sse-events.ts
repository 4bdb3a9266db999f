import { StringDecoder } from 'node:string_decoder'

/** One event of a stream. */
export interface SseEvent {
  /** As it came, with the blank line at its end. */
  readonly raw: string
  /** Undefined for comments and the like. */
  readonly data: string | undefined
}

/** Longest event, in characters. */
const MAX_EVENT = 16 * 1024 * 1024

/** Takes server-sent events apart, each as it came, wherever their bytes are cut. */
export class SseEvents {
  readonly #decoder = new StringDecoder('utf8')
  #pending = ''

  /** The events that a piece completes. @throws Error for an event that is too long. */
  push(chunk: Uint8Array): SseEvent[] {
    const piece = this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
    // A long line is joined once, when it ends.
    this.#pending += piece
    const events = piece.includes('\n') ? this.#ended() : []
    if (this.#pending.length > MAX_EVENT) throw new Error('an event is too long')
    return events
  }

  /** Takes the events out of what is pending that have come to their end. */
  #ended(): SseEvent[] {
    const events: SseEvent[] = []
    const end = /\r?\n\r?\n/g
    let from = 0
    for (let found = end.exec(this.#pending); found !== null; found = end.exec(this.#pending)) {
      const to = found.index + found[0].length
      events.push(eventOf(this.#pending.slice(from, to)))
      from = to
    }
    this.#pending = this.#pending.slice(from)
    return events
  }

  /** What the end of the stream has cut off before its blank line. */
  rest(): SseEvent[] {
    const rest = this.#pending + this.#decoder.end()
    this.#pending = ''
    return rest.trim() === '' ? [] : [eventOf(`${rest}\n\n`)]
  }
}

function eventOf(raw: string): SseEvent {
  const data: string[] = []
  for (const line of raw.split(/\r?\n/))
    if (line.startsWith('data:')) data.push(line.charAt(5) === ' ' ? line.slice(6) : line.slice(5))
  return { raw, data: data.length === 0 ? undefined : data.join('\n') }
}

/** An event with other data and everything else as it was. */
export function withData({ raw }: SseEvent, data: string): string {
  const others = raw.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('data:'))
  return `${[...others, `data: ${data}`].join('\n')}\n\n`
}
