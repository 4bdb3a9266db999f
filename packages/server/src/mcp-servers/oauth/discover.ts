import { isLoopback } from '../config-rules.ts'
import { challengeOf } from './challenge.ts'
import { DiscoveryError, exchange, type Guarded, jsonObject, textOf, texts } from './http.ts'

/** An authorization server, and what a resource says of itself, as far as a client needs it. */
export interface DiscoveredServer {
  readonly issuer: string
  readonly authorizationUrl: string
  readonly tokenUrl: string
  readonly revocationUrl: string
  readonly registrationUrl: string
  /** What tokens are asked for (RFC 8707). */
  readonly resource: string
  /** Scopes to ask for: those of the challenge, else those of the resource; with `offline_access` where there is one. */
  readonly scope: string
  /** Whether authorization responses always name their issuer (RFC 9207). */
  readonly issRequired: boolean
  /** Empty when it does not say. */
  readonly tokenAuthMethods: readonly string[]
  /** Whether it takes the address of a metadata document for a client id. */
  readonly readsClientMetadata: boolean
}

interface Resource {
  readonly resource: string
  readonly issuer: string
  readonly scopes: readonly string[]
}

/** What is known before discovery begins. */
interface Hints {
  readonly resourceMetadata?: string | undefined
  readonly scope?: string | undefined
}

const WELL_KNOWN = '/.well-known'

/**
 * Finds the authorization server of an MCP server (OA-107, OA-B24): by its challenge, by the resource metadata at its
 * path and at its root (RFC 9728), or else at its origin, as servers of the first revision have it.
 *
 * @param hints of a challenge that has been got already; without them the server is asked for one.
 * @throws DiscoveryError saying what is missing or not trustworthy.
 */
export async function discover(
  guarded: Guarded,
  serverUrl: string,
  hints?: Hints,
): Promise<DiscoveredServer> {
  const url = new URL(serverUrl)
  url.hash = ''
  const challenge = hints ?? (await ask(guarded, url))
  const resource = await findResource(guarded, url, challenge.resourceMetadata)
  const metadata = await findMetadata(guarded, resource?.issuer ?? url.origin)
  if (!texts(metadata.code_challenge_methods_supported).includes('S256'))
    throw new DiscoveryError('the authorization server does not say that it supports PKCE with S256')
  const scope = challenge.scope ?? (resource?.scopes ?? []).join(' ')
  const offline =
    scope !== '' &&
    texts(metadata.scopes_supported).includes('offline_access') &&
    !scope.split(' ').includes('offline_access')
  return {
    issuer: textOf(metadata.issuer),
    authorizationUrl: textOf(metadata.authorization_endpoint),
    tokenUrl: textOf(metadata.token_endpoint),
    revocationUrl: textOf(metadata.revocation_endpoint),
    registrationUrl: textOf(metadata.registration_endpoint),
    resource: resource?.resource ?? resourceOf(url),
    scope: offline ? `${scope} offline_access` : scope,
    issRequired: metadata.authorization_response_iss_parameter_supported === true,
    tokenAuthMethods: texts(metadata.token_endpoint_auth_methods_supported),
    readsClientMetadata: metadata.client_id_metadata_document_supported === true,
  }
}

/** The canonical URI of an MCP server: as it is written, without a fragment, and without the slash of an empty path. */
export function resourceOf(serverUrl: string | URL): string {
  const url = new URL(serverUrl)
  url.hash = ''
  url.username = ''
  url.password = ''
  return url.pathname === '/' && url.search === '' ? url.origin : url.href
}

/** What the server answers to somebody without a token; nothing is known when it does not answer like one. */
async function ask(guarded: Guarded, url: URL): Promise<Hints> {
  try {
    const answer = await exchange(guarded, url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'ping' }),
      redirects: 'anywhere',
    })
    if (answer.status !== 401) return {}
    const { resourceMetadata, scope } = challengeOf(answer)
    return { resourceMetadata, scope }
  } catch (error) {
    if (error instanceof DiscoveryError) return {}
    throw error
  }
}

