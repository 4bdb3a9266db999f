import type { OAuth2TokenResponse } from '@slipway/contract'
import { OAuthError } from '../errors/index.ts'
import type { OAuthClient } from '../oauth2-clients/index.ts'
import type { OAuth2Visit } from './audit-events.ts'
import type { Form } from './parameters.ts'

/** A token request of a client that has proved who it is. */
export interface TokenRequest {
  readonly client: OAuthClient
  /** The secret that it has proved it with; null for public clients. */
  readonly secretId: string | null
  readonly form: Form
  /** The key that it has shown (RFC 9449). */
  readonly thumbprint: string | undefined
  readonly visit: OAuth2Visit
}

/** Answers the requests of one grant type. @throws OAuthError. */
export type GrantHandler = (request: TokenRequest) => Promise<OAuth2TokenResponse>

/** §9 row 10. */
export function invalidTarget(): OAuthError {
  return new OAuthError(400, 'invalid_target', 'The resource parameter is invalid')
}
