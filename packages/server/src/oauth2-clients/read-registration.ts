import type { AppContext } from '../context.ts'
import { type ClientMetadata, invalidMetadata, readClientMetadata } from './client-metadata.ts'
import { matchesHost } from './host-patterns.ts'

/**
 * Metadata in the body of a request, whose redirect hosts an operator may have restricted (OA-B19).
 *
 * @param clientId of the client that changes its own, which may name no other one (RFC 7592, section 2.2).
 * @throws OAuthError 400 `invalid_client_metadata` naming the member.
 */
export function readRegistration(
  { config }: Pick<AppContext, 'config'>,
  bytes: Buffer,
  clientId?: string,
): ClientMetadata {
  const allowed = config.oauth2RedirectAllowedHosts
  const document = parsed(bytes)
  const named: unknown = Object(document).client_id
  if (clientId !== undefined && (named ?? clientId) !== clientId)
    throw invalidMetadata('client_id must be that of the client whose registration is changed')
  return readClientMetadata(document, {
    defaultMethod: 'client_secret_basic',
    redirectHosts: (hostname) => allowed.length === 0 || matchesHost(allowed, hostname),
    lenient: false,
  })
}

// Bytes that are no text are refused rather than replaced.
const utf8 = new TextDecoder('utf-8', { fatal: true })

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    throw invalidMetadata('The body must be valid JSON')
  }
}
