import { at, count, list, parseJson, text } from './json.ts'
import {
  BoundedText,
  errorIn,
  MAX_PARTS,
  type Observation,
  type Observer,
  type TokenUsage,
  type ToolChoice,
} from './observation.ts'
import { BodyReader, SseReader } from './sse.ts'

/** Says why the model has stopped. */
const ENDS = /"finish_reason":\s*"/

/** Reads a streamed answer of the chat completions API (AG-28, AG-30). */
export class ChatStreamObserver implements Observer {
  readonly #reader = new SseReader((data) => this.#event(data))
  #responseId = ''
  #usage: TokenUsage | undefined
  #error: Observation['error']
  #complete = false
  readonly #calls = new Map<number, { id: string; name: string; readonly input: BoundedText }>()

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  #event(data: string): void {
    if (data === '[DONE]') {
      this.#complete = true
      return
    }
    // Most events only carry a few letters of the answer.
    if (
      this.#responseId !== '' &&
      !data.includes('"tool_calls"') &&
      !data.includes('"error"') &&
      !ENDS.test(data) &&
      (!data.includes('"usage"') || /"usage":\s*null/.test(data))
    )
      return
    const chunk = parseJson(data)
    // Some providers leave out the last line.
    if (typeof at(list(at(chunk, 'choices'))[0], 'finish_reason') === 'string') this.#complete = true
    this.#responseId ||= text(at(chunk, 'id'))
    const usage = at(chunk, 'usage')
    if (typeof usage === 'object' && usage !== null) this.#usage = chatUsage(usage)
    this.#error = errorIn(at(chunk, 'error')) ?? this.#error
    for (const call of list(at(list(at(chunk, 'choices'))[0], 'delta', 'tool_calls'))) this.#call(call)
  }

  #call(call: unknown): void {
    const index = count(at(call, 'index'))
    let known = this.#calls.get(index)
    if (known === undefined) {
      if (this.#calls.size >= MAX_PARTS) return
      known = { id: '', name: '', input: new BoundedText() }
      this.#calls.set(index, known)
    }
    known.id ||= text(at(call, 'id'))
    known.name ||= text(at(call, 'function', 'name'))
    known.input.add(text(at(call, 'function', 'arguments')))
  }

  observation(): Observation {
    this.#reader.end()
    return {
      responseId: this.#responseId,
      usage: this.#usage,
      tools: [...this.#calls.values()].map(({ id, name, input }) => ({
        tool: name,
        callId: id || undefined,
        itemId: '',
        input: input.toString(),
      })),
      thoughts: [],
      error: this.#error,
      complete: this.#complete,
    }
  }
}

/** Reads a whole answer of the chat completions API. */
export class ChatBodyObserver implements Observer {
  readonly #reader: BodyReader

  constructor(limit: number) {
    this.#reader = new BodyReader(limit)
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  observation(): Observation {
    const body = parseJson(this.#reader.text() ?? '')
    const usage = at(body, 'usage')
    const choice = list(at(body, 'choices'))[0]
    const tools = list(at(choice, 'message', 'tool_calls'))
    return {
      responseId: text(at(body, 'id')),
      usage: typeof usage === 'object' && usage !== null ? chatUsage(usage) : undefined,
      tools: tools.slice(0, MAX_PARTS).map(
        (call): ToolChoice => ({
          tool: text(at(call, 'function', 'name')),
          callId: text(at(call, 'id')) || undefined,
          itemId: '',
          input: text(at(call, 'function', 'arguments')),
        }),
      ),
      thoughts: [],
      // Some say so with a good status, of all of it or of what they have chosen.
      error: errorIn(at(body, 'error')) ?? errorIn(at(choice, 'error')),
      complete: body !== undefined,
    }
  }
}

function chatUsage(usage: unknown): TokenUsage {
  const cached = count(at(usage, 'prompt_tokens_details', 'cached_tokens'))
  return {
    input: Math.max(0, count(at(usage, 'prompt_tokens')) - cached),
    output: count(at(usage, 'completion_tokens')),
    cacheRead: cached,
    cacheWrite: 0,
    extras: extras({
      prompt_audio: at(usage, 'prompt_tokens_details', 'audio_tokens'),
      completion_audio: at(usage, 'completion_tokens_details', 'audio_tokens'),
      completion_reasoning: at(usage, 'completion_tokens_details', 'reasoning_tokens'),
      completion_accepted_prediction: at(usage, 'completion_tokens_details', 'accepted_prediction_tokens'),
      completion_rejected_prediction: at(usage, 'completion_tokens_details', 'rejected_prediction_tokens'),
    }),
  }
}

/** Those of the counts that are there and above 0. */
export function extras(values: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0,
    ),
  )
}
