import type { IncomingMessage } from 'node:http'

/** How long a body may take to arrive, in milliseconds; uploads are at most some megabytes. */
const BODY_MS = 2 * 60_000

/**
 * Ends a request whose body does not arrive in time, with its connection: who sends a byte now and then must not hold
 * connections and memory for ever. Uploads to apps are not meant, which may last.
 */
export function cutSlowBody(request: IncomingMessage, bodyMs = BODY_MS): void {
  const { headers } = request
  if (headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0') return
  // Most bodies come with their heads, and a timer for each would cost more than a look at the next turn.
  setImmediate(() => {
    if (request.complete || request.destroyed) return
    const cut = setTimeout(() => request.destroy(), bodyMs)
    const arrived = (): void => clearTimeout(cut)
    request.once('end', arrived).once('close', arrived)
  })
}
