/** Spelled that way already, as nearly all are. */
const PLAIN = /^\/(?!\/)[^%#]*$/
const MAY_END_IN_SLASH = /\/(?:\?|$)/
/**
 * What belongs to something in the API, with a slash behind it. Behind a collection it is an id that was left out (ID-148),
 * and what providers of models are asked for is theirs.
 */
const WITH_SLASH = /^(\/api\/(?:v2|experimental)\/(?!(?:ai-gateway|aibridge)\/)[^?/]+\/[^?]*[^?/])\/+(?=\?|$)/

/**
 * The one spelling of a request target that every check and the router see: without scheme and host, without a
 * fragment, percent signs only where they are needed (RFC 3986 section 6.2.2), no doubled slash at the start, and none
 * at the end of what is read, where clients of Coder have one; behind what is changed, an id may have been left out. A check
 * that saw another spelling than the router could be walked around.
 */
export function canonicalTarget(target: string, method = 'GET'): string {
  const reads = method === 'GET' || method === 'HEAD'
  if (PLAIN.test(target))
    return reads && MAY_END_IN_SLASH.test(target) ? target.replace(WITH_SLASH, '$1') : target
  const relative = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/#.*$/s, '')
  const at = relative.indexOf('?')
  const path = at < 0 ? relative : relative.slice(0, at)
  const plain = path.includes('%')
    ? path.replace(/%[0-9a-f]{2}/gi, (encoded) => {
        const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
        return /[A-Za-z0-9\-._~]/.test(character) ? character : encoded
      })
    : path
  const rooted = plain.startsWith('/') ? plain.replace(/^\/{2,}/, '/') : `/${plain}`
  return (reads ? rooted.replace(WITH_SLASH, '$1') : rooted) + (at < 0 ? '' : relative.slice(at))
}
