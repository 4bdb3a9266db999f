import { type IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/**
 * The response object of an upgrade request: Node gives none, because the server may answer with anything.
 * Whatever is sent on it ends the connection, also where its peer keeps its own half open.
 */
export function refusalResponse(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  const carrier = asSocket(socket)
  response.assignSocket(carrier)
  response.on('finish', () => carrier.destroySoon())
  return response
}

/** Node types the socket of an upgrade as any duplex; over TCP and TLS it is a socket. */
export function asSocket(socket: Duplex): Socket {
  if (socket instanceof Socket) return socket
  throw new TypeError('an upgrade came over something that is no socket')
}
