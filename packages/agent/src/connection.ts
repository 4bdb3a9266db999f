import { WebSocket } from 'ws'

import { describeError, type Logger } from '@slipway/request-log'
import { opened, serveTunnel, type TunnelHandlers, watchLiveness } from '@slipway/tunnel'
import { type ControlPlane, untilSuccess } from './control-plane.ts'

/** A connection that lasted this long was a good one: the next attempt starts without waiting. */
const GOOD_MS = 10_000

/** What keeps the agent connected. */
export interface ConnectionOptions {
  readonly controlPlane: ControlPlane
  readonly handlers: TunnelHandlers
  readonly log: Logger
  readonly signal: AbortSignal
}

/**
 * Keeps one tunnel to the control plane until `signal` is aborted: dials, serves, and dials again with growing
 * and random pauses. It never gives up, because a server may be away for hours, and says 401 while a build runs.
 */
export async function stayConnected(options: ConnectionOptions): Promise<void> {
  const { log, signal } = options
  while (!signal.aborted) {
    try {
      const started = await untilSuccess(() => connectOnce(options), {
        signal,
        onFailure: (error, waitMs) =>
          log.info('the control plane cannot be reached, trying again', {
            error: describeError(error),
            wait_ms: waitMs,
          }),
      })
      if (performance.now() - started < GOOD_MS) await pause(signal)
    } catch {
      return
    }
  }
}

/** Dials and serves until the tunnel is over. @throws Error when it could not be opened. */
async function connectOnce({ controlPlane, handlers, log, signal }: ConnectionOptions): Promise<number> {
  const url = `${controlPlane.url.replace(/^http/, 'ws')}/api/v2/workspaceagents/me/tunnel`
  const socket = new WebSocket(url, {
    headers: controlPlane.headers,
    handshakeTimeout: 15_000,
    perMessageDeflate: false,
  })
  await opened(socket, signal)
  watchLiveness(socket)
  const started = performance.now()
  using tunnel = serveTunnel(socket, handlers)
  const stop = (): void => tunnel[Symbol.dispose]()
  signal.addEventListener('abort', stop, { once: true })
  log.info('connected to the control plane')
  await tunnel.closed
  signal.removeEventListener('abort', stop)
  log.info('the connection to the control plane is over')
  return started
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 500 + Math.random() * 1_000)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
