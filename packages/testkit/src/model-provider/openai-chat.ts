import type { Finish, StreamError, Usage } from './turn.ts'
import {
  type AnswerHead,
  callsOf,
  event,
  type PlannedCall,
  type StreamEncoder,
  textOf,
  type Wire,
} from './wire.ts'

/** Seconds of the Unix epoch at which every answer says it was made. */
const CREATED = 1_760_000_000

/** OpenAI's chat completions. Reasoning is `reasoning_content`, as compatible providers have it. */
export const openaiChat: Wire = {
  contentType: 'text/event-stream; charset=utf-8',
  requestIdHeader: 'x-request-id',
  callId: (number) => `call_${number}`,
  stream: (head) => new ChatStream(head),
  whole(head, blocks, finish) {
    const calls = callsOf(blocks)
    const reasoning = textOf(blocks, 'reasoning')
    const text = textOf(blocks, 'text')
    return {
      id: `chatcmpl-${head.number}`,
      object: 'chat.completion',
      created: CREATED,
      model: head.model,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: text === '' ? null : text,
            refusal: null,
            ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
            ...(calls.length === 0
              ? {}
              : {
                  tool_calls: calls.map(({ id, name, args }) => ({
                    id,
                    type: 'function',
                    function: { name, arguments: args },
                  })),
                }),
          },
          logprobs: null,
          finish_reason: finish,
        },
      ],
      usage: usageOf(head.usage),
      service_tier: 'default',
      system_fingerprint: 'fp_1',
    }
  },
  refusal: openaiError,
}

/** An error of OpenAI's, in both of its protocols. */
export function openaiError(status: number, message: string, type = errorType(status)): unknown {
  return { error: { message, type, param: null, code: errorCode(status) } }
}

function errorType(status: number): string {
  if (status === 429) return 'rate_limit_error'
  if (status >= 500) return 'server_error'
  return 'invalid_request_error'
}

function errorCode(status: number): string | null {
  switch (status) {
    case 401:
      return 'invalid_api_key'
    case 404:
      return 'model_not_found'
    case 429:
      return 'rate_limit_exceeded'
    default:
      return null
  }
}

function usageOf({ input, cached, cacheWritten, output, reasoning }: Required<Usage>): unknown {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWritten, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

class ChatStream implements StreamEncoder {
  readonly #head: AnswerHead
  readonly #withUsage: boolean
  readonly #indexes = new Map<PlannedCall, number>()

  constructor(head: AnswerHead) {
    this.#head = head
    this.#withUsage = Object(head.asked.stream_options).include_usage === true
  }

  #chunk(choices: readonly unknown[], usage: unknown = null): string {
    return event({
      id: `chatcmpl-${this.#head.number}`,
      object: 'chat.completion.chunk',
      created: CREATED,
      model: this.#head.model,
      service_tier: 'default',
      system_fingerprint: 'fp_1',
      choices,
      ...(this.#withUsage ? { usage } : {}),
    })
  }

  #delta(delta: unknown, finish: Finish | null = null): string {
    return this.#chunk([{ index: 0, delta, logprobs: null, finish_reason: finish }])
  }

  begin() {
    return [this.#delta({ role: 'assistant', content: '', refusal: null })]
  }

  text(delta: string) {
    return [this.#delta({ content: delta })]
  }

  reasoning(delta: string) {
    return delta === '' ? [] : [this.#delta({ reasoning_content: delta })]
  }

  redacted() {
    return []
  }

  callBegins(call: PlannedCall) {
    const index = this.#indexes.size
    this.#indexes.set(call, index)
    return [
      this.#delta({
        tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }],
      }),
    ]
  }

  callGoesOn(call: PlannedCall, piece: string) {
    return [this.#delta({ tool_calls: [{ index: this.#indexes.get(call), function: { arguments: piece } }] })]
  }

  callEnds() {
    return []
  }

  ping() {
    return [': ping\n\n']
  }

  error({ message, type }: StreamError) {
    return [event({ error: { message, type, param: null, code: null } })]
  }

  end(finish: Finish) {
    return [
      this.#delta({}, finish),
      ...(this.#withUsage ? [this.#chunk([], usageOf(this.#head.usage))] : []),
      event('[DONE]'),
    ]
  }
}
