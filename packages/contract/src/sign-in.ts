import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { SignInSyncExplanation } from './idp-sync.ts'
import { route } from './route.ts'
import { LoginType } from './users.ts'

const tag = 'Authorization'
const providers = 'Identity providers'

/** Parameters of a callback, where a sign-in starts and where it returns to (ID-152, ID-153). */
const Callback = Type.Object({
  code: Type.Optional(Type.String({ maxLength: 8192 })),
  state: Type.Optional(Type.String({ maxLength: 1024 })),
  redirect: Type.Optional(Type.String({ maxLength: 8192 })),
  error: Type.Optional(Type.String({ maxLength: 1024 })),
  error_description: Type.Optional(Type.String({ maxLength: 8192 })),
  error_uri: Type.Optional(Type.String({ maxLength: 8192 })),
  /** Who answers, as RFC 9207 has it. */
  iss: Type.Optional(Type.String({ maxLength: 2048 })),
  /** State of a conversion from a password (ID-177). */
  oidc_merge_state: Type.Optional(Type.String({ maxLength: 128 })),
  /** A test sign-in of an administrator. */
  test: Type.Optional(Uuid),
})

/** Pages that poll the callback go on by themselves (ID-174). */
const DeviceSignedIn = Type.Object({ redirect_url: Type.String() })

export const oidcCallback = route('GET /api/v2/users/oidc/callback', {
  id: 'openid-connect-callback',
  tag: 'Users',
  security: 'none',
  query: Callback,
  responses: { 307: null },
})

export const providerOidcCallback = route('GET /api/v2/users/oidc/{identityprovider}/callback', {
  id: 'openid-connect-callback-of-a-provider',
  tag: providers,
  security: 'none',
  query: Callback,
  responses: { 307: null },
})

const LOGOUT_FORM = ['application/x-www-form-urlencoded'] as const

/**
 * Where an identity provider says that sessions are over (OpenID Connect Back-Channel Logout 1.0): a form with
 * `logout_token` (ID-220).
 */
export const oidcBackchannelLogout = route('POST /api/v2/users/oidc/backchannel-logout', {
  id: 'openid-connect-back-channel-logout',
  tag: 'Users',
  security: 'none',
  consumes: LOGOUT_FORM,
  responses: { 200: null },
})

export const providerOidcBackchannelLogout = route(
  'POST /api/v2/users/oidc/{identityprovider}/backchannel-logout',
  {
    id: 'openid-connect-back-channel-logout-of-a-provider',
    tag: providers,
    security: 'none',
    consumes: LOGOUT_FORM,
    responses: { 200: null },
  },
)

export const githubCallback = route('GET /api/v2/users/oauth2/github/callback', {
  id: 'oauth-20-github-callback',
  tag: 'Users',
  security: 'none',
  query: Callback,
  responses: { 200: DeviceSignedIn, 307: null },
})

export const providerGithubCallback = route('GET /api/v2/users/oauth2/github/{identityprovider}/callback', {
  id: 'oauth-20-github-callback-of-a-provider',
  tag: providers,
  security: 'none',
  query: Callback,
  responses: { 200: DeviceSignedIn, 307: null },
})

/** Codes of a device flow (RFC 8628); times in seconds. */
export const DeviceAuthorization = Type.Object({
  device_code: Type.String(),
  user_code: Type.String(),
  verification_uri: Type.String(),
  expires_in: Type.Integer(),
  interval: Type.Integer(),
})
export type DeviceAuthorization = Static<typeof DeviceAuthorization>

export const githubDevice = route('GET /api/v2/users/oauth2/github/device', {
  id: 'get-github-device-auth',
  tag: 'Users',
  security: 'none',
  responses: { 200: DeviceAuthorization },
})

export const providerGithubDevice = route('GET /api/v2/users/oauth2/github/{identityprovider}/device', {
  id: 'get-github-device-auth-of-a-provider',
  tag: providers,
  security: 'none',
  responses: { 200: DeviceAuthorization },
})

const Claims = Type.Record(Type.String(), Type.Unknown())

export const getOidcClaims = route('GET /api/v2/users/oidc-claims', {
  id: 'get-oidc-claims-for-the-authenticated-user',
  tag: 'Users',
  responses: { 200: Type.Object({ claims: Claims }) },
})

