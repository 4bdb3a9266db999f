import { eventStreamMessage } from './aws-event-stream.ts'
import type { Finish, StreamError, Usage } from './turn.ts'
import {
  type AnswerHead,
  type Block,
  type PlannedCall,
  parsedArgs,
  type StreamEncoder,
  type Wire,
} from './wire.ts'

/** Amazon Bedrock's `converse`. */
export const bedrockConverse: Wire = {
  contentType: 'application/vnd.amazon.eventstream',
  requestIdHeader: 'x-amzn-requestid',
  callId: (number) => `tooluse_${number}`,
  stream: (head) => new ConverseStream(head),
  whole: (head, blocks, finish) => ({
    metrics: { latencyMs: 1 },
    output: { message: { role: 'assistant', content: blocks.map(contentOf) } },
    stopReason: stopReason(finish),
    usage: usageOf(head.usage),
  }),
  refusal: (_status, message) => ({ message }),
}

/** The exception for a type of another provider's errors; Amazon's own types stay. */
export function exceptionOf(type: string): string {
  if (type.endsWith('Exception')) return type
  switch (type) {
    case 'overloaded_error':
      return 'serviceUnavailableException'
    case 'rate_limit_error':
      return 'throttlingException'
    default:
      return 'modelStreamErrorException'
  }
}

function stopReason(finish: Finish): string {
  switch (finish) {
    case 'stop':
      return 'end_turn'
    case 'length':
      return 'max_tokens'
    case 'content_filter':
      return 'content_filtered'
    case 'tool_calls':
      return 'tool_use'
  }
}

/** The input that is counted here is what was neither read from the cache nor written to it. */
function usageOf({ input, cached, cacheWritten, output }: Required<Usage>): unknown {
  return {
    inputTokens: input - cached - cacheWritten,
    cacheReadInputTokens: cached,
    cacheWriteInputTokens: cacheWritten,
    outputTokens: output,
    totalTokens: input + output,
  }
}

function contentOf(block: Block): unknown {
  switch (block.kind) {
    case 'text':
      return { text: block.text }
    case 'reasoning': {
      const { text, signature } = block
      return {
        reasoningContent: { reasoningText: { text, ...(signature === undefined ? {} : { signature }) } },
      }
    }
    case 'redacted':
      return { reasoningContent: { redactedContent: base64(block.data) } }
    case 'call': {
      const { id, name, args } = block.call
      return { toolUse: { toolUseId: id, name, input: parsedArgs(args) } }
    }
  }
}

class ConverseStream implements StreamEncoder {
  readonly #head: AnswerHead
  readonly #indexes = new Map<PlannedCall, number>()
  #open: { readonly kind: 'text' | 'reasoning'; readonly index: number } | undefined
  #next = 0

  constructor(head: AnswerHead) {
    this.#head = head
  }

  begin() {
    return [message('messageStart', { role: 'assistant' })]
  }

  text(text: string) {
    return this.#inBlock('text', { text })
  }

  reasoning(text: string, signature: string | undefined) {
    const events = text === '' ? [] : this.#inBlock('reasoning', { reasoningContent: { text } })
    if (signature !== undefined)
      events.push(...this.#inBlock('reasoning', { reasoningContent: { signature } }), ...this.#closed())
    return events
  }

  redacted(data: string) {
    const events = this.#closed()
    const index = this.#next++
    events.push(delta(index, { reasoningContent: { redactedContent: base64(data) } }), stop(index))
    return events
  }

  callBegins(call: PlannedCall) {
    const events = this.#closed()
    const index = this.#next++
    this.#indexes.set(call, index)
    const start = { toolUse: { toolUseId: call.id, name: call.name } }
    events.push(message('contentBlockStart', { contentBlockIndex: index, start }))
    return events
  }

  callGoesOn(call: PlannedCall, input: string) {
    return [delta(this.#indexes.get(call) ?? 0, { toolUse: { input } })]
  }

  callEnds(call: PlannedCall) {
    return [stop(this.#indexes.get(call) ?? 0)]
  }

  /** This protocol has no sign of life. */
  ping() {
    return []
  }

  error({ message: text, type }: StreamError) {
    return [eventStreamMessage({ exception: exceptionOf(type) }, { message: text })]
  }

  end(finish: Finish) {
    return [
      ...this.#closed(),
      message('messageStop', { stopReason: stopReason(finish) }),
      message('metadata', { usage: usageOf(this.#head.usage), metrics: { latencyMs: 1 } }),
    ]
  }

  #inBlock(kind: 'text' | 'reasoning', what: unknown): Uint8Array[] {
    if (this.#open?.kind === kind) return [delta(this.#open.index, what)]
    const events = this.#closed()
    const index = this.#next++
    this.#open = { kind, index }
    events.push(delta(index, what))
    return events
  }

  #closed(): Uint8Array[] {
    if (this.#open === undefined) return []
    const { index } = this.#open
    this.#open = undefined
    return [stop(index)]
  }
}

function message(name: string, payload: unknown): Uint8Array {
  return eventStreamMessage({ event: name }, payload)
}

function delta(index: number, what: unknown): Uint8Array {
  return message('contentBlockDelta', { contentBlockIndex: index, delta: what })
}

function stop(index: number): Uint8Array {
  return message('contentBlockStop', { contentBlockIndex: index })
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
