import type { FastifyReply } from 'fastify'

import type { AnswerHeaders } from '../answers/upstream.ts'
import { cooldownOf } from '../keys/key-pool.ts'

/** Headers of an answer that hold between the provider and us only, or would speak for our own address. */
const KEPT_BACK = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'content-length',
  'te',
  'trailer',
  'upgrade',
  'proxy-authenticate',
  'set-cookie',
  // Clients would follow it with the token of this deployment (AG-13).
  'location',
  'refresh',
  'strict-transport-security',
  'alt-svc',
  'clear-site-data',
  'nel',
  'report-to',
  'reporting-endpoints',
])

/** Gives an answer the status and the headers that its provider has sent. */
export function relayHead(
  reply: FastifyReply,
  answer: { readonly status: number; readonly headers: AnswerHeaders },
): void {
  const { status, headers } = answer
  reply.code(status)
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !KEPT_BACK.has(name)) reply.header(name, value)
  // Clients that know whole seconds only are to wait as well (chapter 05 section 6.8).
  const isWhole = /^\d+$/.test(String(headers['retry-after']).trim())
  const wait = status >= 400 && !isWhole ? cooldownOf(headers) : undefined
  if (wait !== undefined) reply.header('retry-after', String(Math.ceil(wait / 1_000)))
}

/**
 * Says how long the gateway itself has worked on a request so far and how long its provider took to begin, beside what
 * the provider says of its own time (L-49; W3C Server Timing).
 *
 * @param since of `performance.now()`, when the request came.
 */
export function tellTiming(
  reply: FastifyReply,
  { headers, providerMs }: { readonly headers: AnswerHeaders; readonly providerMs: number },
  since: number,
): void {
  const own = performance.now() - since - providerMs
  const timing = `gateway;dur=${own.toFixed(2)}, provider;dur=${providerMs.toFixed(2)}`
  const theirs = headers['server-timing']
  reply.header('server-timing', theirs === undefined ? timing : `${timing}, ${theirs}`)
}
