import type { RequestContext } from './request-context.ts'

/** Where clients find this deployment: as configured, else as they have just reached it (ID-71); no slash at the end. */
export function baseUrl(context: Pick<RequestContext, 'scheme' | 'host'>, accessUrl: string): string {
  return (accessUrl === '' ? `${context.scheme}://${context.host}` : accessUrl).replace(/\/$/, '')
}
