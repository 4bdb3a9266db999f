import type { FastifyReply, FastifyRequest } from 'fastify'

import { describeError, type Logger } from '@slipway/request-log'
import { ApiError, INTERNAL_MESSAGE } from '../errors/index.ts'
import { JSON_BODY_LIMIT } from './body-parser.ts'
import type { RequestMetrics } from './metrics.ts'

/** ID-109. */
const LOGGED_BODY_LENGTH = 4_096

/** The only place that turns an error into a response (ID-88, ID-119, ID-221). */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { log, metrics }: { readonly log: Logger; readonly metrics: RequestMetrics },
): FastifyReply {
  const known = error instanceof ApiError ? error : fromFramework(error, request)
  if (known === undefined || known.status >= 500)
    log.warn('request failed', {
      request_id: request.id,
      stack: describeError(known?.cause ?? error),
    })
  const status = known?.status ?? 500
  if (status === 413) metrics.tooLarge(request.method, request.context.route, reasonOf413(request, known))
  if (known !== undefined) reply.headers(known.headers)
  const body = known?.plainText === true ? known.message : JSON.stringify(envelope(known, request.id))
  if (status >= 500) request.context.logFields.response_body = body.slice(0, LOGGED_BODY_LENGTH)
  return reply
    .code(status)
    .type(known?.plainText === true ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8')
    .send(body)
}

function envelope(known: ApiError | undefined, requestId: string): object {
  if (known === undefined) return { message: INTERNAL_MESSAGE, detail: `Reference: ${requestId}` }
  return {
    message: known.message,
    ...(known.detail === undefined ? {} : { detail: known.detail }),
    ...(known.validations.length === 0 ? {} : { validations: known.validations }),
  }
}

/** Tells bodies over their limit from other refusals for size, and notes the limit in the log (ID-94). */
function reasonOf413(request: FastifyRequest, known: ApiError | undefined): 'request_body' | 'other' {
  if (known?.message !== BODY_TOO_LARGE) return 'other'
  request.context.logFields.max_request_body_bytes = request.routeOptions.bodyLimit ?? JSON_BODY_LIMIT
  return 'request_body'
}

const BODY_TOO_LARGE = 'Request body too large.'

/** Errors that the framework itself raises before a handler runs. */
function fromFramework(error: unknown, request: FastifyRequest): ApiError | undefined {
  // The client has left while it was still sending: nobody's fault, and nobody reads this (ID-119).
  if (error instanceof Error && error === request.raw.errored)
    return new ApiError(400, 'The request body ended too early.')
  if (!(error instanceof Error) || !('code' in error)) return undefined
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ApiError(413, BODY_TOO_LARGE, {
        detail: `Maximum request body size is ${request.routeOptions.bodyLimit ?? JSON_BODY_LIMIT} bytes.`,
      })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ApiError(415, 'Unsupported content type: send application/json.')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new ApiError(400, 'Request body does not have the length that its header says.')
    default:
      return undefined
  }
}
