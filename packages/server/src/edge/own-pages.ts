import type { FastifyRequest } from 'fastify'

import type { Config } from '../config/index.ts'
import { ApiError } from '../errors/index.ts'
import type { RequestContext } from './request-context.ts'

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
  if (origin === undefined || allowAllOrigins || isOwnOrigin(origin, context, accessUrl)) return
  throw new ApiError(403, 'This page may not open streams.', {
    detail: `The request comes from a page of ${origin}, and only pages of the dashboard may do this.`,
  })
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Keeps pages of other hosts from using the MCP server through the browser of somebody who can reach it, also where the
 * name of a host is made to point to it (OA-B20). The host that the request names is not asked for that reason. Programs
 * send no `Origin`.
 *
 * @throws ApiError 403 unless the page is of the access URL, or of an origin that the operator allows.
 */
export function requireMcpOrigin(
  { headers: { origin } }: Pick<FastifyRequest, 'headers'>,
  {
    accessUrl,
    config,
  }: {
    readonly accessUrl: () => string
    readonly config: Pick<Config, 'mcpAllowedOrigins' | 'allowCors'>
  },
): void {
  if (origin === undefined || config.allowCors || config.mcpAllowedOrigins.includes(origin)) return
  if (URL.canParse(origin) && isSameOrigin(new URL(origin), new URL(accessUrl()))) return
  throw new ApiError(403, 'This page may not use the MCP server.', {
    detail: 'The origin of the request is not that of this deployment, nor one of --mcp-allowed-origins.',
  })
}

function isSameOrigin(page: URL, own: URL): boolean {
  if (page.origin === own.origin) return true
  // The machine itself has several names.
  const local = LOOPBACK.has(page.hostname) && LOOPBACK.has(own.hostname)
  return local && page.protocol === own.protocol && page.port === own.port
}

/** Whether pages of this origin are those of the host that was asked or of the deployment. */
export function isOwnOrigin(
  origin: string,
  { scheme, host }: Pick<RequestContext, 'scheme' | 'host'>,
  accessUrl: string,
): boolean {
  const own = [`${scheme}://${host}`, accessUrl].map(hostOf)
  return URL.canParse(origin) && own.includes(hostOf(origin))
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}
