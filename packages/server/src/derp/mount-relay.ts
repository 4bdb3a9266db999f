import { Socket } from 'node:net'

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { createWebSocketStream } from 'ws'

import { PROTOCOL_VERSION } from '@slipway/tailnet/relay'
import type { OpenStreams } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import type { DerpRelay } from './relay.ts'

const SUBPROTOCOL = 'derp'
const KEEP_ALIVE_MS = 30_000

/**
 * Serves the relay to whoever asks for it: it has its own proof of who a client is, and no address of the API (AC-162,
 * AC-163).
 *
 * @param relay none where it is switched off.
 */
export function mountRelay(
  server: FastifyInstance,
  streams: OpenStreams,
  relay: DerpRelay | undefined,
): void {
  // Replicas ask each other here whether they are reached (OP-70), also where nothing is relayed.
  server.get('/derp/latency-check', async (_request, reply) =>
    reply.header('Timing-Allow-Origin', '*').type('text/plain').send(''),
  )
  server.get('/derp', async (request, reply) => {
    if (relay === undefined) throw switchedOff()
    const protocol = streams.isUpgrade(request) ? request.headers.upgrade?.trim().toLowerCase() : undefined
    if (protocol !== 'derp' && protocol !== 'websocket')
      throw new ApiError(
        426,
        'The relay answers upgrades to DERP, or to a WebSocket of the subprotocol derp.',
        {
          headers: { Upgrade: 'DERP, websocket', Connection: 'Upgrade' },
        },
      )
    if (streams.stopping || !relay.hasRoom)
      throw new ApiError(503, 'The relay takes no more connections. Try again in a moment.')
    if (protocol === 'derp') serveSocket(request, reply, streams, relay)
    else await serveWebSocket(request, reply, streams, relay)
  })
}

function switchedOff(): ApiError {
  return new ApiError(404, 'This server relays nothing: --derp-server-enable is off.')
}

function serveSocket(
  request: FastifyRequest,
  reply: FastifyReply,
  streams: OpenStreams,
  relay: DerpRelay,
): void {
  const { socket, head } = streams.takeSocket(request, reply, request.context.precheck)
  if (socket instanceof Socket) {
    socket.setNoDelay(true)
    // A peer that is gone without a word never takes the frames by which it would be noticed.
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
  }
  // Who begins fast has read nothing of HTTP and would take an answer for frames.
  if (request.headers['derp-fast-start'] !== '1') socket.write(switchingHead(relay))
  void relay.serve(socket, head)
}

function switchingHead(relay: DerpRelay): string {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: DERP',
    'Connection: Upgrade',
    `Derp-Version: ${PROTOCOL_VERSION}`,
    `Derp-Public-Key: ${relay.publicKey.toString('hex')}`,
    '\r\n',
  ].join('\r\n')
}

async function serveWebSocket(
  request: FastifyRequest,
  reply: FastifyReply,
  streams: OpenStreams,
  relay: DerpRelay,
): Promise<void> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  if (!offered.includes(SUBPROTOCOL))
    throw new ApiError(400, `The relay speaks the WebSocket subprotocol ${SUBPROTOCOL}: offer it.`)
  // Of several it would be the first one that is accepted.
  request.raw.headers['sec-websocket-protocol'] = SUBPROTOCOL
  const socket = await streams.accept(request, reply)
  const stream = createWebSocketStream(socket)
  stream.on('close', () => socket.terminate())
  void relay.serve(stream)
}
