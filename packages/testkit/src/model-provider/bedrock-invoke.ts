import { anthropic } from './anthropic.ts'
import { eventStreamMessage } from './aws-event-stream.ts'
import { exceptionOf } from './bedrock-converse.ts'
import type { Finish, StreamError } from './turn.ts'
import type { AnswerHead, PlannedCall, StreamEncoder, Wire, WireEvent } from './wire.ts'

/** Amazon Bedrock's `invoke` with a model of Anthropic's: its messages, framed by Amazon. */
export const bedrockInvoke: Wire = {
  contentType: 'application/vnd.amazon.eventstream',
  requestIdHeader: 'x-amzn-requestid',
  callId: anthropic.callId,
  stream: (head) => new InvokeStream(head),
  whole: anthropic.whole,
  refusal: (_status, message) => ({ message }),
}

class InvokeStream implements StreamEncoder {
  readonly #inner: StreamEncoder

  constructor(head: AnswerHead) {
    this.#inner = anthropic.stream(head)
  }

  begin() {
    return this.#inner.begin().map(framed)
  }

  text(delta: string) {
    return this.#inner.text(delta).map(framed)
  }

  reasoning(delta: string, signature: string | undefined) {
    return this.#inner.reasoning(delta, signature).map(framed)
  }

  redacted(data: string) {
    return this.#inner.redacted(data).map(framed)
  }

  callBegins(call: PlannedCall) {
    return this.#inner.callBegins(call).map(framed)
  }

  callGoesOn(call: PlannedCall, piece: string) {
    return this.#inner.callGoesOn(call, piece).map(framed)
  }

  callEnds(call: PlannedCall) {
    return this.#inner.callEnds(call).map(framed)
  }

  ping() {
    return this.#inner.ping().map(framed)
  }

  error({ message, type }: StreamError) {
    return [eventStreamMessage({ exception: exceptionOf(type) }, { message })]
  }

  end(finish: Finish) {
    return this.#inner.end(finish).map(framed)
  }
}

/** The data of an event, as Amazon wraps it. */
function framed(event: WireEvent): Uint8Array {
  const [, data = ''] = /^data: (.*)$/m.exec(String(event)) ?? []
  return eventStreamMessage({ event: 'chunk' }, { bytes: Buffer.from(data).toString('base64') })
}
