/** What a URI may consist of beside the characters of a host in another script (RFC 3986, RFC 3987). */
const FORBIDDEN = /[\p{Cc}\s"<>\\^`{|}]/u

/**
 * One spelling of a URI that names a resource, to compare it with another (ID-70, OA-79; RFC 3986 section 6.2): scheme
 * and host in small letters, the host in ASCII, no default port, no dot segments, `/` for an empty path, no slash at the
 * end otherwise, no fragment. The query stays. Undefined for what is no absolute URI.
 */
export function normalizedUri(text: string): string | undefined {
  if (FORBIDDEN.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  url.hash = ''
  if (url.pathname.length > 1) url.pathname = url.pathname.replace(/\/+$/, '')
  return url.href
}
