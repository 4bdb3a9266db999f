import type { FastifyRequest } from 'fastify'

import {
  type ClientFacts,
  clientMembers,
  type Logger,
  logMember,
  logRequestLine,
  logsRequest,
} from '@slipway/request-log'
import type { KeyOwner, Precheck } from './precheck.ts'

/** The one line of a request, with what only the server knows: ids, key and who asked (ID-108…ID-112). */
export function logRequest(log: Logger, request: FastifyRequest, status: number, ms: number): void {
  if (!logsRequest(log, status)) return
  const { context } = request
  let more = `,"request_id":"${context.id}","statements":${context.statements}${membersOf(request)}`
  const { logFields } = context
  for (const name in logFields) more += logMember(name, logFields[name])
  logRequestLine(
    log,
    {
      method: request.method,
      target: request.url,
      route: context.route,
      status,
      startedAt: context.startedAt,
      ms,
      params: typeof request.params === 'object' ? (request.params ?? undefined) : undefined,
    },
    more,
  )
}

/** Who asked, with which key and from where. */
interface Caller extends ClientFacts {
  readonly receivedHost: string
  readonly apiKeyId: string | undefined
}

/** What was written of the latest request with an outcome: outcomes are kept with their keys, and clients ask again. */
const latest = new WeakMap<Precheck, { readonly caller: Caller; readonly members: string }>()

function membersOf(request: FastifyRequest): string {
  const { precheck, apiKeyId, receivedHost, host, remoteAddress } = request.context
  const known = latest.get(precheck)
  const userAgent = request.headers['user-agent']
  const { httpVersion } = request.raw
  if (
    known !== undefined &&
    known.caller.userAgent === userAgent &&
    known.caller.remoteAddress === remoteAddress &&
    known.caller.host === host &&
    known.caller.receivedHost === receivedHost &&
    known.caller.apiKeyId === apiKeyId &&
    known.caller.httpVersion === httpVersion
  )
    return known.members
  const caller = { userAgent, remoteAddress, host, receivedHost, apiKeyId, httpVersion }
  const members =
    logMember('received_host', receivedHost) +
    logMember('api_key_id', apiKeyId) +
    (precheck.ok ? requestor(precheck.owner) : '') +
    clientMembers(caller)
  latest.set(precheck, { caller, members })
  return members
}

function requestor({ id, username, email }: KeyOwner): string {
  return (
    logMember('requestor_id', id) +
    logMember('requestor_name', username) +
    logMember('requestor_email', email)
  )
}
