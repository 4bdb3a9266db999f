import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Enterprise'
/** Bodies are read by the endpoints themselves, which answer what is no JSON as OAuth demands it (OA-37). */
const JSON_BYTES = ['application/json'] as const

/** How a client asks for tokens (§13); the three that OAuth 2.1 has dropped are known and refused. */
export const OAuth2ProviderGrantType = Type.Enum([
  'authorization_code',
  'refresh_token',
  'password',
  'client_credentials',
  'implicit',
  'urn:ietf:params:oauth:grant-type:device_code',
])
export type OAuth2ProviderGrantType = Static<typeof OAuth2ProviderGrantType>

/** What the authorization endpoint is asked for; `token` is known and refused. */
export const OAuth2ProviderResponseType = Type.Enum(['code', 'token'])
export type OAuth2ProviderResponseType = Static<typeof OAuth2ProviderResponseType>

/** How a client proves at the token endpoint who it is. */
export const OAuth2TokenEndpointAuthMethod = Type.Enum(['client_secret_basic', 'client_secret_post', 'none'])
export type OAuth2TokenEndpointAuthMethod = Static<typeof OAuth2TokenEndpointAuthMethod>

/** Whether a client can keep a secret. */
export const OAuth2ClientType = Type.Enum(['confidential', 'public'])
export type OAuth2ClientType = Static<typeof OAuth2ClientType>

/** What a client is (RFC 7591 as OpenID Connect writes it): where it may be redirected to depends on it (OA-B19). */
export const OAuth2ApplicationType = Type.Enum(['web', 'native'])
export type OAuth2ApplicationType = Static<typeof OAuth2ApplicationType>

/** How a code challenge is made (RFC 7636); `plain` is known and refused. */
export const OAuth2PKCECodeChallengeMethod = Type.Enum(['S256', 'plain'])
export type OAuth2PKCECodeChallengeMethod = Static<typeof OAuth2PKCECodeChallengeMethod>

/** Error codes of OAuth 2.1 (RFC 6749, 7009, 8707), the device flow (RFC 8628) and DPoP (RFC 9449). */
export const OAuth2ErrorCode = Type.Enum([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'access_denied',
  'unsupported_response_type',
  'server_error',
  'temporarily_unavailable',
  'unsupported_token_type',
  'invalid_target',
  'authorization_pending',
  'slow_down',
  'expired_token',
  'invalid_dpop_proof',
  'use_dpop_nonce',
])
export type OAuth2ErrorCode = Static<typeof OAuth2ErrorCode>

/** Error codes of the registration of clients (RFC 7591, 7592), beside those of {@link OAuth2ErrorCode}. */
export const OAuth2RegistrationErrorCode = Type.Enum([
  'invalid_client_metadata',
  'invalid_token',
  'invalid_client_id',
])
export type OAuth2RegistrationErrorCode = Static<typeof OAuth2RegistrationErrorCode>

/** The error document of OAuth endpoints (RFC 6749, section 5.2). */
export const OAuth2Error = Type.Object({
  error: Type.Union([OAuth2ErrorCode, OAuth2RegistrationErrorCode]),
  error_description: Type.Optional(Type.String()),
  error_uri: Type.Optional(Type.String()),
})
export type OAuth2Error = Static<typeof OAuth2Error>

/** Metadata of a client that it gives of itself (RFC 7591); seconds since 1970 where a number is a time. */
const clientMetadata = {
  redirect_uris: Type.Array(Type.String()),
  client_name: Type.String(),
  client_uri: Type.Optional(Type.String()),
  logo_uri: Type.Optional(Type.String()),
  tos_uri: Type.Optional(Type.String()),
  policy_uri: Type.Optional(Type.String()),
  jwks_uri: Type.Optional(Type.String()),
  jwks: Type.Optional(Type.Object({}, { additionalProperties: true })),
  software_id: Type.Optional(Type.String()),
  software_version: Type.Optional(Type.String()),
  grant_types: Type.Array(OAuth2ProviderGrantType),
  response_types: Type.Array(OAuth2ProviderResponseType),
  token_endpoint_auth_method: OAuth2TokenEndpointAuthMethod,
  scope: Type.Optional(Type.String()),
  contacts: Type.Optional(Type.Array(Type.String())),
  application_type: Type.Optional(OAuth2ApplicationType),
}

