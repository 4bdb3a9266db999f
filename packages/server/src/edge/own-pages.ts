import type { FastifyRequest } from 'fastify'

import { ApiError } from '../errors/index.ts'

/**
 * Browsers open WebSockets for any page, and those of hosts below ours, where workspace apps live, send our cookies
 * along: only pages of the dashboard may open streams (AC-220). Programs send no `Origin`.
 *
 * @throws ApiError 403.
 */
export function requireOwnPage(
  { headers, context }: FastifyRequest,
  { accessUrl, allowAllOrigins }: { readonly accessUrl: string; readonly allowAllOrigins: boolean },
): void {
  const { origin } = headers
  if (origin === undefined || allowAllOrigins) return
  const own = [`${context.scheme}://${context.host}`, accessUrl].map(hostOf)
  if (URL.canParse(origin) && own.includes(hostOf(origin))) return
  throw new ApiError(403, 'This page may not open streams.', {
    detail: `The request comes from a page of ${origin}, and only pages of the dashboard may do this.`,
  })
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}
