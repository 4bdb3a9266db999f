/** Only for parsing: no redirect ever leads there. */
const NOWHERE = 'http://local.invalid'
/** Longer ones would not fit into a cookie. */
const MAX_LENGTH = 2_048

/**
 * The local path that a redirect asked for by the client is reduced to (ID-97): scheme and host are dropped, what is no
 * hierarchical address becomes `/`, and there is exactly one leading slash, so that no browser takes the rest for a host.
 */
export function localRedirect(asked: string | undefined): string {
  if (asked === undefined || asked === '' || asked.length > MAX_LENGTH) return '/'
  // Browsers read a backslash as a slash and leave these characters out.
  const plain = asked.replace(/[\t\r\n]/g, '').trim()
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(plain)?.[1]?.toLowerCase()
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') return '/'
  // Without its scheme, an address that begins with slashes is a path and no host: //evil.example/x is /evil.example/x.
  const rest = scheme === undefined ? `/${plain.replace(/^[/\\]+/, '')}` : plain
  if (!URL.canParse(rest, NOWHERE)) return '/'
  const { pathname, search, hash } = new URL(rest, NOWHERE)
  return `/${pathname.replace(/^[/\\]+/, '')}${search}${hash}`
}
