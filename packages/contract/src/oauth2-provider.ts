import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { OAuth2ProviderGrantType } from './oauth2-clients.ts'
import { route } from './route.ts'

const tag = 'Enterprise'
const FORM = ['application/x-www-form-urlencoded'] as const

/** How a token says that it is used (RFC 6750, RFC 9449). */
export const OAuth2TokenType = Type.Enum(['Bearer', 'DPoP'])
export type OAuth2TokenType = Static<typeof OAuth2TokenType>

/** Advice to the revocation endpoint (RFC 7009). */
export const OAuth2RevocationTokenTypeHint = Type.Enum(['access_token', 'refresh_token'])
export type OAuth2RevocationTokenTypeHint = Static<typeof OAuth2RevocationTokenTypeHint>

/** Parameters of an authorization request (OA-43); they are checked by the endpoint itself. */
const AuthorizationQuery = Type.Object({
  response_type: Type.Optional(Type.String()),
  client_id: Type.Optional(Type.String()),
  redirect_uri: Type.Optional(Type.String()),
  scope: Type.Optional(Type.String()),
  state: Type.Optional(Type.String()),
  resource: Type.Optional(Type.String()),
  code_challenge: Type.Optional(Type.String()),
  code_challenge_method: Type.Optional(Type.String()),
  dpop_jkt: Type.Optional(Type.String()),
  /** Of a pushed request (RFC 9126). */
  request_uri: Type.Optional(Type.String()),
})

/** Form of a token request (OA-54…OA-62). */
export const OAuth2TokenRequest = Type.Object({
  grant_type: OAuth2ProviderGrantType,
  code: Type.Optional(Type.String()),
  redirect_uri: Type.Optional(Type.String()),
  client_id: Type.Optional(Type.String()),
  client_secret: Type.Optional(Type.String()),
  code_verifier: Type.Optional(Type.String()),
  refresh_token: Type.Optional(Type.String()),
  resource: Type.Optional(Type.String()),
  scope: Type.Optional(Type.String()),
})
export type OAuth2TokenRequest = Static<typeof OAuth2TokenRequest>

/** What a grant is exchanged for (OA-65). */
export const OAuth2TokenResponse = Type.Object({
  access_token: Type.String(),
  token_type: OAuth2TokenType,
  /** Seconds. */
  expires_in: Type.Integer(),
  /** Absent for clients that are not registered for refresh tokens. */
  refresh_token: Type.Optional(Type.String()),
  /** When the access token ends. */
  expiry: Time,
  /** Separated by spaces. */
  scope: Type.String(),
})
export type OAuth2TokenResponse = Static<typeof OAuth2TokenResponse>

/** Form of a revocation (RFC 7009). */
export const OAuth2RevocationRequest = Type.Object({
  token: Type.String(),
  token_type_hint: Type.Optional(OAuth2RevocationTokenTypeHint),
  client_id: Type.String(),
  client_secret: Type.Optional(Type.String()),
})
export type OAuth2RevocationRequest = Static<typeof OAuth2RevocationRequest>

/** What a token is worth (RFC 7662); of one that is worth nothing only that. */
export const OAuth2IntrospectionResponse = Type.Object({
  active: Type.Boolean(),
  scope: Type.Optional(Type.String()),
  client_id: Type.Optional(Type.String()),
  username: Type.Optional(Type.String()),
  token_type: Type.Optional(OAuth2TokenType),
  /** Seconds since 1970. */
  exp: Type.Optional(Type.Integer()),
  iat: Type.Optional(Type.Integer()),
  sub: Type.Optional(Type.String()),
  aud: Type.Optional(Type.String()),
  iss: Type.Optional(Type.String()),
  /** Thumbprint of the key that the token is bound to (RFC 9449, section 6.2). */
  cnf: Type.Optional(Type.Object({ jkt: Type.String() })),
})
export type OAuth2IntrospectionResponse = Static<typeof OAuth2IntrospectionResponse>

/** Where a pushed authorization request is found (RFC 9126). */
export const OAuth2PushedAuthorizationResponse = Type.Object({
  request_uri: Type.String(),
  /** Seconds. */
  expires_in: Type.Integer(),
})
export type OAuth2PushedAuthorizationResponse = Static<typeof OAuth2PushedAuthorizationResponse>

/** One authorization of an app by a user (OA-B10). */
export const OAuth2ProviderGrant = Type.Object({
  id: Uuid,
  app_id: Uuid,
  app_name: Type.String(),
  app_icon: Type.String(),
  /** Nobody but the app itself says who it is. */
  self_registered: Type.Boolean(),
  scopes: Type.Array(Type.String()),
  /** What the tokens are for; empty for the whole deployment. */
  resource: Type.String(),
  /** When the user first authorised the app. */
  first_authorized_at: Time,
  /** When this authorization was given. */
  created_at: Time,
  last_used_at: Time,
  /** Where it was last used from. */
  ip_address: Type.String(),
})
export type OAuth2ProviderGrant = Static<typeof OAuth2ProviderGrant>

export const authorizeOAuth2 = route('GET /oauth2/authorize', {
  id: 'oauth2-authorization-request-get',
  tag,
  security: 'none',
  errors: 'oauth',
  query: AuthorizationQuery,
  responses: { 200: null },
})

export const decideOAuth2Authorization = route('POST /oauth2/authorize', {
  id: 'oauth2-authorization-request-post',
  tag,
  security: 'none',
  query: AuthorizationQuery,
  consumes: FORM,
  errors: 'oauth',
  responses: { 302: null },
})

export const pushOAuth2Authorization = route('POST /oauth2/par', {
  id: 'oauth2-pushed-authorization-request',
  tag,
  security: 'none',
  consumes: FORM,
  errors: 'oauth',
  responses: { 201: OAuth2PushedAuthorizationResponse },
})

export const issueOAuth2Tokens = route('POST /oauth2/tokens', {
  id: 'oauth2-token-exchange',
  tag,
  security: 'none',
  consumes: FORM,
  body: OAuth2TokenRequest,
  errors: 'oauth',
  responses: { 200: OAuth2TokenResponse },
})

export const deleteOAuth2Tokens = route('DELETE /oauth2/tokens', {
  id: 'delete-oauth2-application-tokens',
  tag,
  errors: 'oauth',
  query: Type.Object({ client_id: Type.Optional(Type.String()) }),
  responses: { 204: null },
})

export const revokeOAuth2Token = route('POST /oauth2/revoke', {
  id: 'oauth2-token-revocation',
  tag,
  security: 'none',
  consumes: FORM,
  body: OAuth2RevocationRequest,
  errors: 'oauth',
  responses: { 200: null },
})

export const introspectOAuth2Token = route('POST /oauth2/introspect', {
  id: 'oauth2-token-introspection',
  tag,
  security: 'none',
  consumes: FORM,
  errors: 'oauth',
  responses: { 200: OAuth2IntrospectionResponse },
})

export const listOAuth2Grants = route('GET /api/v2/users/{user}/oauth2-provider/grants', {
  id: 'list-oauth2-grants-of-a-user',
  tag,
  responses: { 200: Type.Array(OAuth2ProviderGrant) },
})

export const deleteOAuth2Grant = route('DELETE /api/v2/users/{user}/oauth2-provider/grants/{oauth2grant}', {
  id: 'revoke-oauth2-grant-of-a-user',
  tag,
  responses: { 204: null },
})
