import { extras } from './chat-completions.ts'
import { at, count, list, parseJson, text } from './json.ts'
import {
  BoundedText,
  errorIn,
  MAX_PARTS,
  MAX_TEXT,
  type Observation,
  type Observer,
  type Thought,
  type TokenUsage,
  type ToolChoice,
} from './observation.ts'
import { BodyReader, SseReader } from './sse.ts'

/** Pieces of the answer itself, which are most of what comes. */
const PASSED_OVER = /"type":\s*"(?:text_delta|signature_delta|citations_delta)"/

/** Gathers what the events of the Messages API say, wherever they come from (AG-41 to AG-46). */
export class MessageEvents {
  #responseId = ''
  #usage: unknown
  #error: Observation['error']
  #complete = false
  readonly #tools = new Map<
    number,
    { readonly id: string; readonly name: string; readonly begin: string; readonly input: BoundedText }
  >()
  readonly #thoughts = new Map<number, BoundedText>()

  /** @param data the event as JSON. */
  add(data: string): void {
    if (PASSED_OVER.test(data.length > 256 ? data.slice(0, 256) : data)) return
    const event = parseJson(data)
    switch (at(event, 'type')) {
      case 'message_start':
        this.#responseId = text(at(event, 'message', 'id'))
        this.#usage = at(event, 'message', 'usage')
        break
      case 'message_delta':
        this.#usage = { ...Object(this.#usage), ...withoutNulls(at(event, 'usage')) }
        break
      case 'content_block_start':
        this.#block(count(at(event, 'index')), at(event, 'content_block'))
        break
      case 'content_block_delta':
        this.#tools.get(count(at(event, 'index')))?.input.add(text(at(event, 'delta', 'partial_json')))
        this.#thoughts.get(count(at(event, 'index')))?.add(text(at(event, 'delta', 'thinking')))
        break
      case 'message_stop':
        this.#complete = true
        break
      case 'error':
        this.#error = {
          type: text(at(event, 'error', 'type')),
          message: text(at(event, 'error', 'message')),
        }
        break
    }
  }

  #block(index: number, block: unknown): void {
    if (this.#tools.size + this.#thoughts.size >= MAX_PARTS) return
    if (at(block, 'type') === 'tool_use')
      this.#tools.set(index, {
        id: text(at(block, 'id')),
        name: text(at(block, 'name')),
        // All of it, where no pieces come.
        begin: JSON.stringify(at(block, 'input') ?? {}).slice(0, MAX_TEXT),
        input: new BoundedText(),
      })
    else if (at(block, 'type') === 'thinking') {
      const thought = new BoundedText()
      thought.add(text(at(block, 'thinking')))
      this.#thoughts.set(index, thought)
    }
  }

  observation(): Observation {
    return {
      responseId: this.#responseId,
      usage: messagesUsage(this.#usage),
      tools: [...this.#tools.values()].map(({ id, name, begin, input }) => ({
        tool: name,
        callId: id || undefined,
        itemId: '',
        input: input.toString() || begin,
      })),
      thoughts: [...this.#thoughts.values()]
        .map(String)
        .filter((content) => content !== '')
        .map((content): Thought => ({ content, source: 'thinking' })),
      error: this.#error,
      complete: this.#complete,
    }
  }
}

/** Reads a streamed answer of the Messages API. */
export class MessagesStreamObserver implements Observer {
  readonly #events = new MessageEvents()
  readonly #reader = new SseReader((data) => this.#events.add(data))

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  observation(): Observation {
    this.#reader.end()
    return this.#events.observation()
  }
}

/** Reads a whole answer of the Messages API. */
export class MessagesBodyObserver implements Observer {
  readonly #reader: BodyReader

  constructor(limit: number) {
    this.#reader = new BodyReader(limit)
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  observation(): Observation {
    const body = parseJson(this.#reader.text() ?? '')
    const blocks = list(at(body, 'content')).slice(0, MAX_PARTS)
    return {
      responseId: text(at(body, 'id')),
      usage: messagesUsage(at(body, 'usage')),
      tools: blocks
        .filter((block) => at(block, 'type') === 'tool_use')
        .map(
          (block): ToolChoice => ({
            tool: text(at(block, 'name')),
            callId: text(at(block, 'id')) || undefined,
            itemId: '',
            input: JSON.stringify(at(block, 'input') ?? {}).slice(0, MAX_TEXT),
          }),
        ),
      thoughts: blocks
        .filter((block) => at(block, 'type') === 'thinking')
        .map((block) => text(at(block, 'thinking')).slice(0, MAX_TEXT))
        .filter((content) => content !== '')
        .map((content): Thought => ({ content, source: 'thinking' })),
      error: errorIn(at(body, 'error')),
      complete: body !== undefined,
    }
  }
}

function withoutNulls(usage: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(Object(usage)).filter(([, value]) => value !== null))
}

function messagesUsage(usage: unknown): TokenUsage | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined
  return {
    input: count(at(usage, 'input_tokens')),
    output: count(at(usage, 'output_tokens')),
    cacheRead: count(at(usage, 'cache_read_input_tokens')),
    cacheWrite: count(at(usage, 'cache_creation_input_tokens')),
    extras: extras({
      web_search_requests: at(usage, 'server_tool_use', 'web_search_requests'),
      cache_ephemeral_1h_input: at(usage, 'cache_creation', 'ephemeral_1h_input_tokens'),
      cache_ephemeral_5m_input: at(usage, 'cache_creation', 'ephemeral_5m_input_tokens'),
    }),
  }
}
