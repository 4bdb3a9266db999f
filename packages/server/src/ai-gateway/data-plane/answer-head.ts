import type { FastifyReply } from 'fastify'

import { cooldownOf } from '../key-pool.ts'
import type { AnswerHeaders } from '../upstream.ts'

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
  'strict-transport-security',
  'alt-svc',
  'clear-site-data',
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
  const wait = status >= 400 && headers['retry-after'] === undefined ? cooldownOf(headers) : undefined
  if (wait !== undefined) reply.header('retry-after', String(Math.ceil(wait / 1_000)))
}
