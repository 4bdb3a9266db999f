import { type EventMessage, EventStreamReader } from './event-stream.ts'
import { at, count, list, parseJson, text } from './json.ts'
import { MessageEvents } from './messages.ts'
import {
  BoundedText,
  MAX_PARTS,
  MAX_TEXT,
  type Observation,
  type Observer,
  type TokenUsage,
  type ToolChoice,
} from './observation.ts'
import { BodyReader } from './sse.ts'

/** Reads events of the Messages API that Bedrock wraps in its own (AG-47). */
export class InvokeStreamObserver implements Observer {
  readonly #events = new MessageEvents()
  #error: Observation['error']
  readonly #reader = new EventStreamReader((message) => {
    const error = exceptionOf(message)
    if (error !== undefined) this.#error = error
    else this.#events.add(Buffer.from(text(at(payloadOf(message), 'bytes')), 'base64').toString('utf8'))
  })

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  observation(): Observation {
    const seen = this.#events.observation()
    return { ...seen, error: this.#error ?? seen.error }
  }
}

/** Reads a streamed answer of the Converse API of Bedrock. */
export class ConverseStreamObserver implements Observer {
  readonly #tools = new Map<
    number,
    { readonly id: string; readonly name: string; readonly input: BoundedText }
  >()
  #usage: TokenUsage | undefined
  #error: Observation['error']
  #complete = false
  readonly #reader = new EventStreamReader((message) => this.#message(message))

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  #message(message: EventMessage): void {
    const error = exceptionOf(message)
    if (error !== undefined) {
      this.#error = error
      return
    }
    switch (message.headers.get(':event-type')) {
      case 'contentBlockStart': {
        const event = payloadOf(message)
        const tool = at(event, 'start', 'toolUse')
        if (typeof tool !== 'object' || tool === null || this.#tools.size >= MAX_PARTS) return
        this.#tools.set(count(at(event, 'contentBlockIndex')), {
          id: text(at(tool, 'toolUseId')),
          name: text(at(tool, 'name')),
          input: new BoundedText(),
        })
        break
      }
      case 'contentBlockDelta': {
        if (this.#tools.size === 0) return
        const event = payloadOf(message)
        this.#tools
          .get(count(at(event, 'contentBlockIndex')))
          ?.input.add(text(at(event, 'delta', 'toolUse', 'input')))
        break
      }
      case 'messageStop':
        this.#complete = true
        break
      case 'metadata':
        this.#usage = converseUsage(at(payloadOf(message), 'usage'))
        break
    }
  }

  observation(): Observation {
    return {
      responseId: '',
      usage: this.#usage,
      tools: [...this.#tools.values()].map(({ id, name, input }) => ({
        tool: name,
        callId: id || undefined,
        itemId: '',
        input: input.toString() || '{}',
      })),
      thoughts: [],
      error: this.#error,
      complete: this.#complete,
    }
  }
}

/** Reads a whole answer of the Converse API of Bedrock. */
export class ConverseBodyObserver implements Observer {
  readonly #reader: BodyReader

  constructor(limit: number) {
    this.#reader = new BodyReader(limit)
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  observation(): Observation {
    const body = parseJson(this.#reader.text() ?? '')
    return {
      responseId: '',
      usage: converseUsage(at(body, 'usage')),
      tools: list(at(body, 'output', 'message', 'content'))
        .map((part) => at(part, 'toolUse'))
        .filter((tool) => typeof tool === 'object' && tool !== null)
        .slice(0, MAX_PARTS)
        .map(
          (tool): ToolChoice => ({
            tool: text(at(tool, 'name')),
            callId: text(at(tool, 'toolUseId')) || undefined,
            itemId: '',
            input: JSON.stringify(at(tool, 'input') ?? {}).slice(0, MAX_TEXT),
          }),
        ),
      thoughts: [],
      error: undefined,
      complete: body !== undefined,
    }
  }
}

function payloadOf({ payload }: EventMessage): unknown {
  return parseJson(payload.toString('utf8'))
}

function exceptionOf(message: EventMessage): Observation['error'] {
  if (message.headers.get(':message-type') !== 'exception') return undefined
  return {
    type: message.headers.get(':exception-type') ?? '',
    message: text(at(payloadOf(message), 'message')),
  }
}

function converseUsage(usage: unknown): TokenUsage | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined
  return {
    input: count(at(usage, 'inputTokens')),
    output: count(at(usage, 'outputTokens')),
    cacheRead: count(at(usage, 'cacheReadInputTokens')),
    cacheWrite: count(at(usage, 'cacheWriteInputTokens')),
    extras: {},
  }
}
