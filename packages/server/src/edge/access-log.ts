import type { Socket } from 'node:net'

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
import type { KeyOwner } from './precheck.ts'

/** The one line of a request, with what only the server knows: ids, key and who asked (ID-108…ID-112). */
export function logRequest(log: Logger, request: FastifyRequest, status: number, ms: number): void {
  if (!logsRequest(log, status)) return
  const { id, statements, apiKeyId, precheck, systemSubject, logFields } = request.context
  let more = `,"request_id":"${id}","statements":${statements}`
  // Ten letters and digits: anything else is no id of a key, and its token was refused unread.
  if (apiKeyId !== undefined) more += `,"api_key_id":"${apiKeyId}"`
  if (precheck.ok) more += requestorOf(precheck.owner)
  else if (systemSubject !== undefined && logFields.requestor_name === undefined)
    more += logMember('requestor_name', systemSubject.name)
  more += membersOf(request)
  for (const name in logFields) more += logMember(name, logFields[name])
  logRequestLine(log, { method: request.method, status, startedAt: request.context.startedAt, ms }, more)
}

/** What stays the same from one request of a connection to the next. */
interface Peer extends ClientFacts {
  readonly receivedHost: string
}

/** What was written of a request. */
interface Written {
  readonly peer: Peer
  readonly ofPeer: string
  readonly target: string
  readonly route: string
  readonly members: string
}

/** Characters that are worth keeping: addresses may be long, and there are thousands of connections. */
const MAX_KEPT = 1_000

/** The same of the latest request of a connection: clients ask again, whichever of their keys they do it with. */
const latest = new WeakMap<Socket, Written>()

/** Where a request came from and what it asked for. */
function membersOf(request: FastifyRequest): string {
  const { receivedHost, host, remoteAddress, route } = request.context
  const { socket, httpVersion } = request.raw
  const known = latest.get(socket)
  const target = request.url
  const userAgent = request.headers['user-agent']
  const samePeer =
    known !== undefined &&
    known.peer.userAgent === userAgent &&
    known.peer.remoteAddress === remoteAddress &&
    known.peer.host === host &&
    known.peer.receivedHost === receivedHost &&
    known.peer.httpVersion === httpVersion
  if (samePeer && known.target === target && known.route === route) return known.members
  const peer = samePeer ? known.peer : { userAgent, remoteAddress, host, receivedHost, httpVersion }
  const ofPeer = samePeer ? known.ofPeer : logMember('received_host', receivedHost) + clientMembers(peer)
  const params = typeof request.params === 'object' ? (request.params ?? undefined) : undefined
  // A target that is used over and over is worth one piece of text; joining the pieces is most of what a line costs.
  const members = inOnePiece(ofPeer + targetMembers({ target, route, params }))
  if (members.length <= MAX_KEPT) latest.set(socket, { peer, ofPeer, target, route, members })
  return members
}

const requestors = new WeakMap<KeyOwner, string>()

/** Who asked; owners are the same for all keys of a user. */
function requestorOf(owner: KeyOwner): string {
  let members = requestors.get(owner)
  if (members === undefined) {
    members = inOnePiece(
      logMember('requestor_id', owner.id) +
        logMember('requestor_name', owner.username) +
        logMember('requestor_email', owner.email),
    )
    requestors.set(owner, members)
  }
  return members
}

/** The same text, which is walked as one piece each time it is written and not as all that it was joined of. */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString()
}
