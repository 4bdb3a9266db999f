import { openaiError } from './openai-chat.ts'
import type { Finish, StreamError, Usage } from './turn.ts'
import {
  type AnswerHead,
  type Block,
  event,
  type PlannedCall,
  type StreamEncoder,
  type Wire,
} from './wire.ts'

/** Seconds of the Unix epoch at which every answer says it was made. */
const CREATED = 1_760_000_000

/** OpenAI's responses. Reasoning is a summary, and its signature the encrypted content. */
export const openaiResponses: Wire = {
  contentType: 'text/event-stream; charset=utf-8',
  requestIdHeader: 'x-request-id',
  callId: (number) => `call_${number}`,
  stream: (head) => new ResponseStream(head),
  whole: (head, blocks, finish) =>
    finished(
      head,
      blocks.map((block, index) => itemOf(head, block, index)),
      finish,
    ),
  refusal: openaiError,
}

type Item = Readonly<Record<string, unknown>> & { readonly id: string }

function responseOf(head: AnswerHead, more: Readonly<Record<string, unknown>>) {
  return {
    id: `resp_${head.number}`,
    object: 'response',
    created_at: CREATED,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model: head.model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    ...more,
  }
}

function finished(head: AnswerHead, output: readonly Item[], finish: Finish) {
  const usage = usageOf(head.usage)
  switch (finish) {
    case 'stop':
    case 'tool_calls':
      return responseOf(head, { status: 'completed', output, usage })
    case 'length':
      return responseOf(head, {
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output,
        usage,
      })
    case 'content_filter':
      return responseOf(head, {
        status: 'incomplete',
        incomplete_details: { reason: 'content_filter' },
        output,
        usage,
      })
  }
}

function usageOf({ input, cached, cacheWritten, output, reasoning }: Required<Usage>): unknown {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWritten },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}

/** A complete item of the output. */
function itemOf(head: AnswerHead, block: Block, index: number): Item {
  const suffix = `${head.number}_${index}`
  switch (block.kind) {
    case 'text':
      return {
        id: `msg_${suffix}`,
        type: 'message',
        status: 'completed',
        role: 'assistant',
        content: [textPart(block.text)],
      }
    case 'reasoning':
      return {
        id: `rs_${suffix}`,
        type: 'reasoning',
        summary: block.text === '' ? [] : [summaryPart(block.text)],
        ...(block.signature === undefined ? {} : { encrypted_content: block.signature }),
      }
    case 'redacted':
      return { id: `rs_${suffix}`, type: 'reasoning', summary: [], encrypted_content: block.data }
    case 'call':
      return {
        id: `fc_${suffix}`,
        type: 'function_call',
        status: 'completed',
        call_id: block.call.id,
        name: block.call.name,
        arguments: block.call.args,
      }
  }
}