/** An access token of the identity provider; it is good for a minute at least. */
const OidcToken = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_at: Time,
})

/** The caller's own token, for scripts that speak to what trusts the same provider (L-36). */
export const issueOidcToken = route('POST /api/v2/users/{user}/oidc-token', {
  id: 'issue-oidc-token',
  tag: 'Users',
  responses: { 200: OidcToken },
})

export const convertLogin = route('POST /api/v2/users/{user}/convert-login', {
  id: 'convert-user-from-password-to-oauth-authentication',
  tag,
  body: Type.Object({
    to_type: LoginType,
    password: Type.String({ minLength: 1, maxLength: 1024 }),
  }),
  responses: {
    201: Type.Object({
      state_string: Type.String(),
      expires_at: Time,
      to_type: LoginType,
      user_id: Uuid,
    }),
  },
})

/** Which protocol a provider speaks. */
export const IdentityProviderKind = Type.Enum(['oidc', 'github'])
export type IdentityProviderKind = Static<typeof IdentityProviderKind>

const Text = Type.String({ maxLength: 255 })
const Domains = Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 200 })
const HttpUrl = Type.String({ pattern: '^https?://[^\\s?#@]+$', maxLength: 2048 })

/** How people sign in with OpenID Connect; the meaning of the fields is that of `CODER_OIDC_*`. */
export const OidcProviderSettings = Type.Object({
  issuer_url: HttpUrl,
  client_id: Type.String({ minLength: 1, maxLength: 255 }),
  scopes: Type.Array(Type.String({ pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$', maxLength: 255 }), {
    maxItems: 50,
  }),
  auth_url_params: Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 1024 }), {
    maxProperties: 50,
  }),
  /** Domains whose addresses may sign in; none is all. */
  email_domains: Domains,
  /** Whether the sign-in page may know these domains, to lead people to their provider (L-28). */
  email_domains_public: Type.Boolean(),
  email_field: Text,
  username_field: Text,
  name_field: Text,
  allow_signups: Type.Boolean(),
  /** Text for people who may not make an account. */
  signups_disabled_text: Type.String({ maxLength: 4096 }),
  ignore_email_verified: Type.Boolean(),
  ignore_userinfo: Type.Boolean(),
  /** Whether who signs out here is signed out at the provider as well (ID-220). */
  rp_initiated_logout: Type.Boolean(),
})
export type OidcProviderSettings = Static<typeof OidcProviderSettings>

/** How people sign in with GitHub; the meaning of the fields is that of `CODER_OAUTH2_GITHUB_*`. */
export const GithubProviderSettings = Type.Object({
  client_id: Type.String({ minLength: 1, maxLength: 255 }),
  /** Of a GitHub Enterprise server; empty for github.com. */
  base_url: Type.Union([HttpUrl, Type.Literal('')]),
  allowed_orgs: Type.Array(Type.String({ pattern: '^[^/\\s]+$', maxLength: 255 }), { maxItems: 200 }),
  allowed_teams: Type.Array(Type.String({ pattern: '^[^/\\s]+/[^/\\s]+$', maxLength: 255 }), {
    maxItems: 200,
  }),
  allow_everyone: Type.Boolean(),
  allow_signups: Type.Boolean(),
  device_flow: Type.Boolean(),
  /**
   * The provider takes over from the `CODER_OAUTH2_GITHUB_*` settings for the same GitHub server: accounts that were
   * linked there are linked here too.
   */
  takes_over_settings: Type.Boolean(),
})
export type GithubProviderSettings = Static<typeof GithubProviderSettings>

/** A way to sign in: from the settings of the deployment, which only they change, or kept here. */
export const IdentityProvider = Type.Object({
  /** `oidc` and `github` are those of the settings. */
  id: Type.String(),
  kind: IdentityProviderKind,
  source: Type.Enum(['settings', 'stored']),
  display_name: Type.String(),
  icon: Type.String(),
  enabled: Type.Boolean(),
  has_client_secret: Type.Boolean(),
  /** What is registered at the provider as the redirect URI. */
  callback_url: Type.String(),
  /** What is registered there as the back-channel logout URI; OpenID Connect only. */
  backchannel_logout_url: Type.Optional(Type.String()),
  oidc: Type.Optional(OidcProviderSettings),
  github: Type.Optional(GithubProviderSettings),
  created_at: Type.Optional(Time),
  updated_at: Type.Optional(Time),
})
export type IdentityProvider = Static<typeof IdentityProvider>

