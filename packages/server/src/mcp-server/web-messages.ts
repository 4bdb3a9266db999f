import { once } from 'node:events'

import type { FastifyReply, FastifyRequest } from 'fastify'

import type { EventStreams } from './event-streams.ts'

const FORWARDED = [
  'accept',
  'content-type',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'mcp-session-id',
  'last-event-id',
]

/**
 * A request as libraries for the web take it; it is aborted when the client leaves or its key has `ended`. The body is
 * passed beside it.
 */
export function webRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  base: string,
  ended: AbortSignal,
): Request {
  const left = new AbortController()
  reply.raw.once('close', () => left.abort())
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers))
    if (typeof value === 'string' && (FORWARDED.includes(name) || name.startsWith('mcp-param-')))
      headers.set(name, value)
  return new Request(new URL(request.url, base), {
    method: 'POST',
    headers,
    signal: AbortSignal.any([left.signal, ended]),
  })
}

/** Answers with what a library for the web has made; `left` is aborted when the client is gone. */
export async function sendResponse(
  streams: EventStreams,
  request: FastifyRequest,
  reply: FastifyReply,
  response: Response,
  left: AbortSignal,
): Promise<unknown> {
  const type = response.headers.get('content-type') ?? ''
  if (response.body !== null && type.startsWith('text/event-stream')) {
    const target = streams.adopt(request, reply)
    // A client that leaves ends the body, and with it the call.
    try {
      for await (const chunk of response.body) {
        if (left.aborted) break
        if (!target.write(chunk)) await once(target, 'drain', { signal: left }).catch(() => undefined)
      }
    } finally {
      target.end()
    }
    return undefined
  }
  reply.code(response.status)
  for (const name of ['allow', 'www-authenticate']) {
    const value = response.headers.get(name)
    if (value !== null) reply.header(name, value)
  }
  const text = await response.text()
  if (text !== '') return JSON.parse(text)
  await reply.send()
  return undefined
}
