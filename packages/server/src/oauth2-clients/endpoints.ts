import type { AppContext } from '../context.ts'

/** The identifier of this authorization server (RFC 8414) and the value of `iss` (RFC 9207): the access URL (OA-28). */
export function issuerOf(context: Pick<AppContext, 'accessUrl'>): string {
  return context.accessUrl()
}

/** An absolute address of this deployment; `path` begins with a slash. */
export function endpointOf(context: Pick<AppContext, 'accessUrl'>, path: `/${string}`): string {
  return `${context.accessUrl().replace(/\/+$/, '')}${path}`
}
