import type { FastifyRequest } from 'fastify'

import { type Logger, logMember, logRequestLine, logsRequest } from '@slipway/request-log'
import type { Precheck } from './precheck.ts'

/** The one line of a request, with what only the server knows: ids, key and who asked (ID-108…ID-112). */
export function logRequest(log: Logger, request: FastifyRequest, status: number, ms: number): void {
  if (!logsRequest(log, status)) return
  const { context } = request
  let more =
    logMember('request_id', context.id) +
    logMember('received_host', context.receivedHost) +
    logMember('statements', context.statements) +
    logMember('api_key_id', context.apiKeyId) +
    requestor(context.precheck)
  for (const [name, value] of Object.entries(context.logFields)) more += logMember(name, value)
  logRequestLine(
    log,
    {
      method: request.method,
      target: request.url,
      route: context.route,
      status,
      host: context.host,
      httpVersion: request.raw.httpVersion,
      remoteAddress: context.remoteAddress,
      userAgent: request.headers['user-agent'],
      startedAt: context.startedAt,
      ms,
      params: request.params,
    },
    more,
  )
}

/** Outcomes are kept with their keys, so that most requests find these members written. */
const requestors = new WeakMap<Precheck, string>()

function requestor(outcome: Precheck): string {
  if (!outcome.ok) return ''
  let members = requestors.get(outcome)
  if (members === undefined) {
    const { id, username, email } = outcome.owner
    members =
      logMember('requestor_id', id) +
      logMember('requestor_name', username) +
      logMember('requestor_email', email)
    requestors.set(outcome, members)
  }
  return members
}
