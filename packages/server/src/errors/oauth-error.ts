import type { OAuth2Error, OAuth2ErrorCode, OAuth2RegistrationErrorCode } from '@slipway/contract'
import { ApiError, type ApiErrorOptions } from './api-error.ts'

/** What an endpoint of the authorization server refuses a request with (RFC 6749, section 5.2; OA-57, OA-82). */
export class OAuthError extends ApiError {
  readonly code: OAuth2ErrorCode | OAuth2RegistrationErrorCode

  /** @param description for the developer of the client; holds no secret and no text of the database (OA-42). */
  constructor(
    status: number,
    code: OAuth2ErrorCode | OAuth2RegistrationErrorCode,
    description: string,
    options: ApiErrorOptions = {},
  ) {
    super(status, description, options)
    this.code = code
  }

  /** The body of the answer. */
  get document(): OAuth2Error {
    return { error: this.code, error_description: oauthDescription(this.message) }
  }
}

/** Asks for the credentials of a client. */
const BASIC = { 'WWW-Authenticate': 'Basic realm="coder"' }

/** 401 for a client that is unknown or does not prove who it is; the text is the same for both (OA-54, OA-57). */
export function invalidClient(description = 'The client credentials are invalid'): OAuthError {
  return new OAuthError(401, 'invalid_client', description, { headers: BASIC })
}

/** 400 for a request that lacks something or says it twice. */
export function invalidOAuthRequest(description: string): OAuthError {
  return new OAuthError(400, 'invalid_request', description)
}

/**
 * The body of any failure of an endpoint of the authorization server: what other parts refuse keeps the members of its
 * envelope, for those who know that.
 */
export function oauthDocument(known: ApiError | undefined, envelope: object): object {
  if (known instanceof OAuthError) return { ...known.document, ...known.body }
  const status = known?.status ?? 500
  const error = codeOf(status)
  const description = known?.message ?? 'An internal server error occurred.'
  return { error, error_description: oauthDescription(description), ...envelope }
}

/** A text without what an `error_description` may not hold (RFC 6749, section 5.2). */
export function oauthDescription(text: string): string {
  return text.replaceAll('"', "'").replace(/[^ -[\]-~]/g, '')
}

function codeOf(status: number): OAuth2Error['error'] {
  if (status === 429 || status === 503) return 'temporarily_unavailable'
  if (status >= 500) return 'server_error'
  // Of a client that does not prove who it is the text says so itself: here it is the user who does not.
  if (status === 401) return 'invalid_token'
  return status === 403 ? 'access_denied' : 'invalid_request'
}
