import { extras } from './chat-completions.ts'
import { at, count, list, parseJson, text } from './json.ts'
import {
  MAX_PARTS,
  MAX_TEXT,
  type Observation,
  type Observer,
  type Thought,
  type TokenUsage,
  type ToolChoice,
} from './observation.ts'
import { BodyReader, SseReader } from './sse.ts'

/** Events that are looked at; all others only carry pieces of the answer. */
const LOOKED_AT = /"type":\s*"(?:response\.(?:created|completed|incomplete|failed|output_item\.done)|error)"/
/** Of a long event, its beginning and its end are searched for that: some servers of models write the type last. */
const BEGINNING = 4_096
const END = 256

function isLookedAt(data: string): boolean {
  if (data.length <= BEGINNING) return LOOKED_AT.test(data)
  return LOOKED_AT.test(data.slice(0, BEGINNING)) || LOOKED_AT.test(data.slice(-END))
}

/** Reads a streamed answer of the Responses API (AG-36 to AG-39). */
export class ResponsesStreamObserver implements Observer {
  readonly #reader = new SseReader((data) => this.#event(data))
  /** Of whole items, which may hold pictures, only what is recorded of them is kept. */
  readonly #parts: Pick<Observation, 'tools' | 'thoughts'>[] = []
  #usage: TokenUsage | undefined
  #responseId = ''
  #error: Observation['error']
  #complete = false

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  #event(data: string): void {
    if (!isLookedAt(data)) return
    const event = parseJson(data)
    switch (at(event, 'type')) {
      case 'response.created':
        this.#responseId = text(at(event, 'response', 'id'))
        break
      case 'response.output_item.done':
        if (this.#parts.length < MAX_PARTS && isRecorded(at(event, 'item')))
          this.#parts.push(ofItems([at(event, 'item')]))
        break
      case 'response.completed':
      case 'response.incomplete':
        this.#finish(at(event, 'response'))
        break
      case 'response.failed':
        this.#finish(at(event, 'response'))
        this.#error = errorOf(at(event, 'response', 'error'))
        break
      case 'error':
        this.#error = errorOf(at(event, 'error') ?? event)
        break
    }
  }

  #finish(response: unknown): void {
    this.#usage = responsesUsage(at(response, 'usage'))
    this.#responseId = text(at(response, 'id')) || this.#responseId
    this.#complete = true
    if (this.#parts.length === 0)
      this.#parts.push(ofItems(list(at(response, 'output')).filter(isRecorded).slice(0, MAX_PARTS)))
  }

  observation(): Observation {
    this.#reader.end()
    return {
      responseId: this.#responseId,
      usage: this.#usage,
      tools: this.#parts.flatMap(({ tools }) => tools),
      thoughts: this.#parts.flatMap(({ thoughts }) => thoughts).slice(0, MAX_PARTS),
      error: this.#error,
      complete: this.#complete,
    }
  }
}

/** Reads a whole answer of the Responses API. */
export class ResponsesBodyObserver implements Observer {
  readonly #reader: BodyReader

  constructor(limit: number) {
    this.#reader = new BodyReader(limit)
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  observation(): Observation {
    const body = parseJson(this.#reader.text() ?? '')
    const failed = at(body, 'status') === 'failed'
    return {
      responseId: text(at(body, 'id')),
      usage: responsesUsage(at(body, 'usage')),
      ...ofItems(list(at(body, 'output')).filter(isRecorded).slice(0, MAX_PARTS)),
      error: failed ? errorOf(at(body, 'error')) : undefined,
      complete: body !== undefined,
    }
  }
}

function errorOf(error: unknown): { type: string; message: string } {
  return { type: text(at(error, 'type')) || text(at(error, 'code')), message: text(at(error, 'message')) }
}

function responsesUsage(usage: unknown): TokenUsage | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined
  const cached = count(at(usage, 'input_tokens_details', 'cached_tokens'))
  return {
    input: Math.max(0, count(at(usage, 'input_tokens')) - cached),
    output: count(at(usage, 'output_tokens')),
    cacheRead: cached,
    cacheWrite: 0,
    extras: extras({
      output_reasoning: at(usage, 'output_tokens_details', 'reasoning_tokens'),
      total_tokens: at(usage, 'total_tokens'),
    }),
  }
}

/** Calls whose arguments are not recorded (AG-38). */
const WITHOUT_INPUT: ReadonlySet<string> = new Set([
  'web_search_call',
  'computer_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'code_interpreter_call',
  'mcp_call',
  'file_search_call',
  'image_generation_call',
])

/** Whether an item of the output says something that is recorded: model output itself never is (AG-85). */
function isRecorded(item: unknown): boolean {
  const type = text(at(item, 'type'))
  return (
    type === 'function_call' ||
    type === 'custom_tool_call' ||
    type === 'reasoning' ||
    WITHOUT_INPUT.has(type) ||
    (type === 'message' && at(item, 'phase') === 'commentary')
  )
}

function ofItems(items: readonly unknown[]): Pick<Observation, 'tools' | 'thoughts'> {
  return { tools: items.flatMap(toolOf), thoughts: items.flatMap(thoughtsOf).slice(0, MAX_PARTS) }
}

function toolOf(item: unknown): ToolChoice[] {
  const type = text(at(item, 'type'))
  const input =
    type === 'function_call'
      ? text(at(item, 'arguments'))
      : type === 'custom_tool_call'
        ? JSON.stringify(text(at(item, 'input')))
        : WITHOUT_INPUT.has(type)
          ? ''
          : undefined
  if (input === undefined) return []
  return [
    {
      tool: text(at(item, 'name')) || type,
      callId: text(at(item, 'call_id')) || undefined,
      itemId: text(at(item, 'id')),
      input: input.slice(0, MAX_TEXT),
    },
  ]
}

function thoughtsOf(item: unknown): Thought[] {
  const type = at(item, 'type')
  const [parts, source]: [readonly unknown[], Thought['source']] =
    type === 'reasoning'
      ? [list(at(item, 'summary')), 'reasoning_summary']
      : type === 'message'
        ? [list(at(item, 'content')).filter((part) => at(part, 'type') === 'output_text'), 'commentary']
        : [[], 'commentary']
  return parts
    .map((part) => text(at(part, 'text')))
    .filter((content) => content !== '')
    .map((content) => ({ content: content.slice(0, MAX_TEXT), source }))
}
