import { setTimeout as delay } from 'node:timers/promises'

import { McpServerError } from '../../mcp-servers/index.ts'
import { bodyOf, withBody } from '../answers/replaced-body.ts'
import type { AnswerBody, UpstreamAnswer } from '../answers/upstream.ts'
import { editMembers } from '../data-plane/json-members.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import { type ToolCall, UNANSWERED } from '../recording/ending.ts'
import { at, list, parseJson, text } from '../wires/json.ts'
import { NOTHING, type Observation, type Observer } from '../wires/observation.ts'
import { observerOf, type Wire } from '../wires/wire.ts'
import { ChatTalk } from './chat-talk.ts'
import type { InjectedTool, ToolLease } from './injected-tools.ts'
import { MessagesTalk } from './messages-talk.ts'
import { ResponsesTalk } from './responses-talk.ts'
import { SseEvents } from './sse-events.ts'
import type { CallResult, InjectedCall, Talk } from './talk.ts'

/** How often a provider is asked for one request (AG-77). */
const MAX_ROUNDS = 25
/** How long a stream is silent at most, in milliseconds (AG-35). */
const KEEP_ALIVE_MS = 10_000
/** Longest whole answer, and longest request with its results, in bytes. */
const MAX_BODY = 32 * 1024 * 1024
/** Of an error of the provider in the middle, in bytes. */
const MAX_ERROR = 64 * 1024

/** Sends a body to the provider as the request of the client. */
export type Send = (body: Uint8Array) => Promise<UpstreamAnswer>

/** Hears what is to be recorded. */
export interface LoopNotes {
  /** An answer after which the gateway goes on by itself. */
  wentOn(observation: Observation): void
  /** A call that the gateway carries out, or not; the result hears how it failed, undefined when it went well. */
  calling(call: ToolCall): (error: string | undefined) => void
}

/** One request that tools are put into. */
export interface ToolLoopOf {
  readonly wire: Wire
  /** What the client sent. */
  readonly body: string
  readonly stream: boolean
  readonly model: string
  readonly lease: ToolLease
  readonly notes: LoopNotes
  readonly signal: AbortSignal
  readonly keepAliveMs?: number
  /** What a provider may be told of a text that a tool has given; left out where that is all of it. */
  readonly screen?: ((text: string) => string) | undefined
}

/** How the API of a request speaks of tools; undefined where none are injected (AG-72). */
export function talkOf(
  { wire, stream, model }: Pick<ToolLoopOf, 'wire' | 'stream' | 'model'>,
  tools: readonly InjectedTool[],
): Talk | undefined {
  switch (wire) {
    case 'chat':
      return new ChatTalk(tools)
    case 'responses':
      return new ResponsesTalk(tools)
    case 'messages':
      return stream && model.includes('haiku') ? undefined : new MessagesTalk(tools)
    case 'google':
    case 'invoke':
    case 'converse':
    case 'other':
      return undefined
  }
}

/** Names of the tools that a client has itself. */
export function clientTools(body: string): ReadonlySet<string> {
  const tools = list(at(parseJson(body), 'tools'))
  return new Set(tools.map((tool) => text(at(tool, 'function', 'name')) || text(at(tool, 'name'))))
}

/**
 * Asks a provider until no injected tool is called any more, and makes one answer of all that it says (AG-74). It is the
 * observer of that, too: what is recorded is what the provider said, not what the client got of it.
 */
export class ToolLoop implements Observer {
  readonly #of: ToolLoopOf
  readonly #talk: Talk
  readonly #tools: ReadonlyMap<string, InjectedTool>
  /** Of the answer that is read; undefined between two of them. */
  #observer: Observer | undefined
  /** Of an answer that passes as it is. */
  #passing: Observer | undefined
  #error: Observation['error']
  #body: string
  #current: AnswerBody | undefined

