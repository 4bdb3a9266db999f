import { createHash, randomBytes } from 'node:crypto'

import {
  type ClientAuthentication,
  exchangeCode,
  refreshTokens,
  type TokenClient,
  type TokenSender,
  type TokenSet,
} from '../../oauth-flow/index.ts'
import type { Guarded } from './http.ts'
import type { RegisteredClient, TokenAuthMethod } from './register.ts'

/** A client at its authorization server, for one resource. */
export interface OAuthClient {
  readonly client: Omit<RegisteredClient, 'authMethod'> & { readonly authMethod: TokenAuthMethod | undefined }
  readonly authorizationUrl: string
  readonly tokenUrl: string
  readonly redirectUri: string
  readonly resource: string
}

/** A secret that is made anew for each authorization (RFC 7636). */
export function newVerifier(): string {
  return randomBytes(32).toString('base64url')
}

/** Where to send a person, with PKCE and the resource that the token is for (OA-109, RFC 8707). */
export function authorizationRequest(
  oauth: OAuthClient,
  of: { readonly state: string; readonly verifier: string; readonly scope: string },
): URL {
  const url = new URL(oauth.authorizationUrl)
  const parameters: Record<string, string> = {
    response_type: 'code',
    client_id: oauth.client.clientId,
    redirect_uri: oauth.redirectUri,
    state: of.state,
    code_challenge: createHash('sha256').update(of.verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource: oauth.resource,
    ...(of.scope === '' ? {} : { scope: of.scope }),
    // Without being asked again nobody gets a token for later (OpenID Connect Core section 11).
    ...(of.scope.split(' ').includes('offline_access') ? { prompt: 'consent' } : {}),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url
}

/** Which issuer an authorization response must be of. */
export interface ExpectedIssuer {
  /** Empty for a server whose metadata nobody has read. */
  readonly issuer: string
  readonly required: boolean
}

/** Whether a response is of the server that was asked, by simple comparison and before its code is used (RFC 9207). */
export function isFromIssuer({ issuer, required }: ExpectedIssuer, iss: string | undefined): boolean {
  if (issuer === '') return true
  return iss === undefined ? !required : iss === issuer
}

/** Redeems a code. @throws TokenEndpointError. */
export function redeem(
  guarded: Guarded,
  oauth: OAuthClient,
  grant: { readonly code: string; readonly verifier: string },
  now: Date,
): Promise<TokenSet> {
  return exchangeCode(
    sender(guarded),
    tokenClient(oauth),
    { code: grant.code, redirectUri: oauth.redirectUri, codeVerifier: grant.verifier },
    now,
  )
}

/** Renews tokens. @throws TokenEndpointError. */
export function renew(
  guarded: Guarded,
  oauth: OAuthClient,
  refreshToken: string,
  now: Date,
): Promise<TokenSet> {
  return refreshTokens(sender(guarded), tokenClient(oauth), refreshToken, now)
}

/** The scopes that tokens were given for: those that were asked for unless the answer says otherwise (RFC 6749 section 5.1). */
export function grantedScope(tokens: TokenSet, asked: string): string {
  const { scope } = tokens.raw
  return (typeof scope === 'string' ? scope : asked).slice(0, 4096)
}

function tokenClient(oauth: OAuthClient): TokenClient {
  return {
    name: 'mcp',
    clientId: oauth.client.clientId,
    tokenUrl: oauth.tokenUrl,
    tokenParameters: { resource: oauth.resource },
    ...authentication(oauth.client),
  }
}

function authentication({
  clientSecret: secret,
  authMethod,
}: OAuthClient['client']): Pick<TokenClient, 'authentication' | 'otherAuthentication'> {
  if (secret === undefined || authMethod === 'none') return { authentication: { method: 'none' } }
  const of = (method: 'client_secret_basic' | 'client_secret_post'): ClientAuthentication => ({
    method,
    secret,
  })
  return authMethod === undefined
    ? { authentication: of('client_secret_basic'), otherAuthentication: of('client_secret_post') }
    : { authentication: of(authMethod) }
}

/** Token endpoints get codes and secrets: no redirect is followed. */
function sender(guarded: Guarded): TokenSender {
  return {
    fetch: async (call, address, init) => {
      const response = await guarded.fetch(
        { timeoutMs: call.timeoutMs ?? 10_000, maxBytes: call.maxBytes ?? 1024 * 1024 },
        address,
        init,
      )
      const { status, statusText, headers } = response
      const body = await response.arrayBuffer()
      return new Response(response.body === null ? null : body, { status, statusText, headers })
    },
  }
}
