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

/**
 * Google's Gemini. Tool calls come in one piece; the signature of reasoning stands on its last part; redacted reasoning
 * does not exist.
 */
export const gemini: Wire = {
  contentType: 'text/event-stream',
  requestIdHeader: 'x-request-id',
  callId: (number) => `call-${number}`,
  stream: (head) => new ContentStream(head),
  whole: (head, blocks, finish) => answerOf(head, blocks.flatMap(partsOf), finish),
  refusal: (status, message, type = errorStatus(status)) => ({
    error: { code: status, message, status: type },
  }),
}

function errorStatus(status: number): string {
  switch (status) {
    case 400:
      return 'INVALID_ARGUMENT'
    case 401:
      return 'UNAUTHENTICATED'
    case 403:
      return 'PERMISSION_DENIED'
    case 404:
      return 'NOT_FOUND'
    case 429:
      return 'RESOURCE_EXHAUSTED'
    case 503:
      return 'UNAVAILABLE'
    case 504:
      return 'DEADLINE_EXCEEDED'
    default:
      return status >= 500 ? 'INTERNAL' : 'FAILED_PRECONDITION'
  }
}

function statusOf(type: string): number {
  switch (type) {
    case 'RESOURCE_EXHAUSTED':
      return 429
    case 'UNAVAILABLE':
      return 503
    default:
      return 500
  }
}

function finishReason(finish: Finish): string {
  switch (finish) {
    case 'stop':
    case 'tool_calls':
      return 'STOP'
    case 'length':
      return 'MAX_TOKENS'
    case 'content_filter':
      return 'SAFETY'
  }
}

/** Reasoning is no part of the candidates' tokens here. */
function usageOf({ input, cached, output, reasoning }: Required<Usage>): unknown {
  return {
    promptTokenCount: input,
    cachedContentTokenCount: cached,
    candidatesTokenCount: output - reasoning,
    thoughtsTokenCount: reasoning,
    totalTokenCount: input + output,
  }
}

function answerOf(head: AnswerHead, parts: readonly unknown[], finish?: Finish): unknown {
  return {
    candidates: [
      {
        content: { parts, role: 'model' },
        index: 0,
        ...(finish === undefined ? {} : { finishReason: finishReason(finish) }),
      },
    ],
    ...(finish === undefined ? {} : { usageMetadata: usageOf(head.usage) }),
    modelVersion: head.model,
    responseId: `response-${head.number}`,
  }
}

function partsOf(block: Block): readonly unknown[] {
  switch (block.kind) {
    case 'text':
      return [{ text: block.text }]
    case 'reasoning': {
      const { text, signature } = block
      return [{ text, thought: true, ...(signature === undefined ? {} : { thoughtSignature: signature }) }]
    }
    case 'redacted':
      return []
    case 'call': {
      const { id, name, args } = block.call
      return [{ functionCall: { id, name, args: parsedArgs(args) } }]
    }
  }
}

class ContentStream implements StreamEncoder {
  readonly #head: AnswerHead

  constructor(head: AnswerHead) {
    this.#head = head
  }

  #part(block: Block): readonly string[] {
    return [event(answerOf(this.#head, partsOf(block)))]
  }

  begin() {
    return []
  }

  text(delta: string) {
    return this.#part({ kind: 'text', text: delta })
  }

  reasoning(delta: string, signature: string | undefined) {
    return this.#part({ kind: 'reasoning', text: delta, signature })
  }

  redacted() {
    return []
  }

  callBegins() {
    return []
  }

  callGoesOn() {
    return []
  }

  callEnds(call: PlannedCall) {
    return this.#part({ kind: 'call', call })
  }

  ping() {
    return [': ping\n\n']
  }

  error({ message, type }: StreamError) {
    return [event({ error: { code: statusOf(type), message, status: type } })]
  }

  end(finish: Finish) {
    return [event(answerOf(this.#head, [{ text: '' }], finish))]
  }
}
