import { setTimeout as delay } from 'node:timers/promises'

import { WebSocket } from 'ws'

import { describeError, type Logger } from '@slipway/request-log'
import { opened, serveTunnel, type TunnelHandlers, watchLiveness } from '@slipway/tunnel'
import { backOffMs } from './back-off.ts'
import type { ControlPlane } from './control-plane.ts'

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
 * and random pauses ({@link backOffMs}); connections that end at once count as failures too. It never gives up,
 * because a server may be away for hours, and says 401 while a build runs.
 */
export async function stayConnected(options: ConnectionOptions): Promise<void> {
  const { log, signal } = options
  for (let failures = 0; !signal.aborted; ) {
    try {
      const started = await connectOnce(options)
      failures = performance.now() - started < GOOD_MS ? failures + 1 : 0
    } catch (error) {
      failures += 1
      if (!signal.aborted)
        log.info('the control plane cannot be reached, trying again', {
          failures,
          error: describeError(error),
        })
    }
    // Nobody but the end of the agent interrupts the pause.
    if (failures > 0) await delay(backOffMs(failures), undefined, { signal }).catch(() => undefined)
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
  if (signal.aborted) stop()
  log.info('connected to the control plane')
  await tunnel.closed
  signal.removeEventListener('abort', stop)
  log.info('the connection to the control plane is over')
  return started
}