/** A client that registers itself or changes its registration (OA-32…OA-40). */
export const OAuth2ClientRegistrationRequest = Type.Object({
  ...clientMetadata,
  client_name: Type.Optional(Type.String()),
  grant_types: Type.Optional(Type.Array(OAuth2ProviderGrantType)),
  response_types: Type.Optional(Type.Array(OAuth2ProviderResponseType)),
  token_endpoint_auth_method: Type.Optional(OAuth2TokenEndpointAuthMethod),
  /** Accepted and not looked at. */
  software_statement: Type.Optional(Type.String()),
})
export type OAuth2ClientRegistrationRequest = Static<typeof OAuth2ClientRegistrationRequest>

/** What a client is told when it has registered; the secrets in it are shown once (OA-36). */
export const OAuth2ClientRegistrationResponse = Type.Object({
  ...clientMetadata,
  client_id: Uuid,
  client_id_issued_at: Type.Integer(),
  /** Absent for public clients. */
  client_secret: Type.Optional(Type.String()),
  /** 0 stands for never; absent without a secret. */
  client_secret_expires_at: Type.Optional(Type.Integer()),
  registration_access_token: Type.String(),
  registration_client_uri: Type.String(),
})
export type OAuth2ClientRegistrationResponse = Static<typeof OAuth2ClientRegistrationResponse>

/** A registration as its client reads it (RFC 7592), without its secrets (OA-38). */
export const OAuth2ClientConfiguration = Type.Object({
  ...clientMetadata,
  client_id: Uuid,
  client_id_issued_at: Type.Integer(),
  client_secret_expires_at: Type.Optional(Type.Integer()),
  /** Never there: it is shown once, when the client registers. */
  registration_access_token: Type.Optional(Type.String()),
  registration_client_uri: Type.String(),
})
export type OAuth2ClientConfiguration = Static<typeof OAuth2ClientConfiguration>

/** What the authorization server can do (RFC 8414; OA-28). */
export const OAuth2AuthorizationServerMetadata = Type.Object({
  issuer: Type.String(),
  authorization_endpoint: Type.String(),
  token_endpoint: Type.String(),
  revocation_endpoint: Type.String(),
  /** Only while clients may register themselves. */
  registration_endpoint: Type.Optional(Type.String()),
  introspection_endpoint: Type.String(),
  device_authorization_endpoint: Type.String(),
  pushed_authorization_request_endpoint: Type.String(),
  require_pushed_authorization_requests: Type.Boolean(),
  response_types_supported: Type.Array(OAuth2ProviderResponseType),
  response_modes_supported: Type.Array(Type.String()),
  grant_types_supported: Type.Array(OAuth2ProviderGrantType),
  code_challenge_methods_supported: Type.Array(OAuth2PKCECodeChallengeMethod),
  scopes_supported: Type.Array(Type.String()),
  token_endpoint_auth_methods_supported: Type.Array(OAuth2TokenEndpointAuthMethod),
  revocation_endpoint_auth_methods_supported: Type.Array(OAuth2TokenEndpointAuthMethod),
  introspection_endpoint_auth_methods_supported: Type.Array(OAuth2TokenEndpointAuthMethod),
  authorization_response_iss_parameter_supported: Type.Boolean(),
  client_id_metadata_document_supported: Type.Boolean(),
  dpop_signing_alg_values_supported: Type.Array(Type.String()),
})
export type OAuth2AuthorizationServerMetadata = Static<typeof OAuth2AuthorizationServerMetadata>

/** Where tokens for a resource come from and how they are sent (RFC 9728; OA-30). */
export const OAuth2ProtectedResourceMetadata = Type.Object({
  resource: Type.String(),
  authorization_servers: Type.Array(Type.String()),
  scopes_supported: Type.Array(Type.String()),
  bearer_methods_supported: Type.Array(Type.String()),
  dpop_signing_alg_values_supported: Type.Array(Type.String()),
})
export type OAuth2ProtectedResourceMetadata = Static<typeof OAuth2ProtectedResourceMetadata>

/** Where an app finds the authorization server, as absolute URLs. */
export const OAuth2AppEndpoints = Type.Object({
  authorization: Type.String(),
  token: Type.String(),
  token_revoke: Type.String(),
  device_authorization: Type.String(),
})
export type OAuth2AppEndpoints = Static<typeof OAuth2AppEndpoints>

