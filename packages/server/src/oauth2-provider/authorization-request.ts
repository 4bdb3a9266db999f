import { OAuthError } from '../errors/index.ts'
import { isDangerousScheme, matchesRedirectUri, type OAuthClient } from '../oauth2-clients/index.ts'
import { isVerifier, resourceFault, single } from './parameters.ts'
import { requestedScopesOf } from './scopes.ts'

/** What a client asks a user for, checked. */
export interface AuthorizationRequest {
  /** Where the answer goes. */
  readonly redirectUri: string
  /** The parameter, where there was one (OA-12). */
  readonly givenRedirectUri: string | undefined
  readonly scopes: readonly string[]
  readonly state: string | undefined
  readonly resource: string | undefined
  readonly codeChallenge: string
  /** The key that the code is bound to (RFC 9449, section 10). */
  readonly dpopThumbprint: string | undefined
  /** Whether the user is to be asked although the answer is known (`prompt=consent`). */
  readonly asksAgain: boolean
}

/** What became of reading a request, in the order of the table in chapter 03, section 8. */
export type ReadRequest =
  | { readonly kind: 'request'; readonly request: AuthorizationRequest }
  /** Row 4: nobody is redirected. */
  | { readonly kind: 'faulty'; readonly faults: readonly string[] }
  /** Row 5. */
  | { readonly kind: 'unsupported-response-type' }
  /** Row 7. */
  | { readonly kind: 'unsafe-callback' }
  /** OA-B11: the client is told by a redirect. */
  | {
      readonly kind: 'refused'
      readonly error: OAuthError
      readonly redirectUri: string
      readonly state: string | undefined
    }

/** Longest state, in characters; it goes into the address that the user is redirected to. */
const MAX_STATE = 4_096
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

/** Reads the parameters of an authorization request (OA-43…OA-46); unknown ones are not looked at. */
export function readAuthorizationRequest(client: OAuthClient, search: URLSearchParams): ReadRequest {
  const faults: string[] = []
  const get = (name: string): string | undefined => {
    const { value, fault } = single(search, name)
    if (fault !== undefined) faults.push(fault)
    return value
  }
  const fault = (name: string, text: string): void => void faults.push(`Query param "${name}" ${text}`)

  const responseType = get('response_type')
  if (responseType === undefined) fault('response_type', 'is required')
  else if (responseType !== 'code' && responseType !== 'token') fault('response_type', 'must be code')
  get('client_id')
  const givenRedirectUri = get('redirect_uri')
  if (givenRedirectUri !== undefined && !matchesRedirectUri(client, givenRedirectUri))
    fault('redirect_uri', 'must exactly match a redirect URI that the app is registered with')
  const redirectUri = givenRedirectUri ?? client.callback_url
  const resource = get('resource')
  const ofResource = resource === undefined ? undefined : resourceFault(resource)
  if (ofResource !== undefined) fault('resource', ofResource)
  const state = get('state')
  if (state !== undefined && state.length > MAX_STATE)
    fault('state', `must have at most ${MAX_STATE} characters`)
  const scope = get('scope')
  const dpopThumbprint = get('dpop_jkt')
  if (dpopThumbprint !== undefined && !THUMBPRINT.test(dpopThumbprint))
    fault('dpop_jkt', 'must be the SHA-256 thumbprint of a key')
  const codeChallenge = get('code_challenge') ?? ''
  const method = get('code_challenge_method')
  if (responseType === 'code') {
    if (codeChallenge === '') fault('code_challenge', 'is required (PKCE)')
    else if (!isVerifier(codeChallenge))
      fault('code_challenge', 'must have 43 to 128 characters of A-Z, a-z, 0-9, "-", ".", "_" and "~"')
    if (method !== undefined && method !== 'S256') fault('code_challenge_method', 'must be S256')
  }

  if (faults.length > 0) return { kind: 'faulty', faults }
  if (responseType === 'token') return { kind: 'unsupported-response-type' }
  if (isDangerousScheme(redirectUri)) return { kind: 'unsafe-callback' }
  try {
    const scopes = requestedScopesOf(client, scope)
    return {
      kind: 'request',
      request: {
        redirectUri,
        givenRedirectUri,
        scopes,
        state,
        resource,
        codeChallenge,
        dpopThumbprint,
        asksAgain: search.getAll('prompt').some((prompt) => prompt.split(' ').includes('consent')),
      },
    }
  } catch (error) {
    if (error instanceof OAuthError) return { kind: 'refused', error, redirectUri, state }
    throw error
  }
}
