import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

import type { ModelRequest } from './model-request.ts'
import { type Action, actionsOf, addTo, usageOf } from './plan.ts'
import type { Finish, PlainAnswer, Speech, Step, Turn } from './turn.ts'
import type { AnswerHead, Block, StreamEncoder, Wire, WireEvent } from './wire.ts'

/** Statuses for which a provider has no own word. */
const MESSAGES = new Map([
  [401, 'Incorrect API key provided.'],
  [429, 'Rate limit reached.'],
  [503, 'The service is unavailable.'],
  [529, 'Overloaded'],
])
/** What `writeEarlyHints` sends. */
const HINTS = { link: '</hint>; rel=preload' }

/** What ends an answer before its script is through. */
class BrokenOff extends Error {
  readonly how: 'close' | 'reset' | 'end'
  constructor(how: 'close' | 'reset' | 'end') {
    super('the script breaks the answer off')
    this.how = how
  }
}

/** Plays a turn in a protocol. */
export class Player {
  readonly #wire: Wire
  readonly #request: ModelRequest
  readonly #response: ServerResponse
  /** Number of the request, from which ids are made. */
  readonly #number: number
  readonly #newId: () => string
  #called = false
  /** Aborted when the connection is gone. */
  readonly #gone = new AbortController()
  /** Rejects then. */
  readonly #left: Promise<never>
  /** Settled when what was written last is with the system. */
  #flushed: Promise<void> = Promise.resolve()