async function findResource(
  guarded: Guarded,
  url: URL,
  announced: string | undefined,
): Promise<Resource | undefined> {
  const path = url.pathname.replace(/\/$/, '')
  const places = [
    ...(announced === undefined || !URL.canParse(announced, url.href) ? [] : [announced]),
    `${url.origin}${WELL_KNOWN}/oauth-protected-resource${path}`,
    `${url.origin}${WELL_KNOWN}/oauth-protected-resource`,
  ]
  for (const place of new Set(places)) {
    const document = await fetchJson(guarded, new URL(place, url.href))
    const [issuer] = texts(document?.authorization_servers)
    if (document === undefined || issuer === undefined) continue
    const resource = textOf(document.resource)
    if (!covers(resource, url))
      throw new DiscoveryError(
        `the server describes itself as the resource ${JSON.stringify(resource)}, which it is not`,
      )
    return { resource, issuer, scopes: texts(document.scopes_supported) }
  }
  return undefined
}

/** Whether a resource is the server, or what the server is a part of (RFC 9728 section 3.3). */
function covers(resource: string, server: URL): boolean {
  const url = URL.parse(resource)
  if (url === null || url.origin !== server.origin || url.hash !== '') return false
  const slash = (path: string): string => (path.endsWith('/') ? path : `${path}/`)
  return slash(server.pathname).startsWith(slash(url.pathname))
}

/** The metadata of an authorization server, which must be about this very issuer (RFC 8414 section 3.3). */
async function findMetadata(guarded: Guarded, issuer: string): Promise<Readonly<Record<string, unknown>>> {
  const url = URL.parse(issuer)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.search + url.hash !== '')
    throw new DiscoveryError(`${JSON.stringify(issuer)} is not the address of an authorization server`)
  const path = url.pathname.replace(/\/$/, '')
  const places = [
    `${url.origin}${WELL_KNOWN}/oauth-authorization-server${path}`,
    `${url.origin}${WELL_KNOWN}/openid-configuration${path}`,
    `${url.origin}${path}${WELL_KNOWN}/openid-configuration`,
    `${url.origin}${WELL_KNOWN}/oauth-authorization-server`,
  ]
  for (const place of new Set(places)) {
    const document = await fetchJson(guarded, new URL(place))
    if (document === undefined) continue
    const named = textOf(document.issuer)
    if (named !== issuer && bare(named) !== bare(issuer)) {
      // At the root there may be another one.
      if (path !== '' && !new URL(place).pathname.includes(path)) continue
      throw new DiscoveryError(
        `the metadata of the authorization server ${JSON.stringify(issuer)} is about ${JSON.stringify(named)}`,
      )
    }
    if (endpoint(document.authorization_endpoint) && endpoint(document.token_endpoint)) return document
  }
  throw new DiscoveryError(
    `the authorization server ${JSON.stringify(issuer)} has no metadata with an authorization and a token endpoint over https`,
  )
}

/** Whoever makes a URL of an origin writes a slash after it, which means nothing. */
function bare(issuer: string): string {
  const url = URL.parse(issuer)
  return url !== null && url.pathname === '/' ? issuer.replace(/\/$/, '') : issuer
}

/** Codes and tokens go there: in the clear only within this machine (OAuth 2.1 section 1.5). */
function endpoint(value: unknown): boolean {
  const url = URL.parse(textOf(value))
  return url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))
}

/** A document, or undefined where there is none. @throws DiscoveryError when nobody can be asked for it. */
async function fetchJson(
  guarded: Guarded,
  address: URL,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { status, body } = await exchange(guarded, address, {
    headers: { Accept: 'application/json' },
    redirects: 'anywhere',
  })
  return status === 200 ? jsonObject(body) : undefined
}