const changeable = {
  display_name: Type.Optional(Type.String({ maxLength: 64 })),
  icon: Type.Optional(Type.String({ maxLength: 2048 })),
  enabled: Type.Optional(Type.Boolean()),
  client_secret: Type.Optional(Type.String({ maxLength: 4096 })),
  oidc: Type.Optional(Type.Partial(OidcProviderSettings)),
  github: Type.Optional(Type.Partial(GithubProviderSettings)),
}

/** A new provider; what is left out of its settings is as without a setting. It is disabled unless it says otherwise. */
export const CreateIdentityProviderRequest = Type.Object({
  id: Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$', maxLength: 64 }),
  kind: IdentityProviderKind,
  ...changeable,
})
export type CreateIdentityProviderRequest = Static<typeof CreateIdentityProviderRequest>

/** What is left out stays as it is. */
export const UpdateIdentityProviderRequest = Type.Object(changeable)
export type UpdateIdentityProviderRequest = Static<typeof UpdateIdentityProviderRequest>

/** What a person would be here, as claims say. */
const MappedProfile = Type.Object({
  /** Names the person at the provider for ever. */
  linked_id: Type.String(),
  username: Type.String(),
  email: Type.String(),
  email_verified: Type.Boolean(),
  name: Type.String(),
  avatar_url: Type.String(),
})

/** A test sign-in: what the provider said, and what a real one would have done (L-29). */
export const ProviderTest = Type.Object({
  id: Uuid,
  provider: Type.String(),
  state: Type.Enum(['pending', 'finished', 'failed']),
  created_at: Time,
  expires_at: Time,
  /** Where the administrator signs in, until somebody has. */
  url: Type.Optional(Type.String()),
  /** Why the sign-in would be refused or could not be carried out. */
  failure: Type.Optional(
    Type.Object({ status: Type.Integer(), message: Type.String(), detail: Type.String() }),
  ),
  claims: Type.Optional(
    Type.Object({ id_token_claims: Claims, user_info_claims: Claims, merged_claims: Claims }),
  ),
  profile: Type.Optional(MappedProfile),
  linking: Type.Optional(
    Type.Object({
      outcome: Type.Enum(['linked', 'link_by_email', 'sign_up', 'refused']),
      user_id: Type.Optional(Uuid),
      username: Type.Optional(Type.String()),
      detail: Type.String(),
    }),
  ),
  /** Memberships, groups and roles that a sign-in would add and take away. */
  sync: Type.Optional(SignInSyncExplanation),
})
export type ProviderTest = Static<typeof ProviderTest>

export const listIdentityProviders = route('GET /api/v2/identity-providers', {
  id: 'list-identity-providers',
  tag: providers,
  responses: { 200: Type.Array(IdentityProvider) },
})

export const createIdentityProvider = route('POST /api/v2/identity-providers', {
  id: 'create-identity-provider',
  tag: providers,
  body: CreateIdentityProviderRequest,
  responses: { 201: IdentityProvider },
})

export const getIdentityProvider = route('GET /api/v2/identity-providers/{identityprovider}', {
  id: 'get-identity-provider',
  tag: providers,
  responses: { 200: IdentityProvider },
})

export const updateIdentityProvider = route('PATCH /api/v2/identity-providers/{identityprovider}', {
  id: 'update-identity-provider',
  tag: providers,
  body: UpdateIdentityProviderRequest,
  responses: { 200: IdentityProvider },
})

export const deleteIdentityProvider = route('DELETE /api/v2/identity-providers/{identityprovider}', {
  id: 'delete-identity-provider',
  tag: providers,
  responses: { 204: null },
})

export const startProviderTest = route('POST /api/v2/identity-providers/{identityprovider}/test', {
  id: 'start-identity-provider-test',
  tag: providers,
  responses: { 201: ProviderTest },
})

export const getProviderTest = route(
  'GET /api/v2/identity-providers/{identityprovider}/test/{providertest}',
  {
    id: 'get-identity-provider-test',
    tag: providers,
    responses: { 200: ProviderTest },
  },
)
