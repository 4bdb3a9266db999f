import type { OAuth2TokenResponse } from '@slipway/contract'
import { invalidOAuthRequest, OAuthError } from '../errors/index.ts'
import { matchesRedirectUri, type PresentedClient } from '../oauth2-clients/index.ts'
import type { RateLimit } from './client-limit.ts'
import { clientRequestOf } from './client-request.ts'
import { exchangeCode } from './exchange-code.ts'
import { mayRefresh } from './issue-tokens.ts'
import { Form, formOf, isVerifier, resourceFault } from './parameters.ts'
import type { ProviderParts } from './parts.ts'
import { provenKey } from './proven-key.ts'
import { exchangeRefreshToken } from './refresh.ts'
import type { GrantHandler } from './token-request.ts'

/** Grant types that OAuth 2.1 has dropped: known, and refused after the request itself is checked (§9 row 6). */
const DROPPED = new Set(['password', 'client_credentials', 'implicit'])

/** The token endpoint: which grants it knows, and in which order a request is judged (OA-54…OA-69). */
export class TokenEndpoint {
  readonly #parts: ProviderParts
  readonly #limit: RateLimit
  readonly #grants: ReadonlyMap<string, GrantHandler>

  /** @param further grant types that other parts of the server answer. */
  constructor(parts: ProviderParts, limit: RateLimit, further: ReadonlyMap<string, GrantHandler>) {
    this.#parts = parts
    this.#limit = limit
    this.#grants = new Map<string, GrantHandler>([
      ['authorization_code', (request) => exchangeCode(parts, request)],
      ['refresh_token', (request) => exchangeRefreshToken(parts, request)],
      ...further,
    ])
  }

  /** Exchanges what a user has granted for tokens. @throws OAuthError as the table of §9 says, ApiError 429. */
  async exchange(visit: Parameters<RateLimit>[0], bytes: Buffer): Promise<OAuth2TokenResponse> {
    const { clients, dpop } = this.#parts
    const search = formOf(bytes)
    const presented = await clients.identify(clientRequestOf(visit, search))
    await this.#limit(visit, presented.client.id)
    const form = new Form(search)
    const grantType = form.get('grant_type')
    const known = grantType !== undefined && (this.#grants.has(grantType) || DROPPED.has(grantType))
    if (!known) throw unsupportedGrant()
    checkForm(form, grantType, presented)
    const handler = this.#grants.get(grantType)
    if (handler === undefined) throw unsupportedGrant()
    const { client } = presented
    const secretId = await clients.authenticate(presented)
    if (grantType === 'refresh_token' && !mayRefresh(client))
      throw new OAuthError(400, 'unauthorized_client', 'The client is not registered for refresh tokens')
    const thumbprint = await provenKey(dpop, visit, '/oauth2/tokens')
    return handler({ client, secretId, form, thumbprint, visit })
  }
}

function unsupportedGrant(): OAuthError {
  return new OAuthError(400, 'unsupported_grant_type', 'The grant type is missing or not supported')
}

/** Rows 3 to 5 of the table of §9. @throws OAuthError 400 `invalid_request`. */
function checkForm(form: Form, grantType: string, { client, secret }: PresentedClient): void {
  if (grantType === 'authorization_code') {
    form.require('code')
    if (client.client_type === 'confidential' && secret === undefined)
      throw invalidOAuthRequest('Missing required parameter: client_secret')
  }
  const verifier = form.get('code_verifier')
  if (verifier !== undefined && !isVerifier(verifier))
    throw invalidOAuthRequest('Invalid parameter: code_verifier')
  if (grantType === 'refresh_token') form.require('refresh_token')
  const redirectUri = form.get('redirect_uri')
  if (redirectUri !== undefined && !matchesRedirectUri(client, redirectUri))
    throw invalidOAuthRequest('Invalid parameter: redirect_uri must exactly match a registered one')
  const resource = form.get('resource')
  const fault = resource === undefined ? undefined : resourceFault(resource)
  if (fault !== undefined) throw invalidOAuthRequest(`Invalid parameter: resource ${fault}`)
}
