import { randomUUID } from 'node:crypto'

import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type MessageExtraInfo,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/server'

import type { SseStream } from './event-streams.ts'
import type { OpenCall } from './session-hub.ts'

/** What becomes of a request: an answer at once, or a stream that has begun. */
export type Outcome = { readonly kind: 'json'; readonly body: unknown } | { readonly kind: 'stream' }

/** Where messages of a session are kept, for clients that lose the stream. */
export interface Keeper {
  /** Whether the client understands events without content. */
  readonly primes: boolean
  /** The id of the kept message; undefined when the session is over. */
  keep(streamId: string, text: string, isLast: boolean): Promise<number | undefined>
}

interface ExchangeOptions {
  /** Absent without a session: then nobody can come back for the answer. */
  readonly keeper: Keeper | undefined
  /** Answers with events; `closed` is called when the client is gone. */
  readonly begin: (closed: () => void) => SseStream
  /** Told once when everything is answered or given up. */
  readonly over: () => void
}

/**
 * The transport of one POST of a revision with `initialize`. It answers with JSON, and with events as soon as there is
 * more to send than the answer. With a session all events are kept before they are sent, and the work goes on without
 * the client, which may come back for them on any replica.
 */
export class Exchange implements Transport, OpenCall {
  onmessage?: Transport['onmessage']
  onclose?: () => void
  onerror?: (error: Error) => void
  /** Of the stream, and the first part of the ids of what the client is asked. */
  readonly id = randomUUID()
  readonly sessionId?: string
  readonly outcome: Promise<Outcome>
  readonly #options: ExchangeOptions
  readonly #waiting = new Set<RequestId>()
  readonly #answers: JSONRPCMessage[] = []
  readonly #settle: (outcome: Outcome) => void
  #isBatch = false
  #stream: SseStream | undefined
  #streaming = false
  /** What is still to be kept and sent, in order. */
  #tail: Promise<void> = Promise.resolve()
  #over = false

  constructor(options: ExchangeOptions, sessionId: string | undefined) {
    this.#options = options
    if (sessionId !== undefined) this.sessionId = sessionId
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.outcome = promise
    this.#settle = resolve
  }

  async start(): Promise<void> {
    // There is nothing to open: messages come by `receive`.
  }

  /** Hands the messages of the request to the connected server. */
  receive(messages: readonly JSONRPCMessage[], isBatch: boolean): void {
    this.#isBatch = isBatch
    for (const message of messages) if ('method' in message && 'id' in message) this.#waiting.add(message.id)
    const extra: MessageExtraInfo = { closeSSEStream: () => this.#letGo() }
    for (const message of messages) this.onmessage?.(message, extra)
  }

  /** Hands over what was said earlier in the session; answers to it go nowhere. */
  replay(message: JSONRPCMessage): void {
    this.onmessage?.(message)
  }

  /** Answers with events from now on: the answer will take its time. */
  stream(): void {
    if (this.#streaming || this.#over) return
    this.#streaming = true
    this.#stream = this.#options.begin(() => this.#lost())
    this.#settle({ kind: 'stream' })
    const { keeper } = this.#options
    if (keeper?.primes === true) this.#enqueue('', false)
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#over) return
    if (!('method' in message)) {
      if (message.id === undefined || !this.#waiting.delete(message.id)) return
      const isLast = this.#waiting.size === 0
      if (this.#streaming) return this.#enqueue(JSON.stringify(message), isLast)
      this.#answers.push(message)
      if (!isLast) return
      this.#finish()
      this.#settle({ kind: 'json', body: this.#isBatch ? this.#answers : this.#answers[0] })
      return
    }
    // The server lives for these requests alone: all that it says is about them.
    if (this.#waiting.size === 0) return
    this.stream()
    const own = 'id' in message ? { ...message, id: `${this.id}.${message.id}` } : message
    await this.#enqueue(JSON.stringify(own), false)
  }

  /** Takes an answer of the client, or that it has cancelled a call. */
  take(message: unknown): boolean {
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) {
      const [exchange, id] = String(message.id).split('.')
      if (exchange !== this.id) return false
      this.onmessage?.({ ...message, id: Number(id) })
      return true
    }
    if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return false
    const requestId: unknown = message.params?.requestId
    if ((typeof requestId !== 'string' && typeof requestId !== 'number') || !this.#waiting.has(requestId))
      return false
    this.onmessage?.(message)
    // No answer will come (2025-11-25, cancellation).
    this.#waiting.delete(requestId)
    if (this.#waiting.size === 0) this.abort()
    return true
  }

  abort(): void {
    if (this.#over) return
    this.#finish()
    this.#stream?.end()
    this.#settle({ kind: 'json', body: undefined })
    const { keeper } = this.#options
    if (!this.#streaming || keeper === undefined) return
    // For whoever has come back for the rest.
    this.#tail = this.#tail.then(async () => {
      await keeper.keep(this.id, '', true).catch(() => undefined)
    })
  }

  async close(): Promise<void> {
    this.abort()
    this.onclose?.()
  }

  /** The client is gone: without a session nobody waits for the answer any more. */
  #lost(): void {
    this.#stream = undefined
    if (this.#options.keeper === undefined) this.abort()
  }

  /** Ends the connection and goes on: the client comes back for the rest. */
  #letGo(): void {
    if (this.#options.keeper === undefined) return
    this.stream()
    this.#tail = this.#tail.then(() => this.#stream?.end())
  }

  #enqueue(text: string, isLast: boolean): Promise<void> {
    this.#tail = this.#tail.then(async () => {
      const { keeper } = this.#options
      const id = await keeper?.keep(this.id, text, isLast).catch(async (error: unknown) => {
        this.onerror?.(error instanceof Error ? error : new Error(String(error)))
        // Who comes back for it must not wait for ever.
        return isLast ? keeper.keep(this.id, '', true).catch(() => undefined) : undefined
      })
      this.#stream?.send(text, id)
      if (!isLast) return
      this.#stream?.end()
      this.#finish()
    })
    return this.#tail
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#options.over()
  }
}
