import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { createWebSocketStream, WebSocket } from 'ws'

const DERP_PATH = '/derp'
const UPGRADE = 'DERP'
const SUBPROTOCOL = 'derp'

/** A relay that answered, before its login. */
export interface RelayConnection {
  readonly stream: Duplex
  /** Why this is a WebSocket: what stood in the way of the plain upgrade (AC-162). */
  readonly websocketReason: string | undefined
}

/** Opens a connection to a relay. @throws Error when there is none. */
export type ConnectRelay = (signal: AbortSignal) => Promise<RelayConnection>

/** A relay at the other end of a stream that is open already; when that is over there is no other. */
export function relayOver(stream: Duplex): ConnectRelay {
  return async () => {
    if (stream.destroyed) throw new Error('the stream to the relay is over')
    return { stream, websocketReason: undefined }
  }
}

/** The relay, or something in front of it, does not take the plain upgrade. */
class UpgradeRefused extends Error {}

/**
 * Opens a connection to the relay of a deployment: by an HTTP upgrade, and when that is refused by a WebSocket, which
 * more proxies let through (AC-162).
 *
 * @throws Error when neither works.
 */
export function relayAt(accessUrl: string, headers: Readonly<Record<string, string>>): ConnectRelay {
  return (signal) => connectRelay(accessUrl, headers, signal)
}

async function connectRelay(
  accessUrl: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<RelayConnection> {
  const url = new URL(DERP_PATH, accessUrl)
  try {
    return { stream: await upgrade(url, headers, signal), websocketReason: undefined }
  } catch (error) {
    if (!(error instanceof UpgradeRefused)) throw error
    return { stream: await webSocket(url, headers, signal), websocketReason: error.message }
  }
}

function upgrade(url: URL, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const request = send(url, {
    headers: { ...headers, connection: 'Upgrade', upgrade: UPGRADE },
    agent: false,
    signal,
  })
  request.on('upgrade', (response, socket, head) => {
    if (!isDerp(response.headers)) {
      socket.destroy()
      reject(new UpgradeRefused(`the upgrade was answered with "${response.headers.upgrade ?? ''}"`))
      return
    }
    if (socket instanceof Socket) socket.setNoDelay(true).setKeepAlive(true, 60_000).setTimeout(0)
    if (head.length > 0) socket.unshift(head)
    resolve(socket)
  })
  request.on('response', (response) => {
    response.resume()
    request.destroy()
    reject(refusal(response))
  })
  request.on('error', reject)
  request.end()
  return promise
}

function isDerp(headers: IncomingHttpHeaders): boolean {
  return headers.upgrade?.toUpperCase() === UPGRADE
}

function refusal({ statusCode = 0 }: IncomingMessage): Error {
  const message = `GET ${DERP_PATH} was answered with status ${statusCode}`
  return statusCode >= 400 && statusCode < 500 ? new UpgradeRefused(message) : new Error(message)
}

function webSocket(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
  const address = new URL(url)
  address.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(address, SUBPROTOCOL, { headers, perMessageDeflate: false })
  const abort = () => socket.terminate()
  signal.addEventListener('abort', abort, { once: true })
  socket.once('error', reject)
  socket.once('open', () => {
    signal.removeEventListener('abort', abort)
    resolve(createWebSocketStream(socket))
  })
  return promise
}
