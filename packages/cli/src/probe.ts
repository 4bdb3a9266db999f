import http, { type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'

import type { Transport } from './transport.ts'

/** One phase of a request, in milliseconds. */
export interface Phase {
  readonly name: 'name' | 'connection' | 'TLS' | 'answer'
  readonly ms: number
}

/** What one request has met. */
export interface Probe {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Host and port that were connected to: the server, or a proxy before it. */
  readonly peer: string
  /** In the order in which they ended; a proxy may hide some of them in `connection`. */
  readonly phases: readonly Phase[]
}

const LIMIT_MS = 15_000

/**
 * Makes a request and measures its phases (L-25). The first one of a transport opens a connection.
 *
 * @throws whatever keeps it from being answered.
 */
export function probe(transport: Transport, url: string, headers: http.OutgoingHttpHeaders): Promise<Probe> {
  return new Promise((resolve, reject) => {
    const phases: Phase[] = []
    let since = performance.now()
    const ended = (name: Phase['name']): void => {
      const now = performance.now()
      phases.push({ name, ms: now - since })
      since = now
    }
    const send = url.startsWith('https:') ? https.request : http.request
    const signal = AbortSignal.timeout(LIMIT_MS)
    const request = send(url, { headers, agent: transport.agentFor(url), signal }, (response) => {
      ended('answer')
      const { remoteAddress = '', remotePort = 0 } = response.socket
      const peer = `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
      response.resume().once('error', reject)
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, peer, phases }),
      )
    })
    request.once('socket', (socket) => {
      if (!socket.connecting) {
        // One that stood already, or that an agent has brought through a proxy.
        if (!request.reusedSocket) ended('connection')
        return
      }
      socket.once('lookup', () => ended('name'))
      socket.once('connect', () => ended('connection'))
      socket.once('secureConnect', () => ended('TLS'))
    })
    request.once('error', reject)
    request.end()
  })
}