  constructor(of: ToolLoopOf, talk: Talk, tools: readonly InjectedTool[]) {
    this.#of = of
    this.#talk = talk
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]))
    this.#body = talk.inject(of.body)
  }

  /**
   * Asks for the first time; an answer that is not streamed is the last one then.
   *
   * @throws GatewayError, and what `send` throws.
   */
  async run(send: Send): Promise<UpstreamAnswer> {
    let answer: UpstreamAnswer | undefined
    try {
      answer = await send(Buffer.from(this.#body))
      if (!isReadable(answer)) {
        this.#passing = observerOf(this.#of.wire, typeOf(answer))
        this.close()
        return answer
      }
      if (isStream(answer) && answer.status < 400) {
        this.#current = answer.body
        return withBody(answer, this.#streamed(answer, send))
      }
      if (answer.status < 400) answer = await this.#whole(answer, send)
      this.close()
      return answer
    } catch (error) {
      answer?.body.destroy()
      this.close()
      throw error
    }
  }

  #streamed(first: UpstreamAnswer, send: Send): AnswerBody {
    const { keepAlive } = this.#talk
    const pieces = this.#stream(first, send)
    const answer =
      keepAlive === undefined
        ? pieces
        : withKeepAlives(pieces, Buffer.from(keepAlive), this.#of.keepAliveMs ?? KEEP_ALIVE_MS)
    return {
      [Symbol.asyncIterator]: () => answer,
      destroy: (error) => {
        this.#current?.destroy(error)
        this.close()
      },
    }
  }

  async *#stream(first: UpstreamAnswer, send: Send): AsyncGenerator<Uint8Array> {
    try {
      for (let answer = first, rounds = 1; ; rounds += 1) {
        const round = this.#talk.round()
        const observer = observerOf(this.#of.wire, 'text/event-stream')
        this.#observer = observer
        const events = new SseEvents()
        let given = false
        for await (const chunk of answer.body) {
          observer.push(chunk)
          const shown = events
            .push(chunk)
            .map((event) => round.event(event))
            .join('')
          if (shown === '') continue
          given = true
          yield Buffer.from(shown)
        }
        const last = events.rest().map((event) => round.event(event))
        const calls = round.calls()
        if (calls.length === 0) {
          this.#noteUncalled(observer)
          yield Buffer.from(last.join('') + round.rest())
          return
        }
        if (last.length > 0) yield Buffer.from(last.join(''))
        // The client is told that something comes before the tools have done their work.
        if (!given && rounds === 1 && this.#talk.keepAlive !== undefined)
          yield Buffer.from(this.#talk.keepAlive)
        const results = await this.#callAll(calls, rounds, observer)
        answer = await send(this.#goOn(round.next(results)))
        this.#current = answer.body
        if (answer.status < 400 && isStream(answer)) continue
        this.#error = await failureOf(answer)
        yield Buffer.from(this.#talk.failure(this.#error))
        return
      }
    } finally {
      this.close()
    }
  }

  async #whole(first: UpstreamAnswer, send: Send): Promise<UpstreamAnswer> {
    for (let answer = first, rounds = 1; ; rounds += 1) {
      const observer = observerOf(this.#of.wire, 'application/json')
      this.#observer = observer
      const bytes = await wholeBody(answer.body)
      observer.push(bytes)
      const round = this.#talk.round()
      round.whole(bytes.toString('utf8'))
      const calls = round.calls()
      if (calls.length === 0) return withBody(answer, bodyOf(round.answer()))
      const results = await this.#callAll(calls, rounds, observer)
      answer = await send(this.#goOn(round.next(results)))
      if (answer.status >= 400) return answer
    }
  }

  #goOn(changes: Parameters<typeof editMembers>[1]): Uint8Array {
    this.#body = editMembers(this.#body, changes)
    const body = Buffer.from(this.#body)
    if (body.length > MAX_BODY)
      throw new GatewayError(500, 'tool_loop_limit', 'the results of tools are too long for one request')
    return body
  }

  /**
   * Carries out what the model has chosen, and notes the answer in which it did.
   *
   * @throws GatewayError when that was done too often.
   */
  async #callAll(calls: readonly InjectedCall[], rounds: number, observer: Observer): Promise<CallResult[]> {
    const seen = observer.observation()
    // Calls are noted with what becomes of them.
    this.#of.notes.wentOn({ ...seen, tools: seen.tools.filter(({ tool }) => !this.#tools.has(tool)) })
    this.#observer = undefined
    if (rounds >= MAX_ROUNDS)
      throw new GatewayError(
        500,
        'tool_loop_limit',
        `the model has called tools ${MAX_ROUNDS} times for one request`,
      )
    return Promise.all(calls.map((call) => this.#call(call, seen)))
  }

  /** What fails is told to the model, which may do something else (AG-75). */
  async #call(call: InjectedCall, seen: Observation): Promise<CallResult> {
    const tool = this.#tools.get(call.name)
    if (tool === undefined) throw new Error(`there is no injected tool ${call.name}`)
    const choice = seen.tools.find(({ callId }) => callId === call.id)
    // Before it is called: what a client does not wait for has been done all the same.
    const over = this.#of.notes.calling({
      tool: tool.tool,
      responseId: seen.responseId,
      callId: call.id,
      itemId: choice?.itemId ?? '',
      input: call.args,
      serverName: tool.serverId,
      serverUrl: tool.serverUrl,
    })
    let error: string | undefined = UNANSWERED
    try {
      const result = screened(await callOnce(tool, call, this.#of.signal), this.#of.screen)
      error = result.isError ? text(result.content[0]?.text) || 'the tool failed' : undefined
      return result
    } finally {
      over(error)
    }
  }

  /** The client had the word, so that nothing was called. */
  #noteUncalled(observer: Observer): void {
    const { tools, responseId } = observer.observation()
    for (const { tool: name, callId, itemId, input } of tools) {
      const tool = this.#tools.get(name)
      if (tool === undefined) continue
      const { tool: own, serverId: serverName, serverUrl } = tool
      this.#of.notes.calling({ tool: own, responseId, callId, itemId, input, serverName, serverUrl })(
        'it was not called',
      )
    }
  }

  push(chunk: Uint8Array): void {
    // All else was seen before the client got of it what it gets.
    this.#passing?.push(chunk)
  }

  observation(): Observation {
    const seen = (this.#passing ?? this.#observer)?.observation() ?? NOTHING
    if (this.#error === undefined) return seen
    return { ...seen, error: this.#error, complete: false }
  }

  /** Gives the tools back; again it does nothing. */
  close(): void {
    this.#of.lease[Symbol.dispose]()
  }
}

async function callOnce(tool: InjectedTool, call: InjectedCall, signal: AbortSignal): Promise<CallResult> {
  const failed = (message: string): CallResult => ({
    call,
    isError: true,
    content: [{ type: 'text', text: message }],
  })
  const args = call.args.trim() === '' ? {} : parseJson(call.args)
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    return failed('the arguments are not a JSON object')
  try {
    const { content, isError } = await tool.call({ ...args }, signal)
    return { call, content, isError }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return failed(error instanceof McpServerError ? error.message : 'the gateway could not call the tool')
  }
}

function typeOf({ headers }: UpstreamAnswer): string {
  const type = headers['content-type']
  return typeof type === 'string' ? type : ''
}

/** A result of which all texts are as they may go on. */
function screened(result: CallResult, screen: ToolLoopOf['screen']): CallResult {
  if (screen === undefined) return result
  const shown = (part: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
    const ofResource = at(part.resource, 'text')
    return {
      ...part,
      ...(typeof part.text === 'string' ? { text: screen(part.text) } : {}),
      ...(typeof ofResource === 'string'
        ? { resource: { ...Object(part.resource), text: screen(ofResource) } }
        : {}),
    }
  }
  return { ...result, content: result.content.map(shown) }
}

function isStream(answer: UpstreamAnswer): boolean {
  return /^text\/event-stream\b/i.test(typeOf(answer))
}

/** What is encoded although nobody asked for it is not looked into. */
function isReadable({ headers }: UpstreamAnswer): boolean {
  const { 'content-encoding': encoding = 'identity' } = headers
  return encoding === 'identity'
}

/** @throws Error as the body fails; GatewayError for one that is too long. */
async function wholeBody(body: AnswerBody): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_BODY)
      throw new GatewayError(502, 'upstream_disconnected', 'the answer of the provider is too long')
  }
  return Buffer.concat(chunks)
}

async function failureOf(answer: UpstreamAnswer): Promise<{ type: string; message: string }> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer.body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_ERROR) break
  }
  const error = at(parseJson(Buffer.concat(chunks).toString('utf8')), 'error')
  return {
    type: text(at(error, 'type')) || 'api_error',
    message: text(at(error, 'message')) || `the provider answered ${answer.status}`,
  }
}

/** Signs of life while nothing comes; what is given in pieces is whole events. */
async function* withKeepAlives(
  body: AsyncGenerator<Uint8Array>,
  sign: Uint8Array,
  everyMs: number,
): AsyncGenerator<Uint8Array> {
  for (;;) {
    const next = body.next()
    // Whoever waits hears of a failure; nobody may be waiting yet.
    next.catch(() => undefined)
    let step: IteratorResult<Uint8Array> | undefined
    while (step === undefined) {
      const silence = new AbortController()
      step = await Promise.race([
        next,
        delay(everyMs, undefined, { signal: silence.signal }).catch(() => undefined),
      ]).finally(() => silence.abort())
      if (step === undefined) yield sign
    }
    if (step.done === true) return
    yield step.value
  }
}
