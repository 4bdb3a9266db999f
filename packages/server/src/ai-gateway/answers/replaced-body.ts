import type { AnswerBody, UpstreamAnswer } from './upstream.ts'

/** An answer with another body in the place of its own. */
export function withBody(answer: UpstreamAnswer, body: AnswerBody, contentType?: string): UpstreamAnswer {
  const { 'content-length': _, ...headers } = answer.headers
  return {
    status: answer.status,
    headers: contentType === undefined ? headers : { ...headers, 'content-type': contentType },
    body,
  }
}

/** A body of which all is known. */
export function bodyOf(text: string): AnswerBody {
  return {
    async *[Symbol.asyncIterator]() {
      yield Buffer.from(text)
    },
    destroy: () => undefined,
  }
}
