import type { FastifyRequest } from 'fastify'

import { type LogFields, type Logger, safeQueryFields } from '@slipway/request-log'

/** The one line of a request: debug below 500, warn from there on (ID-108…ID-112). */
export function logRequest(log: Logger, request: FastifyRequest, status: number, ms: number): void {
  const level = status >= 500 ? 'warn' : 'debug'
  if (!log.enabled(level)) return
  const context = request.context
  const at = request.url.indexOf('?')
  const owner = context.precheck.ok ? context.precheck.owner : undefined
  const rounded = Math.round(ms * 1000) / 1000
  // One shape for all requests, because it is the costliest step of a cheap one; absent values are not written.
  const fields: Record<string, LogFields[string]> = {
    request_id: context.id,
    user_agent: request.headers['user-agent'],
    host: context.host,
    received_host: context.receivedHost,
    path: at < 0 ? request.url : request.url.slice(0, at),
    route: context.route,
    proto: request.raw.httpVersion === '1.1' ? 'HTTP/1.1' : `HTTP/${request.raw.httpVersion}`,
    remote_addr: context.remoteAddress,
    start: isoTime(context.startedAt),
    status_code: status,
    took: `${rounded}ms`,
    latency_ms: rounded,
    statements: context.statements,
    api_key_id: context.apiKeyId,
    requestor_id: owner?.id,
    requestor_name: owner?.username,
    requestor_email: owner?.email,
  }
  const params: unknown = request.params
  if (typeof params === 'object' && params !== null)
    for (const [name, value] of Object.entries(params)) fields[`params_${name}`] = String(value)
  if (at >= 0) Object.assign(fields, safeQueryFields(request.url.slice(at + 1)))
  log[level](request.method, Object.assign(fields, context.logFields))
}

let lastTime = 0
let lastText = ''

/** Many requests start in the same millisecond, and writing a time costs as much as many fields. */
function isoTime(ms: number): string {
  if (ms !== lastTime) {
    lastTime = ms
    lastText = new Date(ms).toISOString()
  }
  return lastText
}
