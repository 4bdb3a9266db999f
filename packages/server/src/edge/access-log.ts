import type { FastifyRequest } from 'fastify'

import { type Logger, safeQueryFields } from '@slipway/request-log'
import type { Precheck } from './precheck.ts'

/** The one line of a request: debug below 500, warn from there on (ID-108…ID-112). */
export function logRequest(log: Logger, request: FastifyRequest, status: number, ms: number): void {
  const level = status >= 500 ? 'warn' : 'debug'
  if (!log.enabled(level)) return
  const context = request.context
  const at = request.url.indexOf('?')
  const rounded = Math.round(ms * 1000) / 1000
  // Written by hand, as it is the costliest step of a cheap request: measured, a third of what a general one takes.
  let members =
    text('request_id', context.id) +
    text('user_agent', request.headers['user-agent']) +
    text('host', context.host) +
    text('received_host', context.receivedHost) +
    text('path', at < 0 ? request.url : request.url.slice(0, at)) +
    text('route', context.route) +
    text('proto', `HTTP/${request.raw.httpVersion}`) +
    text('remote_addr', context.remoteAddress) +
    `,"start":"${isoTime(context.startedAt)}","took":"${rounded}ms","status_code":${status}` +
    `,"latency_ms":${rounded},"statements":${context.statements}` +
    text('api_key_id', context.apiKeyId) +
    requestor(context.precheck)
  const params: unknown = request.params
  if (typeof params === 'object' && params !== null)
    for (const [name, value] of Object.entries(params)) members += text(`params_${name}`, String(value))
  if (at >= 0)
    for (const [name, value] of Object.entries(safeQueryFields(request.url.slice(at + 1))))
      members += text(name, value)
  for (const [name, value] of Object.entries(context.logFields))
    members += `,"${name}":${JSON.stringify(value)}`
  log.line(level, request.method, members)
}

/** Printable ASCII without quote and backslash: what JSON writes as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

/** A member of a JSON object; nothing for an absent value. */
function text(name: string, value: string | undefined): string {
  if (value === undefined) return ''
  return PLAIN.test(value) ? `,"${name}":"${value}"` : `,"${name}":${JSON.stringify(value)}`
}

/** Outcomes are kept with their keys, so that most requests find these members written. */
const requestors = new WeakMap<Precheck, string>()

function requestor(outcome: Precheck): string {
  if (!outcome.ok) return ''
  let members = requestors.get(outcome)
  if (members === undefined) {
    const { id, username, email } = outcome.owner
    members = text('requestor_id', id) + text('requestor_name', username) + text('requestor_email', email)
    requestors.set(outcome, members)
  }
  return members
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
