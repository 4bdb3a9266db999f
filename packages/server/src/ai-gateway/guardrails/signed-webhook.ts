import { createHmac } from 'node:crypto'

/**
 * Headers of a JSON body for a webhook. With a secret they hold the time in seconds, and the HMAC-SHA256 of that, a dot
 * and the body, so that whoever gets it can tell who sent it and that it is new.
 */
export function webhookHeaders(body: string, secret: string | undefined, now: Date): Record<string, string> {
  const headers = { 'content-type': 'application/json' }
  if (secret === undefined) return headers
  const timestamp = String(Math.floor(now.getTime() / 1_000))
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  return { ...headers, 'x-slipway-timestamp': timestamp, 'x-slipway-signature': `sha256=${signature}` }
}
