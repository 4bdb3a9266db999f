/** Spelled that way already, as nearly all are. */
const PLAIN = /^\/(?!\/)[^%#]*$/

/**
 * The one spelling of a request target that every check and the router see: without scheme and host, without a
 * fragment, percent signs only where they are needed (RFC 3986 section 6.2.2), no doubled slash at the start. A
 * check that saw another spelling than the router could be walked around.
 */
export function canonicalTarget(target: string): string {
  if (PLAIN.test(target)) return target
  const relative = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/#.*$/s, '')
  const at = relative.indexOf('?')
  const path = at < 0 ? relative : relative.slice(0, at)
  const plain = path.includes('%')
    ? path.replace(/%[0-9a-f]{2}/gi, (encoded) => {
        const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
        return /[A-Za-z0-9\-._~]/.test(character) ? character : encoded
      })
    : path
  return `${plain.startsWith('/') ? plain.replace(/^\/{2,}/, '/') : `/${plain}`}${at < 0 ? '' : relative.slice(at)}`
}
