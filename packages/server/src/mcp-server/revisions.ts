import { PROTOCOL_VERSION_META_KEY, ProtocolErrorCode } from '@modelcontextprotocol/server'

/** Revisions with a handshake and sessions, oldest first (OA-86). */
export const LEGACY_VERSIONS: readonly string[] = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']
/** What a client without the header speaks. */
export const DEFAULT_VERSION = '2025-03-26'
/** The revision whose requests say in their headers what they are. */
export const MODERN_VERSION = '2026-07-28'
/** All revisions, the latest first: a client that knows none of the later ones finds one to begin a session with. */
const SERVED_VERSIONS: readonly string[] = [MODERN_VERSION, ...LEGACY_VERSIONS.toReversed()]

/**
 * The revision that a request without a handshake is of, where we do not speak it (OA-86). It counts before whatever else
 * is wrong: what a revision that we do not know demands of its requests, we do not know either.
 */
export function unservedVersion(header: string | undefined, body: unknown): string | undefined {
  const params: unknown = Object(body).params
  const claimed: unknown = Object(Object(params)._meta)[PROTOCOL_VERSION_META_KEY]
  // Where the two differ, that is what is wrong.
  if (header === undefined || (claimed !== undefined && claimed !== header)) return undefined
  return header > MODERN_VERSION || (claimed !== undefined && !SERVED_VERSIONS.includes(header))
    ? header
    : undefined
}

/** The error that tells which revisions there are instead of the requested one. */
export function unsupportedVersion(requested: string) {
  return {
    code: ProtocolErrorCode.UnsupportedProtocolVersion,
    message: `Unsupported protocol version: ${requested}`,
    data: { supported: SERVED_VERSIONS, requested },
  }
}

/** An answer to `server/discover` with the revisions that begin with a handshake as well, which the library leaves out. */
export function withAllVersions(answer: unknown): unknown {
  const { result } = Object(answer)
  if (typeof result !== 'object' || result === null || !('supportedVersions' in result)) return answer
  return { ...Object(answer), result: { ...result, supportedVersions: SERVED_VERSIONS } }
}
