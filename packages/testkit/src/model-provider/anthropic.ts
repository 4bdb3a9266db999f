import type { Finish, StreamError, Usage } from './turn.ts'
import {
  type AnswerHead,
  type Block,
  event,
  type PlannedCall,
  parsedArgs,
  type StreamEncoder,
  type Wire,
} from './wire.ts'

/** Anthropic's messages. */
export const anthropic: Wire = {
  contentType: 'text/event-stream; charset=utf-8',
  requestIdHeader: 'request-id',
  callId: (number) => `toolu_${number}`,
  stream: (head) => new MessageStream(head),
  whole: (head, blocks, finish) => ({
    ...messageOf(head),
    content: blocks.map(contentOf),
    stop_reason: stopReason(finish),
    usage: usageOf(head.usage),
  }),
  refusal: (status, message, type = errorType(status)) => ({
    type: 'error',
    error: { type, message },
    request_id: 'req_refused',
  }),
}

function errorType(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error'
    case 402:
      return 'billing_error'
    case 403:
      return 'permission_error'
    case 404:
      return 'not_found_error'
    case 413:
      return 'request_too_large'
    case 429:
      return 'rate_limit_error'
    case 504:
      return 'timeout_error'
    case 529:
      return 'overloaded_error'
    default:
      return status >= 500 ? 'api_error' : 'invalid_request_error'
  }
}

function messageOf(head: AnswerHead) {
  return {
    id: `msg_${head.number}`,
    type: 'message',
    role: 'assistant',
    model: head.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  }
}

function contentOf(block: Block): unknown {
  switch (block.kind) {
    case 'text':
      return { type: 'text', text: block.text, citations: null }
    case 'reasoning':
      return { type: 'thinking', thinking: block.text, signature: block.signature ?? '' }
    case 'redacted':
      return { type: 'redacted_thinking', data: block.data }
    case 'call':
      return {
        type: 'tool_use',
        id: block.call.id,
        name: block.call.name,
        input: parsedArgs(block.call.args),
      }
  }
}

function stopReason(finish: Finish): string {
  switch (finish) {
    case 'stop':
      return 'end_turn'
    case 'length':
      return 'max_tokens'
    case 'content_filter':
      return 'refusal'
    case 'tool_calls':
      return 'tool_use'
  }
}

/** The input that this protocol counts is what was neither read from the cache nor written to it. */
function usageOf({ input, cached, cacheWritten, output, reasoning }: Required<Usage>) {
  return {
    input_tokens: input - cached - cacheWritten,
    cache_creation_input_tokens: cacheWritten,
    cache_read_input_tokens: cached,
    cache_creation: { ephemeral_5m_input_tokens: cacheWritten, ephemeral_1h_input_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { thinking_tokens: reasoning },
    service_tier: 'standard',
  }
}

class MessageStream implements StreamEncoder {
  readonly #head: AnswerHead
  readonly #indexes = new Map<PlannedCall, number>()
  /** The block of text or thinking that deltas go to. */
  #open: { readonly kind: 'text' | 'thinking'; readonly index: number } | undefined
  #next = 0

  constructor(head: AnswerHead) {
    this.#head = head
  }

  begin() {
    const { output_tokens_details: _, ...usage } = usageOf({ ...this.#head.usage, output: 1 })
    return [named({ type: 'message_start', message: { ...messageOf(this.#head), usage } }), ...this.ping()]
  }

  text(delta: string) {
    return [...this.#opened('text'), this.#delta({ type: 'text_delta', text: delta })]
  }

  reasoning(delta: string, signature: string | undefined) {
    const events = this.#opened('thinking')
    if (delta !== '') events.push(this.#delta({ type: 'thinking_delta', thinking: delta }))
    if (signature !== undefined)
      events.push(this.#delta({ type: 'signature_delta', signature }), ...this.#closed())
    return events
  }

  redacted(data: string) {
    const index = this.#next++
    return [...this.#closed(), start(index, { type: 'redacted_thinking', data }), stop(index)]
  }

  callBegins(call: PlannedCall) {
    const closed = this.#closed()
    const index = this.#next++
    this.#indexes.set(call, index)
    return [
      ...closed,
      start(index, { type: 'tool_use', id: call.id, name: call.name, input: {} }),
      delta(index, { type: 'input_json_delta', partial_json: '' }),
    ]
  }

  callGoesOn(call: PlannedCall, piece: string) {
    return [delta(this.#indexOf(call), { type: 'input_json_delta', partial_json: piece })]
  }

  callEnds(call: PlannedCall) {
    return [stop(this.#indexOf(call))]
  }

  ping() {
    return [named({ type: 'ping' })]
  }

  error({ message, type }: StreamError) {
    return [named({ type: 'error', error: { type, message } })]
  }

  end(finish: Finish) {
    return [
      ...this.#closed(),
      named({
        type: 'message_delta',
        delta: { stop_reason: stopReason(finish), stop_sequence: null },
        usage: usageOf(this.#head.usage),
      }),
      named({ type: 'message_stop' }),
    ]
  }

  #indexOf(call: PlannedCall): number {
    return this.#indexes.get(call) ?? 0
  }

  #delta(what: unknown): string {
    return delta(this.#open?.index ?? 0, what)
  }

  #opened(kind: 'text' | 'thinking'): string[] {
    if (this.#open?.kind === kind) return []
    const events = this.#closed()
    const index = this.#next++
    this.#open = { kind, index }
    events.push(
      start(
        index,
        kind === 'text' ? { type: 'text', text: '' } : { type: 'thinking', thinking: '', signature: '' },
      ),
    )
    return events
  }

  #closed(): string[] {
    if (this.#open === undefined) return []
    const { index } = this.#open
    this.#open = undefined
    return [stop(index)]
  }
}

function named(data: { readonly type: string; readonly [name: string]: unknown }): string {
  return event(data, data.type)
}

function start(index: number, block: unknown): string {
  return named({ type: 'content_block_start', index, content_block: block })
}

function delta(index: number, what: unknown): string {
  return named({ type: 'content_block_delta', index, delta: what })
}

function stop(index: number): string {
  return named({ type: 'content_block_stop', index })
}