function textPart(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function summaryPart(text: string) {
  return { type: 'summary_text', text }
}

class ResponseStream implements StreamEncoder {
  readonly #head: AnswerHead
  /** Complete items by their index in the output. */
  readonly #output: Item[] = []
  readonly #indexes = new Map<PlannedCall, number>()
  #open:
    | { readonly kind: 'text' | 'reasoning'; readonly index: number; readonly id: string; text: string }
    | undefined
  #items = 0
  #sequence = 0

  constructor(head: AnswerHead) {
    this.#head = head
  }

  begin() {
    const response = responseOf(this.#head, {})
    return [this.#event('response.created', { response }), this.#event('response.in_progress', { response })]
  }

  text(delta: string) {
    const events = this.#opened('text')
    events.push(this.#delta('response.output_text.delta', { content_index: 0, delta, logprobs: [] }))
    return events
  }

  reasoning(delta: string, signature: string | undefined) {
    const events = this.#opened('reasoning')
    if (delta !== '') {
      if (this.#open?.text === '')
        events.push(
          this.#of('response.reasoning_summary_part.added', { summary_index: 0, part: summaryPart('') }),
        )
      events.push(this.#delta('response.reasoning_summary_text.delta', { summary_index: 0, delta }))
    }
    if (signature !== undefined) events.push(...this.#closed(signature))
    return events
  }

  redacted(data: string) {
    const events = this.#closed()
    const index = this.#items++
    const item = itemOf(this.#head, { kind: 'redacted', data }, index)
    events.push(
      this.#event('response.output_item.added', { output_index: index, item }),
      this.#done(index, item),
    )
    return events
  }

  callBegins(call: PlannedCall) {
    const events = this.#closed()
    const index = this.#items++
    this.#indexes.set(call, index)
    const item = { ...this.#callItem(call), status: 'in_progress', arguments: '' }
    events.push(this.#event('response.output_item.added', { output_index: index, item }))
    return events
  }

  callGoesOn(call: PlannedCall, piece: string) {
    return [
      this.#event('response.function_call_arguments.delta', {
        item_id: this.#callItem(call).id,
        output_index: this.#indexOf(call),
        delta: piece,
      }),
    ]
  }

  callEnds(call: PlannedCall) {
    const item = this.#callItem(call)
    return [
      this.#event('response.function_call_arguments.done', {
        item_id: item.id,
        output_index: this.#indexOf(call),
        name: call.name,
        arguments: call.args,
      }),
      this.#done(this.#indexOf(call), item),
    ]
  }

  ping() {
    return [': ping\n\n']
  }

  error({ message, type, asErrorEvent }: StreamError) {
    if (asErrorEvent) return [this.#event('error', { code: type, message, param: null })]
    const response = responseOf(this.#head, { status: 'failed', error: { code: type, message } })
    return [this.#event('response.failed', { response })]
  }

  end(finish: Finish) {
    const events = this.#closed()
    const response = finished(this.#head, this.#output, finish)
    events.push(this.#event(`response.${response.status}`, { response }))
    return events
  }

  #event(type: string, more: Readonly<Record<string, unknown>>): string {
    this.#sequence += 1
    return event({ type, sequence_number: this.#sequence - 1, ...more }, type)
  }

  /** An event of the open item. */
  #of(type: string, more: Readonly<Record<string, unknown>>): string {
    return this.#event(type, { item_id: this.#open?.id, output_index: this.#open?.index, ...more })
  }

  #delta(type: string, more: Readonly<Record<string, unknown>> & { readonly delta: string }): string {
    if (this.#open !== undefined) this.#open.text += more.delta
    return this.#of(type, more)
  }

  #done(index: number, item: Item): string {
    this.#output[index] = item
    return this.#event('response.output_item.done', { output_index: index, item })
  }

  #indexOf(call: PlannedCall): number {
    return this.#indexes.get(call) ?? 0
  }

  #callItem(call: PlannedCall): Item {
    return itemOf(this.#head, { kind: 'call', call }, this.#indexOf(call))
  }

  #opened(kind: 'text' | 'reasoning'): string[] {
    if (this.#open?.kind === kind) return []
    const events = this.#closed()
    const index = this.#items++
    const complete = itemOf(this.#head, { kind, text: '', signature: undefined }, index)
    const item = kind === 'text' ? { ...complete, status: 'in_progress', content: [] } : complete
    this.#open = { kind, index, id: item.id, text: '' }
    events.push(this.#event('response.output_item.added', { output_index: index, item }))
    if (kind === 'text')
      events.push(this.#of('response.content_part.added', { content_index: 0, part: textPart('') }))
    return events
  }

  #closed(signature?: string): string[] {
    if (this.#open === undefined) return []
    const { kind, index, text } = this.#open
    const events: string[] = []
    if (kind === 'text')
      events.push(
        this.#of('response.output_text.done', { content_index: 0, text, logprobs: [] }),
        this.#of('response.content_part.done', { content_index: 0, part: textPart(text) }),
      )
    else if (text !== '')
      events.push(
        this.#of('response.reasoning_summary_text.done', { summary_index: 0, text }),
        this.#of('response.reasoning_summary_part.done', { summary_index: 0, part: summaryPart(text) }),
      )
    this.#open = undefined
    events.push(this.#done(index, itemOf(this.#head, { kind, text, signature }, index)))
    return events
  }
}