/** A client of the authorization server (OA-14). */
export const OAuth2ProviderApp = Type.Object({
  id: Uuid,
  name: Type.String(),
  icon: Type.String(),
  callback_url: Type.String(),
  endpoints: OAuth2AppEndpoints,
  /** Every address that the app may be redirected to, the callback URL included. */
  redirect_uris: Type.Array(Type.String()),
  client_type: OAuth2ClientType,
  /** It registered itself, so that nobody but itself says who it is. */
  dynamically_registered: Type.Boolean(),
  /** The document that describes it and is its `client_id`; empty for others (OA-B13). */
  metadata_url: Type.String(),
  client_uri: Type.String(),
  /** Scopes that it may ask for, separated by spaces; empty for all. */
  scope: Type.String(),
  require_pushed_authorization_requests: Type.Boolean(),
  /** Users who have agreed to the same scopes before are not asked again. */
  remember_consent: Type.Boolean(),
  created_at: Time,
})
export type OAuth2ProviderApp = Static<typeof OAuth2ProviderApp>

const appRequest = {
  name: Type.String({ minLength: 1 }),
  callback_url: Type.String({ minLength: 1 }),
  icon: Type.Optional(Type.String({ maxLength: 256 })),
  /** Further addresses that the app may be redirected to (OA-B9). */
  redirect_uris: Type.Optional(Type.Array(Type.String(), { maxItems: 32 })),
  scope: Type.Optional(Type.String({ maxLength: 4096 })),
  require_pushed_authorization_requests: Type.Optional(Type.Boolean()),
  remember_consent: Type.Optional(Type.Boolean()),
}

/** An app that an administrator makes (OA-15). */
export const PostOAuth2ProviderAppRequest = Type.Object(appRequest)
export type PostOAuth2ProviderAppRequest = Static<typeof PostOAuth2ProviderAppRequest>

/** Replaces name, callback URL and icon of an app; the rest stays as it is where it is left out (OA-15). */
export const PutOAuth2ProviderAppRequest = Type.Object(appRequest)
export type PutOAuth2ProviderAppRequest = Static<typeof PutOAuth2ProviderAppRequest>

/** A secret of an app without what makes it one (OA-18, OA-B17). */
export const OAuth2ProviderAppSecret = Type.Object({
  id: Uuid,
  created_at: Time,
  last_used_at: Type.Union([Time, Type.Null()]),
  /** Null for a secret that does not expire. */
  expires_at: Type.Union([Time, Type.Null()]),
  /** The last characters. */
  client_secret_truncated: Type.String(),
})
export type OAuth2ProviderAppSecret = Static<typeof OAuth2ProviderAppSecret>

/** A secret as it is shown once, to who has made it. */
export const OAuth2ProviderAppSecretFull = Type.Object({ id: Uuid, client_secret_full: Type.String() })
export type OAuth2ProviderAppSecretFull = Static<typeof OAuth2ProviderAppSecretFull>

/** How long a new secret works; for ever unless it is said (OA-B17). */
export const PostOAuth2ProviderAppSecretRequest = Type.Object({ expires_at: Type.Optional(Time) })
export type PostOAuth2ProviderAppSecretRequest = Static<typeof PostOAuth2ProviderAppSecretRequest>

/** Settings of the authorization server (OA-23). */
export const OAuth2ProviderSettings = Type.Object({
  dynamic_client_registration_enabled: Type.Boolean(),
  /** Every client must push its authorization requests (RFC 9126). */
  require_pushed_authorization_requests: Type.Boolean(),
})
export type OAuth2ProviderSettings = Static<typeof OAuth2ProviderSettings>

/** What is left out stays as it is (OA-24). */
export const PutOAuth2ProviderSettingsRequest = Type.Partial(OAuth2ProviderSettings)
export type PutOAuth2ProviderSettingsRequest = Static<typeof PutOAuth2ProviderSettingsRequest>

export const listOAuth2Apps = route('GET /api/v2/oauth2-provider/apps', {
  id: 'get-oauth2-applications',
  tag,
  query: Type.Object({ user_id: Type.Optional(Uuid) }),
  responses: { 200: Type.Array(OAuth2ProviderApp) },
})

export const createOAuth2App = route('POST /api/v2/oauth2-provider/apps', {
  id: 'create-oauth2-application',
  tag,
  body: PostOAuth2ProviderAppRequest,
  responses: { 201: OAuth2ProviderApp },
})

