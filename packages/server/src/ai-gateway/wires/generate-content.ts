import { extras } from './chat-completions.ts'
import { at, count, list, parseJson, text } from './json.ts'
import {
  MAX_PARTS,
  MAX_TEXT,
  type Observation,
  type Observer,
  type TokenUsage,
  type ToolChoice,
} from './observation.ts'
import { BodyReader, SseReader } from './sse.ts'

/** Gathers what answers of Google's own API say: each piece of a stream looks like a whole answer. */
class Answers {
  #responseId = ''
  #usage: TokenUsage | undefined
  #error: Observation['error']
  #complete = false
  readonly #tools: ToolChoice[] = []

  add(answer: unknown): void {
    this.#responseId ||= text(at(answer, 'responseId'))
    const usage = at(answer, 'usageMetadata')
    // The last one holds the counts of the whole answer.
    if (typeof usage === 'object' && usage !== null) this.#usage = googleUsage(usage)
    const error = at(answer, 'error')
    if (typeof error === 'object' && error !== null)
      this.#error = { type: text(at(error, 'status')), message: text(at(error, 'message')) }
    for (const candidate of list(at(answer, 'candidates'))) {
      if (text(at(candidate, 'finishReason')) !== '') this.#complete = true
      for (const part of list(at(candidate, 'content', 'parts'))) this.#part(at(part, 'functionCall'))
    }
  }

  #part(call: unknown): void {
    if (typeof call !== 'object' || call === null || this.#tools.length >= MAX_PARTS) return
    this.#tools.push({
      tool: text(at(call, 'name')),
      callId: text(at(call, 'id')) || undefined,
      itemId: '',
      input: JSON.stringify(at(call, 'args') ?? {}).slice(0, MAX_TEXT),
    })
  }

  observation(): Observation {
    return {
      responseId: this.#responseId,
      usage: this.#usage,
      tools: this.#tools,
      thoughts: [],
      error: this.#error,
      complete: this.#complete,
    }
  }
}

/** Reads a streamed answer of Google's own API. */
export class GenerateContentStreamObserver implements Observer {
  readonly #answers = new Answers()
  readonly #reader = new SseReader((data) => this.#answers.add(parseJson(data)))

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  observation(): Observation {
    this.#reader.end()
    return this.#answers.observation()
  }
}

/** Reads a whole answer of Google's own API. */
export class GenerateContentBodyObserver implements Observer {
  readonly #reader: BodyReader

  constructor(limit: number) {
    this.#reader = new BodyReader(limit)
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  observation(): Observation {
    const answers = new Answers()
    answers.add(parseJson(this.#reader.text() ?? ''))
    return answers.observation()
  }
}

function googleUsage(usage: unknown): TokenUsage {
  const cached = count(at(usage, 'cachedContentTokenCount'))
  const thoughts = count(at(usage, 'thoughtsTokenCount'))
  const prompts = count(at(usage, 'promptTokenCount')) + count(at(usage, 'toolUsePromptTokenCount'))
  return {
    input: Math.max(0, prompts - cached),
    // Unlike elsewhere, what was thought is not part of what was said, and is charged like it.
    output: count(at(usage, 'candidatesTokenCount')) + thoughts,
    cacheRead: cached,
    cacheWrite: 0,
    extras: extras({ output_reasoning: thoughts, total_tokens: at(usage, 'totalTokenCount') }),
  }
}