  constructor(
    wire: Wire,
    request: ModelRequest,
    response: ServerResponse,
    number: number,
    newCall: () => number,
  ) {
    this.#wire = wire
    this.#request = request
    this.#response = response
    this.#number = number
    this.#newId = () => wire.callId(newCall())
    this.#left = new Promise((_, reject) => {
      const leave = () => {
        this.#gone.abort()
        reject(new Error('the connection is gone'))
      }
      if (response.destroyed) leave()
      else response.once('close', leave)
    })
    this.#left.catch(() => undefined)
  }

  /** Answers, or does not; resolves when nothing more comes, also when the client has left. */
  async play(turn: Turn): Promise<void> {
    try {
      if ('connection' in turn) {
        if (turn.connection === 'reset') throw new BrokenOff('reset')
        await this.#forever()
      } else if ('status' in turn) this.#plain(turn)
      else await this.#speak(turn)
    } catch (error) {
      if (error instanceof BrokenOff) await this.#breakOff(error.how)
      else if (!this.#gone.signal.aborted) throw error
    }
  }

  async #breakOff(how: BrokenOff['how']): Promise<void> {
    if (how === 'end') {
      this.#response.end()
      return
    }
    this.#request.endAs('broken')
    await Promise.race([this.#flushed, this.#left.catch(() => undefined)])
    if (how === 'reset') this.#response.socket?.resetAndDestroy()
    else this.#response.socket?.destroy()
  }

  #plain({ status, headers, message, type, body }: PlainAnswer): void {
    const text =
      body ??
      JSON.stringify(
        this.#wire.refusal(status, message ?? MESSAGES.get(status) ?? `The answer is ${status}.`, type),
      )
    this.#request.wrote(Buffer.byteLength(text), 0)
    this.#response
      .writeHead(status, { 'Content-Type': 'application/json', ...this.#identity(), ...headers })
      .end(text)
  }

  #identity() {
    return { [this.#wire.requestIdHeader]: `req_${this.#number}` }
  }

  async #speak(speech: Speech): Promise<void> {
    if (speech.after !== undefined) await this.#unlessGone(speech.after)
    if (speech.beforeMs !== undefined) await this.#pause(speech.beforeMs)
    if (speech.informational === 'processing') this.#response.writeProcessing()
    if (speech.informational === 'early hints') this.#response.writeEarlyHints(HINTS)
    const head = {
      number: this.#number,
      model: speech.model ?? this.#request.model,
      asked: this.#request.body,
      usage: usageOf(speech),
    }
    if (this.#request.streaming) await this.#stream(speech, head)
    else await this.#whole(speech, head)
  }

  async #whole(speech: Speech, head: AnswerHead): Promise<void> {
    const blocks: Block[] = []
    let cut: 'close' | 'reset' | undefined
    for (const step of speech.steps)
      for (const action of this.#actionsOf(step)) {
        addTo(blocks, action)
        if (action.kind !== 'event') continue
        if ('error' in action.step) {
          const { type, message } = action.step.error
          return this.#plain({ status: type === 'overloaded_error' ? 529 : 500, type, message })
        }
        if ('cut' in action.step) cut = action.step.cut === 'reset' ? 'reset' : 'close'
        else await this.#wait(action.step)
      }
    const body = Buffer.from(JSON.stringify(this.#wire.whole(head, blocks, this.#finish(speech))))
    this.#response.writeHead(200, {
      'Content-Type': speech.contentType ?? 'application/json',
      'Content-Length': body.length,
      ...this.#identity(),
      ...speech.headers,
    })
    const sent = cut === undefined ? body : body.subarray(0, body.length / 2)
    this.#request.wrote(sent.length, 0)
    if (cut === undefined) this.#response.end(sent)
    else {
      this.#writeRaw(sent)
      throw new BrokenOff(cut)
    }
  }

  async #stream(speech: Speech, head: AnswerHead): Promise<void> {
    this.#response.writeHead(200, {
      'Content-Type': speech.contentType ?? this.#wire.contentType,
      'Cache-Control': 'no-cache',
      ...(speech.trailers === undefined ? {} : { Trailer: Object.keys(speech.trailers).join(', ') }),
      ...this.#identity(),
      ...speech.headers,
    })
    this.#response.flushHeaders()
    const encoder = this.#wire.stream(head)
    const send = async (events: readonly WireEvent[]) => {
      for (const event of events) {
        await this.#write(event, speech)
        if (this.#request.sentEvents === speech.cutAfterEvents) throw new BrokenOff('close')
      }
    }
    if (speech.cutAfterEvents === 0) throw new BrokenOff('close')
    await send(encoder.begin())
    const startedAt = performance.now()
    const steps = speech.steps[Symbol.iterator]()
    for (let index = 0; ; index += 1) {
      if (speech.paceMs !== undefined)
        await this.#pause(startedAt + index * speech.paceMs - performance.now())
      const { value: step, done } = steps.next()
      if (done === true) break
      for (const action of this.#actionsOf(step)) await send(await this.#eventsOf(action, encoder))
      if (typeof step !== 'string' && 'error' in step) throw new BrokenOff('end')
    }
    await send(encoder.end(this.#finish(speech)))
    if (speech.trailers !== undefined) this.#response.addTrailers(speech.trailers)
    this.#response.end()
  }

  *#actionsOf(step: Step): Generator<Action> {
    for (const action of actionsOf(step, this.#newId)) {
      if (action.kind === 'call-begins') this.#called = true
      yield action
    }
  }

  /** Why the answer ends, when all of it was said. */
  #finish({ finish }: Speech): Finish {
    return finish ?? (this.#called ? 'tool_calls' : 'stop')
  }

  async #eventsOf(action: Action, encoder: StreamEncoder): Promise<readonly WireEvent[]> {
    switch (action.kind) {
      case 'text':
        return encoder.text(action.delta)
      case 'reasoning':
        return encoder.reasoning(action.delta, action.signature)
      case 'redacted':
        return encoder.redacted(action.data)
      case 'call-begins':
        return encoder.callBegins(action.call)
      case 'call-goes-on':
        return encoder.callGoesOn(action.call, action.piece)
      case 'call-ends':
        return encoder.callEnds(action.call)
      case 'event': {
        const { step } = action
        if ('ping' in step) return encoder.ping()
        if ('raw' in step) return [step.raw]
        if ('error' in step) return encoder.error(step.error)
        if ('cut' in step) throw new BrokenOff(step.cut === 'reset' ? 'reset' : 'close')
        if ('end' in step) throw new BrokenOff('end')
        await this.#wait(step)
        return []
      }
    }
  }

  async #wait(step: Extract<Action, { kind: 'event' }>['step']): Promise<void> {
    if ('wait' in step) await this.#unlessGone(step.wait)
    else if ('delayMs' in step) await this.#pause(step.delayMs)
    else if ('stall' in step) await this.#forever()
  }

  async #write(event: WireEvent, { crlf, fragmentBytes }: Speech): Promise<void> {
    this.#gone.signal.throwIfAborted()
    const lines = typeof event === 'string' && crlf === true ? event.replaceAll('\n', '\r\n') : event
    const bytes = Buffer.from(lines)
    const size = fragmentBytes ?? bytes.length
    for (let at = 0; at < bytes.length; at += size) {
      if (!this.#writeRaw(bytes.subarray(at, at + size)))
        await once(this.#response, 'drain', { signal: this.#gone.signal })
    }
    this.#request.wrote(bytes.length, 1)
  }

  /** Whether the connection takes more at once. */
  #writeRaw(bytes: Uint8Array): boolean {
    let flows = true
    this.#flushed = new Promise((resolve) => {
      flows = this.#response.write(bytes, () => resolve())
    })
    return flows
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#gone.signal })
  }

  #forever(): Promise<never> {
    return this.#unlessGone(new Promise<never>(() => undefined))
  }

  /** @throws Error when the connection goes first. */
  #unlessGone<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#left])
  }
}