export const getOAuth2App = route('GET /api/v2/oauth2-provider/apps/{app}', {
  id: 'get-oauth2-application',
  tag,
  responses: { 200: OAuth2ProviderApp },
})

export const updateOAuth2App = route('PUT /api/v2/oauth2-provider/apps/{app}', {
  id: 'update-oauth2-application',
  tag,
  body: PutOAuth2ProviderAppRequest,
  responses: { 200: OAuth2ProviderApp },
})

export const deleteOAuth2App = route('DELETE /api/v2/oauth2-provider/apps/{app}', {
  id: 'delete-oauth2-application',
  tag,
  responses: { 204: null },
})

export const listOAuth2AppSecrets = route('GET /api/v2/oauth2-provider/apps/{app}/secrets', {
  id: 'get-oauth2-application-secrets',
  tag,
  responses: { 200: Type.Array(OAuth2ProviderAppSecret) },
})

export const createOAuth2AppSecret = route('POST /api/v2/oauth2-provider/apps/{app}/secrets', {
  id: 'create-oauth2-application-secret',
  tag,
  body: PostOAuth2ProviderAppSecretRequest,
  responses: { 201: OAuth2ProviderAppSecretFull },
})

export const deleteOAuth2AppSecret = route('DELETE /api/v2/oauth2-provider/apps/{app}/secrets/{secretID}', {
  id: 'delete-oauth2-application-secret',
  tag,
  responses: { 204: null },
})

export const getOAuth2Settings = route('GET /api/v2/oauth2-provider/settings', {
  id: 'get-oauth2-provider-settings',
  tag,
  responses: { 200: OAuth2ProviderSettings },
})

export const updateOAuth2Settings = route('PUT /api/v2/oauth2-provider/settings', {
  id: 'update-oauth2-provider-settings',
  tag,
  body: PutOAuth2ProviderSettingsRequest,
  responses: { 200: OAuth2ProviderSettings },
})

export const getAuthorizationServerMetadata = route('GET /.well-known/oauth-authorization-server', {
  id: 'oauth2-authorization-server-metadata',
  tag,
  security: 'none',
  responses: { 200: OAuth2AuthorizationServerMetadata },
})

/** Clients put the path of what they know before them into the address (RFC 8414, section 3.1). */
export const getAuthorizationServerMetadataOf = route('GET /.well-known/oauth-authorization-server/*', {
  id: 'oauth2-authorization-server-metadata-of-a-path',
  tag,
  security: 'none',
  responses: { 200: OAuth2AuthorizationServerMetadata },
})

export const getProtectedResourceMetadata = route('GET /.well-known/oauth-protected-resource', {
  id: 'oauth2-protected-resource-metadata',
  tag,
  security: 'none',
  responses: { 200: OAuth2ProtectedResourceMetadata },
})

export const getProtectedResourceMetadataOf = route('GET /.well-known/oauth-protected-resource/*', {
  id: 'oauth2-protected-resource-metadata-of-a-path',
  tag,
  security: 'none',
  responses: { 200: OAuth2ProtectedResourceMetadata },
})

export const registerOAuth2Client = route('POST /oauth2/register', {
  id: 'oauth2-dynamic-client-registration',
  tag,
  security: 'none',
  consumes: JSON_BYTES,
  body: OAuth2ClientRegistrationRequest,
  errors: 'oauth',
  responses: { 201: OAuth2ClientRegistrationResponse },
})

export const getOAuth2Client = route('GET /oauth2/clients/{client_id}', {
  id: 'get-oauth2-client-configuration',
  tag,
  security: 'none',
  errors: 'oauth',
  responses: { 200: OAuth2ClientConfiguration },
})

export const updateOAuth2Client = route('PUT /oauth2/clients/{client_id}', {
  id: 'put-oauth2-client-configuration',
  tag,
  security: 'none',
  consumes: JSON_BYTES,
  body: OAuth2ClientRegistrationRequest,
  errors: 'oauth',
  responses: { 200: OAuth2ClientConfiguration },
})

export const deleteOAuth2Client = route('DELETE /oauth2/clients/{client_id}', {
  id: 'delete-oauth2-client-configuration',
  tag,
  security: 'none',
  errors: 'oauth',
  responses: { 204: null },
})
