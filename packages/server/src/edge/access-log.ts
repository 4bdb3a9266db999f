import type { FastifyRequest } from 'fastify'

import {
  type ClientFacts,
  clientMembers,
  type Logger,
  logMember,
  logRequestLine,
  logsRequest,
  targetMembers,
} from '@slipway/request-log'
import type { KeyOwner, Precheck } from './precheck.ts'

/** The one line of a request, with what only the server knows: ids, key and who asked (ID-108…ID-112). */
export function logRequest(log: Logger, request: FastifyRequest, status: number, ms: number): void {
  if (!logsRequest(log, status)) return
  const { context } = request
  let more = `,"request_id":"${context.id}","statements":${context.statements}${membersOf(request)}`
  const { logFields } = context
  for (const name in logFields) more += logMember(name, logFields[name])
  logRequestLine(log, { method: request.method, status, startedAt: context.startedAt, ms }, more)
}

/** Who asked, with which key and from where. */
interface Caller extends ClientFacts {
  readonly receivedHost: string
  readonly apiKeyId: string | undefined
}

/** What was written of a request. */
interface Written {
  readonly caller: Caller
  readonly ofCaller: string
  readonly target: string
  readonly route: string
  readonly members: string
}

/** Characters that are worth keeping: addresses may be long, and there are thousands of keys. */
const MAX_KEPT = 1_000

/** The same of the latest request with an outcome: outcomes are kept with their keys, and clients ask again. */
const latest = new WeakMap<Precheck, Written>()

function membersOf(request: FastifyRequest): string {
  const { precheck, apiKeyId, receivedHost, host, remoteAddress, route } = request.context
  const known = latest.get(precheck)
  const target = request.url
  const userAgent = request.headers['user-agent']
  const { httpVersion } = request.raw
  const sameCaller =
    known !== undefined &&
    known.caller.userAgent === userAgent &&
    known.caller.remoteAddress === remoteAddress &&
    known.caller.host === host &&
    known.caller.receivedHost === receivedHost &&
    known.caller.apiKeyId === apiKeyId &&
    known.caller.httpVersion === httpVersion
  if (sameCaller && known.target === target && known.route === route) return known.members
  const caller = sameCaller
    ? known.caller
    : { userAgent, remoteAddress, host, receivedHost, apiKeyId, httpVersion }
  const ofCaller = sameCaller
    ? known.ofCaller
    : logMember('received_host', receivedHost) +
      logMember('api_key_id', apiKeyId) +
      (precheck.ok ? requestor(precheck.owner) : '') +
      clientMembers(caller)
  const params = typeof request.params === 'object' ? (request.params ?? undefined) : undefined
  // A target that is used over and over is worth one piece of text; joining the pieces is most of what a line costs.
  const members = ofCaller + targetMembers({ target, route, params })
  if (members.length <= MAX_KEPT) latest.set(precheck, { caller, ofCaller, target, route, members })
  return members
}

function requestor({ id, username, email }: KeyOwner): string {
  return (
    logMember('requestor_id', id) +
    logMember('requestor_name', username) +
    logMember('requestor_email', email)
  )
}
