import type { MCPClientMetadata } from '@slipway/contract'
import { isLoopback } from '../config-rules.ts'
import type { DiscoveredServer } from './discover.ts'
import { DiscoveryError, exchange, type Guarded, jsonObject, textOf, upstreamText } from './http.ts'

/** How a client proves itself at a token endpoint. */
export type TokenAuthMethod = 'none' | 'client_secret_basic' | 'client_secret_post'

/** A client of one authorization server, and of no other one (OA-B24). */
export interface RegisteredClient {
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly authMethod: TokenAuthMethod
}

const CLIENT_NAME = 'Slipway'

/** The path that providers send people back to; it is registered with them. */
export function callbackPath(configId: string): string {
  return `/api/experimental/mcp/servers/${configId}/oauth2/callback`
}

/** Who we are at the authorization server of one MCP server; its address is the client id. */
export function clientMetadata(accessUrl: string, configId: string): MCPClientMetadata {
  const base = accessUrl.replace(/\/+$/, '')
  const redirectUri = `${base}${callbackPath(configId)}`
  return {
    client_id: `${base}/api/experimental/mcp/client-metadata/${configId}`,
    client_name: CLIENT_NAME,
    client_uri: base,
    application_type: applicationType(redirectUri),
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
}

/** Web clients may not come back to plain HTTP or to this machine (OpenID Connect registration section 2). */
function applicationType(redirectUri: string): 'web' | 'native' {
  const url = new URL(redirectUri)
  return url.protocol === 'http:' || isLoopback(url) ? 'native' : 'web'
}

/**
 * A client of an authorization server: by our metadata document where it reads such documents, which only an https
 * address can be, or else by registration (RFC 7591).
 *
 * @throws DiscoveryError when the server takes neither.
 */
export async function obtainClient(
  guarded: Guarded,
  server: DiscoveredServer,
  metadata: MCPClientMetadata,
): Promise<RegisteredClient> {
  if (server.readsClientMetadata && metadata.client_id.startsWith('https://'))
    return { clientId: metadata.client_id, clientSecret: undefined, authMethod: 'none' }
  if (server.registrationUrl === '')
    throw new DiscoveryError(
      'the authorization server lets clients not register themselves: register one there and give its client id',
    )
  const { client_id: _, ...rest } = metadata
  const method = preferredMethod(server.tokenAuthMethods)
  const { status, body } = await exchange(guarded, server.registrationUrl, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({ ...rest, token_endpoint_auth_method: method }),
    redirects: 'anywhere',
  })
  if (status !== 200 && status !== 201)
    throw new DiscoveryError(
      `the authorization server answered ${status} to the registration: ${upstreamText(body)}`,
    )
  const answer = jsonObject(body) ?? {}
  const clientId = textOf(answer.client_id)
  if (clientId === '') throw new DiscoveryError('the authorization server registered a client without an id')
  const secret = textOf(answer.client_secret) || undefined
  return {
    clientId,
    clientSecret: secret,
    authMethod:
      secret === undefined
        ? 'none'
        : (knownMethod(textOf(answer.token_endpoint_auth_method)) ?? withSecret(method)),
  }
}

/** A public client with PKCE, unless the server wants a secret. */
function preferredMethod(supported: readonly string[]): TokenAuthMethod {
  if (supported.length === 0 || supported.includes('none')) return 'none'
  return supported.includes('client_secret_basic') ? 'client_secret_basic' : 'client_secret_post'
}

function knownMethod(method: string): TokenAuthMethod | undefined {
  return method === 'none' || method === 'client_secret_basic' || method === 'client_secret_post'
    ? method
    : undefined
}

/** RFC 7591 section 2: who says nothing means Basic. */
function withSecret(asked: TokenAuthMethod): TokenAuthMethod {
  return asked === 'none' ? 'client_secret_basic' : asked
}
