import type { AppContext } from '../context.ts'
import { type ClientMetadata, invalidMetadata, readClientMetadata } from './client-metadata.ts'
import { matchesHost } from './host-patterns.ts'

/** Metadata in the body of a request, whose redirect hosts an operator may have restricted (OA-B19). */
export function readRegistration({ config }: Pick<AppContext, 'config'>, bytes: Buffer): ClientMetadata {
  const allowed = config.oauth2RedirectAllowedHosts
  return readClientMetadata(parsed(bytes), {
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
