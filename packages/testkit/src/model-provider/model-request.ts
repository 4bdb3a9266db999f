import type { IncomingHttpHeaders } from 'node:http'

import { until } from '../until.ts'
import type { RequestKind } from './wire.ts'

/** Gemini and Bedrock name the model in the path, with what to do with it. */
const MODEL_IN_PATH = /\/models?\/([^/?]+)[:/]([\w-]+)/
const STREAMING = new Set(['streamGenerateContent', 'converse-stream', 'invoke-with-response-stream'])

/** How a request ended: answered in full, broken off by the script, or left by the client. */
export type RequestEnd = 'answered' | 'broken' | 'aborted'

/** What a request brings. */
export interface Arrival {
  readonly kind: RequestKind
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The body as it came. */
  readonly text: string
}

/** A request to the provider and what became of it. */
export class ModelRequest {
  readonly kind: RequestKind
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Empty when the request names none. */
  readonly model: string
  readonly streaming: boolean
  /** The body as it came. */
  readonly text: string
  /** The body as JSON; an empty object if it is none. */
  readonly body: Readonly<Record<string, unknown>>
  /** When its body was complete, in milliseconds of `performance.now()`. */
  readonly arrivedAt = performance.now()
  #sentEvents = 0
  #sentBytes = 0
  #end: RequestEnd | undefined
  #endedAt: number | undefined

  constructor(arrival: Arrival) {
    this.kind = arrival.kind
    this.method = arrival.method
    this.path = arrival.path
    this.headers = arrival.headers
    this.text = arrival.text
    this.body = jsonObject(arrival.text)
    const [, named, action] = MODEL_IN_PATH.exec(arrival.path) ?? []
    this.model = named === undefined ? String(this.body.model ?? '') : decodeURIComponent(named)
    this.streaming = this.body.stream === true || STREAMING.has(action ?? '')
  }

  /** The credential that it carries, in whichever header. */
  get key(): string | undefined {
    const { authorization, 'x-api-key': own, 'api-key': azure, 'x-goog-api-key': google } = this.headers
    const found = own ?? azure ?? google ?? authorization?.replace(/^Bearer /i, '')
    return Array.isArray(found) ? found[0] : found
  }

  /** Events of its stream that were handed to the connection. */
  get sentEvents(): number {
    return this.#sentEvents
  }

  /** Bytes of its body that were handed to the connection; stands still while the client does not read. */
  get sentBytes(): number {
    return this.#sentBytes
  }

  /** How it ended; undefined while it has not. */
  get end(): RequestEnd | undefined {
    return this.#end
  }

  /** When it ended, in milliseconds of `performance.now()`. */
  get endedAt(): number | undefined {
    return this.#endedAt
  }

  /** Waits until its stream has had this many events. */
  async sent(events: number): Promise<void> {
    await until(`${events} events sent to ${this.path}`, () => this.#sentEvents >= events)
  }

  /** Waits for its end. */
  async ended(): Promise<RequestEnd> {
    return until(`the end of ${this.method} ${this.path}`, () => this.#end)
  }

  /** For the provider: counts what was written. */
  wrote(bytes: number, events: number): void {
    this.#sentBytes += bytes
    this.#sentEvents += events
  }

  /** For the provider: it is over. Only the first call counts. */
  endAs(end: RequestEnd): void {
    this.#end ??= end
    this.#endedAt ??= performance.now()
  }
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
