import { pipeline } from 'node:stream/promises'

import { describeError, type Logger } from '@slipway/request-log'
import type { TunnelClient, TunnelHandlers } from '@slipway/tunnel'

/** Hands a request on to an agent, and its answer back; 502 where the agent cannot be reached. */
export function relayRequest(
  log: Logger,
  tunnel: Promise<TunnelClient>,
  ...[request, response]: Parameters<TunnelHandlers['request']>
): void {
  const gone = new AbortController()
  response.on('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  const { method, url } = request
  const headers = plainHeaders(request.headers)
  tunnel
    .then((one) => one.request({ method, path: url, headers, body: request, signal: gone.signal }))
    .then((answer) => {
      response.writeHead(answer.status, answer.headers)
      return pipeline(answer.body, response)
    })
    .catch((error: unknown) => {
      log.debug('a relayed request failed', { error: describeError(error) })
      if (response.headersSent) response.stream.close()
      else
        response
          .writeHead(502, { 'content-type': 'application/json' })
          .end(JSON.stringify({ message: error instanceof Error ? error.message : String(error) }))
    })
}

/** Headers without those of HTTP/2 itself. */
export function plainHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(':') || value === undefined
        ? []
        : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  )
}
