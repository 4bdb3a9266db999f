import type { FastifyReply, FastifyRequest } from 'fastify'

import type { Route } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import { ApiError, notFound, oauthDocument, SCIM_JSON, scimDocument } from '../errors/index.ts'
import { baseUrl } from './base-url.ts'
import { JSON_BODY_LIMIT } from './body-parser.ts'
import { insufficientScopeChallenge } from './challenge.ts'
import { sendErrorPage } from './error-page.ts'
import type { RequestMetrics } from './metrics.ts'

/** ID-109. */
const LOGGED_BODY_LENGTH = 4_096

/** The only place that turns an error into a response (ID-88, ID-119, ID-221). */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  options: { readonly log: Logger; readonly metrics: RequestMetrics; readonly accessUrl: string },
): FastifyReply {
  const { log, metrics } = options
  const thrown = error instanceof ApiError ? error : fromFramework(error, request)
  const known = thrown === undefined ? undefined : ofScope(thrown, request, options)
  logDenial(known, request, log)
  if (known === undefined || known.status >= 500)
    log.warn('request failed', {
      request_id: request.id,
      stack: describeError(known?.cause ?? error),
    })
  const status = known?.status ?? 500
  if (status === 413) metrics.tooLarge(request.method, request.context.route, reasonOf413(request, known))
  if (known !== undefined) reply.headers(known.headers)
  if (request.routeOptions.config.isPage === true) return answerPage(known, status, request, reply)
  const { errorForm } = request.routeOptions.config
  const text = documentOf(known, errorForm, envelope(known, request.id))
  const body = known?.plainText === true ? known.message : JSON.stringify(text)
  if (status >= 500) request.context.logFields.response_body = body.slice(0, LOGGED_BODY_LENGTH)
  return reply
    .code(status)
    .type(known?.plainText === true ? 'text/plain; charset=utf-8' : typeOf(errorForm))
    .send(body)
}

const CRASHED = 'An internal server error occurred.'
const MISSING = notFound().message

declare module 'fastify' {
  interface FastifyContextConfig {
    /** People open the address in a browser: failures are pages (ID-69). */
    isPage?: boolean
    /** Errors are documents of another kind than the envelope (OA-57, RFC 7644). */
    errorForm?: Route['errors'] | undefined
  }
}

function documentOf(known: ApiError | undefined, form: Route['errors'], envelope: object): object {
  switch (form) {
    case 'oauth':
      return oauthDocument(known, envelope)
    case 'scim':
      return scimDocument(known, envelope)
    case undefined:
      return envelope
  }
}

function typeOf(form: Route['errors']): string {
  return form === 'scim' ? SCIM_JSON : 'application/json; charset=utf-8'
}

function answerPage(
  known: ApiError | undefined,
  status: number,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const ours = status >= 500
  const message = known?.message ?? CRASHED
  if (ours) request.context.logFields.response_body = message.slice(0, LOGGED_BODY_LENGTH)
  return sendErrorPage(reply, {
    status,
    title: ours ? 'The server could not do this' : 'This did not work',
    message: [message, ours ? `Reference: ${request.id}` : known?.detail].filter(Boolean).join(' '),
    next: { label: 'Go to the dashboard', href: '/' },
  })
}

/**
 * A refusal that only the token of the caller is the reason for says what it lacks (ID-216). That is noted for objects
 * that the user may reach, so that nothing is told which they could not find out. A hidden object stays as absent as
 * one that does not exist (ID-92): only the challenge tells that another credential would help (RFC 9110, 11.6.1).
 */
function ofScope(thrown: ApiError, request: FastifyRequest, { accessUrl }: { accessUrl: string }): ApiError {
  const denial = request.context?.denial
  if (denial?.lacks === undefined) return thrown
  const hidden = thrown.status === 404 && thrown.message === MISSING
  if (!hidden && thrown.status !== 403) return thrown
  const scope = denial.lacks === 'permission' ? `${denial.object.type}:${denial.action}` : undefined
  const challenge = insufficientScopeChallenge(
    { base: baseUrl(request.context, accessUrl), route: request.context.route },
    scope,
  )
  return new ApiError(thrown.status, thrown.message, {
    detail: hidden ? thrown.detail : lackOf(scope),
    validations: thrown.validations,
    headers: { ...thrown.headers, 'WWW-Authenticate': challenge },
    body: thrown.body,
    plainText: thrown.plainText,
  })
}

function lackOf(scope: string | undefined): string {
  return scope === undefined
    ? 'The allow list of the token does not hold what this is done to.'
    : `The token lacks the scope ${scope}.`
}

/** RB-69: why somebody was refused is for the operator and not for them. */
function logDenial(known: ApiError | undefined, request: FastifyRequest, log: Logger): void {
  const denial = request.context?.denial
  if (denial === undefined || (known?.status !== 403 && known?.status !== 404)) return
  if (!log.enabled('debug')) return
  const { subject, action, object, lacks } = denial
  log.debug('authorization denied', {
    request_id: request.id,
    subject,
    action,
    object_type: object.type,
    object_id: object.id,
    object_owner: object.owner,
    object_organization: object.organization,
    lacks,
  })
}

function envelope(known: ApiError | undefined, requestId: string): object {
  if (known === undefined) return { message: CRASHED, detail: `Reference: ${requestId}` }
  return {
    message: known.message,
    ...(known.detail === undefined ? {} : { detail: known.detail }),
    ...(known.validations.length === 0 ? {} : { validations: known.validations }),
    ...known.body,
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
    // RFC 10008, section 2: of the method QUERY, whose requests are nothing without what they ask.
    case 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE':
      return new ApiError(400, `A ${request.method} request must say its Content-Type.`)
    default:
      return undefined
  }
}
