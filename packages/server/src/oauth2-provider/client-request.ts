import type { ClientRequest } from '../oauth2-clients/index.ts'
import type { OAuth2Visit } from './audit-events.ts'

/** Where the credentials of the client may be that sends a form. */
export function clientRequestOf({ context, raw }: OAuth2Visit, form: URLSearchParams): ClientRequest {
  const { authorization } = raw.headers
  return { authorization, query: raw.search, form, remoteAddress: context.remoteAddress }
}
