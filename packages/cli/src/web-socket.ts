import type { IncomingMessage } from 'node:http'

import { WebSocket } from 'ws'

import { ApiFailure, ConnectionFailure } from '@slipway/client'
import { holdBack } from '@slipway/tunnel'
import type { Connection } from './connection.ts'

const HANDSHAKE_MS = 30_000
const MAX_REASON_BYTES = 64 * 1024

/**
 * Opens a WebSocket of the server, as the user and on the way of requests. Listen for its messages at once.
 *
 * @throws ApiFailure when the server refuses, ConnectionFailure when it cannot be reached.
 */
export function openWebSocket(client: Connection, address: string): Promise<WebSocket> {
  return client.proved(() => open(client, address))
}

async function open(client: Connection, address: string): Promise<WebSocket> {
  const socket = new WebSocket(address.replace(/^http/, 'ws'), {
    headers: client.headers,
    agent: client.transport.agentFor(address),
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_MS,
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => {
      holdBack(socket)
      resolve()
    })
    socket.once('unexpected-response', (_request, response) => {
      refusal(response).then(reject, reject)
    })
    // Also takes the errors that follow when a socket is given up; the first one counts.
    socket.on('error', (cause) => reject(new ConnectionFailure(`cannot reach ${client.url}`, { cause })))
  }).catch((error: unknown) => {
    socket.terminate()
    throw error
  })
  return socket
}

async function refusal(response: IncomingMessage): Promise<ApiFailure> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_REASON_BYTES) break
  }
  return new ApiFailure(response.statusCode ?? 0, parsed(text))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
