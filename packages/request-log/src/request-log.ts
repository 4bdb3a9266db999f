import type { IncomingMessage } from 'node:http'

import { describeError, type LogFields, type Logger } from './logger.ts'
import { safeQueryFields } from './query-fields.ts'

/** The part of a Fastify instance that the request log hooks into; HTTP/1 and HTTP/2 instances both fit. */
interface Hooked {
  addHook(
    name: 'onRequest',
    hook: (request: LoggedRequest, reply: LoggedReply, done: () => void) => void,
  ): unknown
  addHook(
    name: 'onResponse',
    hook: (request: LoggedRequest, reply: LoggedReply, done: () => void) => void,
  ): unknown
  setErrorHandler(handler: (error: unknown, request: LoggedRequest, reply: LoggedReply) => unknown): unknown
}
interface LoggedRequest {
  readonly method: string
  readonly url: string
  readonly ip: string
  readonly id: string
  readonly host: string
  readonly params: unknown
  readonly raw: Pick<IncomingMessage, 'httpVersion'>
  readonly routeOptions: { readonly url?: string | undefined }
}
interface LoggedReply {
  readonly statusCode: number
  readonly elapsedTime: number
  readonly sent: boolean
  code(status: number): LoggedReply
  send(body: unknown): unknown
}

/** How {@link requestLog} is fitted to a server. */
export interface RequestLogOptions {
  readonly log: Logger
  /** Status and body of a thrown error; an error that this does not know is a 500. */
  readonly describe?: (error: unknown) => { readonly status: number; readonly body: object } | undefined
}

/**
 * Puts request log and recovery on a Fastify instance: one structured line per request, debug below 500 and
 * warn from 500 on, and an error thrown in a handler becomes a 500 answer with its stack in the log, so that
 * one bad request never ends the process (ID-108, ID-119, AC-122). Knows neither permissions nor a database,
 * because the agent in a workspace carries it too (ID-113).
 */
export function requestLog(server: Hooked, options: RequestLogOptions): void {
  const causes = new WeakMap<LoggedRequest, string>()
  server.setErrorHandler((error, request, reply) => {
    const known = options.describe?.(error)
    const status = known?.status ?? 500
    if (status >= 500) {
      causes.set(request, describeError(error))
      options.log.warn('panic serving http request (recovered)', {
        request_id: request.id,
        stack: describeError(error),
      })
    }
    if (reply.sent) return
    return reply.code(status).send(known?.body ?? { message: 'An internal server error occurred.' })
  })
  server.addHook('onResponse', (request, reply, done) => {
    const level = reply.statusCode >= 500 ? 'warn' : 'debug'
    if (options.log.enabled(level))
      options.log[level](request.method, fieldsOf(request, reply, causes.get(request)))
    done()
  })
}

function fieldsOf(request: LoggedRequest, reply: LoggedReply, cause: string | undefined): LogFields {
  const [path = '/', search = ''] = request.url.split('?', 2)
  const fields: Record<string, string | number> = {
    request_id: request.id,
    host: request.host,
    path,
    route: request.routeOptions.url ?? 'UNKNOWN',
    proto: `HTTP/${request.raw.httpVersion}`,
    remote_addr: request.ip,
    status_code: reply.statusCode,
    latency_ms: Math.round(reply.elapsedTime * 1000) / 1000,
    ...safeQueryFields(search),
  }
  if (typeof request.params === 'object' && request.params !== null)
    for (const [name, value] of Object.entries(request.params)) fields[`params_${name}`] = String(value)
  if (cause !== undefined) fields.cause = cause
  return fields
}
