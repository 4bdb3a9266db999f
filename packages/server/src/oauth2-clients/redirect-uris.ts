import type { OAuthClient } from './store/clients.ts'

/** Longest address that is registered, in characters. */
const MAX_LENGTH = 2048
const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob'
/** They run code, read files or have nobody to be redirected to. */
const DANGEROUS = new Set([
  'javascript:',
  'data:',
  'file:',
  'ftp:',
  'vbscript:',
  'blob:',
  'about:',
  'view-source:',
])
/** They start a message or a call. */
const OF_PEOPLE = new Set(['mailto:', 'tel:', 'sms:'])

/**
 * No URI holds one (RFC 3986). Browsers read it as a slash and others do not, so that they find different hosts in
 * `https://one.example\@other.example`.
 */
export const NO_BACKSLASH = 'must not hold a backslash'

/** Of what a client is, what its redirect URIs depend on. */
export interface RedirectRules {
  readonly client_type: OAuthClient['client_type']
  readonly application_type: OAuthClient['application_type']
}

/** Why an address may not be registered as a redirect URI; undefined for one that may (OA-34, OA-B19). */
export function redirectUriFault(uri: string, rules: RedirectRules): string | undefined {
  if (uri === '') return 'must not be empty'
  if (uri.length > MAX_LENGTH) return `must have at most ${MAX_LENGTH} characters`
  if (!/^[\x21-\x7e]+$/.test(uri)) return 'must hold only printable ASCII characters'
  if (!/^[a-z][a-z0-9+.-]*:/i.test(uri)) return 'must have a scheme'
  if (uri.includes('\\')) return NO_BACKSLASH
  const url = URL.parse(uri)
  if (url === null) return 'must be an absolute URI'
  if (uri.includes('#')) return 'must not have a fragment'
  if (isDangerousScheme(uri)) return `uses a dangerous scheme (${url.protocol.slice(0, -1)})`
  switch (url.protocol) {
    case 'urn:':
      if (uri !== OUT_OF_BAND) return `must not be a urn other than ${OUT_OF_BAND}`
      break
    case 'https:':
      if (!/^https:\/\/[^/?]/i.test(uri)) return 'must have a host'
      return url.username === '' && url.password === '' ? webFault(url, rules) : 'must not hold a user name'
    case 'http:':
      if (url.username !== '' || url.password !== '') return 'must not hold a user name'
      return /^http:\/\/[^/?]/i.test(uri) ? httpFault(url, rules) : 'must have a host'
    default:
      if (OF_PEOPLE.has(url.protocol) && rules.client_type === 'public')
        return `must not use the scheme ${url.protocol.slice(0, -1)} for a public client`
  }
  return rules.application_type === 'web' ? 'must be https for a web application' : undefined
}

function httpFault({ hostname }: URL, { client_type }: RedirectRules): string | undefined {
  if (isLoopback(hostname)) return undefined
  if (hostname.endsWith('.localhost') && client_type === 'confidential') return undefined
  return 'must be https unless its host is localhost, 127.0.0.1 or [::1]'
}

function webFault({ hostname }: URL, { application_type }: RedirectRules): string | undefined {
  return application_type === 'native' && !isLoopback(hostname)
    ? 'must be a custom scheme or http to this machine for a native application'
    : undefined
}

/** Whether nobody may be redirected to such an address, whatever is registered (OA-34; §8, row 7). */
export function isDangerousScheme(uri: string): boolean {
  const protocol = /^\s*([a-z][a-z0-9+.-]*:)/i.exec(uri)?.[1]?.toLowerCase()
  return protocol === undefined || DANGEROUS.has(protocol)
}

/** The names of this machine that apps listen on (RFC 8252, section 7.3), as parsed URLs have them. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

/** Every redirect URI of a client, the primary one first. */
export function redirectUrisOf(client: Pick<OAuthClient, 'callback_url' | 'redirect_uris'>): string[] {
  return [...new Set([client.callback_url, ...client.redirect_uris])].filter((uri) => uri !== '')
}

/**
 * Whether a client may be redirected to this address: one that is registered, character by character (OA-44). Clients that
 * registered themselves as programs on a machine may come back to another port of it (OA-B9, RFC 8252 section 7.3).
 */
export function matchesRedirectUri(client: OAuthClient, uri: string): boolean {
  const registered = redirectUrisOf(client)
  if (registered.includes(uri)) return true
  if (!choosesItsPort(client)) return false
  const asked = withoutPort(uri)
  return asked !== undefined && registered.some((own) => withoutPort(own) === asked)
}

function choosesItsPort(client: OAuthClient): boolean {
  if (client.metadata_url !== null) return true
  return (
    client.dynamically_registered &&
    (client.application_type === 'native' || client.token_endpoint_auth_method === 'none')
  )
}

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::(\d{1,5}))?((?:[/?][\x21\x22\x24-\x7e]*)?)$/

/** A loopback address as it is but for its port; undefined for any other address. */
function withoutPort(uri: string): string | undefined {
  const [, host, port = '80', rest] = LOOPBACK.exec(uri) ?? []
  if (host === undefined || rest === undefined) return undefined
  return Number(port) >= 1 && Number(port) <= 65_535 ? `${host} ${rest}` : undefined
}
