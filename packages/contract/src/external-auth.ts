import { type Static, Type } from 'typebox'

import { Time } from './common.ts'
import { route } from './route.ts'

const tag = 'External authentication'

/** A provider that workspaces can get tokens of, as configured (ID-178). */
export const ExternalAuthLinkProvider = Type.Object({
  id: Type.String(),
  type: Type.String(),
  /** Users enter a code at the provider instead of being sent there and back. */
  device: Type.Boolean(),
  display_name: Type.String(),
  display_icon: Type.String(),
  allow_refresh: Type.Boolean(),
  allow_validate: Type.Boolean(),
  supports_revocation: Type.Boolean(),
  code_challenge_methods_supported: Type.Array(Type.String()),
})
export type ExternalAuthLinkProvider = Static<typeof ExternalAuthLinkProvider>

/** The caller's connection to a provider; its tokens are never shown here. */
export const ExternalAuthLink = Type.Object({
  provider_id: Type.String(),
  created_at: Time,
  updated_at: Time,
  has_refresh_token: Type.Boolean(),
  /** When the token expires unless it is refreshed; `0001-01-01T00:00:00Z` for never. */
  expires: Time,
  authenticated: Type.Boolean(),
  /** Why it is not authenticated; empty otherwise. */
  validate_error: Type.String(),
})
export type ExternalAuthLink = Static<typeof ExternalAuthLink>

export const ListUserExternalAuthResponse = Type.Object({
  providers: Type.Array(ExternalAuthLinkProvider),
  /** Links of providers that are not configured any more are listed, too. */
  links: Type.Array(ExternalAuthLink),
})
export type ListUserExternalAuthResponse = Static<typeof ListUserExternalAuthResponse>

/** An account at a provider. */
export const ExternalAuthUser = Type.Object({
  id: Type.Integer(),
  login: Type.String(),
  avatar_url: Type.String(),
  profile_url: Type.String(),
  name: Type.String(),
})
export type ExternalAuthUser = Static<typeof ExternalAuthUser>

/** Where the provider's app is installed, which decides which repositories its tokens reach. */
export const ExternalAuthAppInstallation = Type.Object({
  id: Type.Integer(),
  account: ExternalAuthUser,
  configure_url: Type.String(),
})
export type ExternalAuthAppInstallation = Static<typeof ExternalAuthAppInstallation>

/** A provider as the caller is connected to it (ID-184). */
export const ExternalAuth = Type.Object({
  authenticated: Type.Boolean(),
  device: Type.Boolean(),
  display_name: Type.String(),
  supports_revocation: Type.Boolean(),
  /** Null when not connected, and for providers that do not say who their token belongs to. */
  user: Type.Union([ExternalAuthUser, Type.Null()]),
  app_installable: Type.Boolean(),
  installations: Type.Array(ExternalAuthAppInstallation),
  app_install_url: Type.String(),
})
export type ExternalAuth = Static<typeof ExternalAuth>

export const DeleteExternalAuthByIDResponse = Type.Object({
  token_revoked: Type.Boolean(),
  token_revocation_error: Type.Optional(Type.String()),
})
export type DeleteExternalAuthByIDResponse = Static<typeof DeleteExternalAuthByIDResponse>

/** A device authorization that has begun (RFC 8628 §3.2); times are seconds. */
export const ExternalAuthDevice = Type.Object({
  device_code: Type.String(),
  user_code: Type.String(),
  verification_uri: Type.String(),
  expires_in: Type.Integer(),
  interval: Type.Integer(),
})
export type ExternalAuthDevice = Static<typeof ExternalAuthDevice>

export const ExternalAuthDeviceExchange = Type.Object({
  device_code: Type.String({ minLength: 1, maxLength: 4096 }),
})
export type ExternalAuthDeviceExchange = Static<typeof ExternalAuthDeviceExchange>

/** A token of the workspace's owner, for the workspace's agents (ID-192). */
export const ExternalAuthResponse = Type.Object({
  access_token: Type.String(),
  /** What the provider's answer held beside the token, of what is configured to be kept. */
  token_extra: Type.Record(Type.String(), Type.Unknown()),
  /** Page on which the owner must connect to the provider first; empty when there is a token. */
  url: Type.String(),
  type: Type.String(),
  /** Credentials as git wants them. */
  username: Type.String(),
  password: Type.String(),
  expires_at: Type.Optional(Time),
})
export type ExternalAuthResponse = Static<typeof ExternalAuthResponse>

export const listExternalAuths = route('GET /api/v2/external-auth', {
  id: 'get-user-external-auths',
  tag,
  responses: { 200: ListUserExternalAuthResponse },
})

export const getExternalAuth = route('GET /api/v2/external-auth/{externalauth}', {
  id: 'get-external-auth-by-id',
  tag,
  responses: { 200: ExternalAuth },
})

export const deleteExternalAuth = route('DELETE /api/v2/external-auth/{externalauth}', {
  id: 'delete-external-auth-user-link-by-id',
  tag,
  responses: { 200: DeleteExternalAuthByIDResponse },
})

export const startExternalAuthDevice = route('GET /api/v2/external-auth/{externalauth}/device', {
  id: 'get-external-auth-device-by-id',
  tag,
  responses: { 200: ExternalAuthDevice },
})

export const exchangeExternalAuthDevice = route('POST /api/v2/external-auth/{externalauth}/device', {
  id: 'post-external-auth-device-by-id',
  tag,
  body: ExternalAuthDeviceExchange,
  responses: { 204: null },
})

const agentQuery = Type.Object({
  /** Exactly one of `id` and `match` must be given. */
  id: Type.Optional(Type.String({ maxLength: 64 })),
  /** Address, such as that of a git remote, whose provider is wanted. */
  match: Type.Optional(Type.String({ maxLength: 2048 })),
  /** Answers once there is a token. */
  listen: Type.Optional(Type.Boolean()),
  git_branch: Type.Optional(Type.String({ maxLength: 2048 })),
  git_remote_origin: Type.Optional(Type.String({ maxLength: 2048 })),
  chat_id: Type.Optional(Type.String({ maxLength: 64 })),
})

export const getAgentExternalAuth = route('GET /api/v2/workspaceagents/me/external-auth', {
  id: 'get-workspace-agent-external-auth',
  tag: 'Agents',
  security: 'agent',
  query: agentQuery,
  responses: { 200: ExternalAuthResponse },
})

/** Former name of {@link getAgentExternalAuth}. */
export const getAgentGitAuth = route('GET /api/v2/workspaceagents/me/gitauth', {
  id: 'removed-get-workspace-agent-git-auth',
  tag: 'Agents',
  security: 'agent',
  query: agentQuery,
  responses: { 200: ExternalAuthResponse },
})

/** Parameters of the callback, where a connection starts and where it returns to (ID-152, ID-153). */
const callbackQuery = Type.Object({
  code: Type.Optional(Type.String({ maxLength: 8192 })),
  state: Type.Optional(Type.String({ maxLength: 1024 })),
  redirect: Type.Optional(Type.String({ maxLength: 8192 })),
  error: Type.Optional(Type.String({ maxLength: 1024 })),
  error_description: Type.Optional(Type.String({ maxLength: 8192 })),
  error_uri: Type.Optional(Type.String({ maxLength: 8192 })),
})

export const externalAuthCallback = route('GET /external-auth/{externalauth}/callback', {
  id: 'external-auth-callback',
  tag,
  query: callbackQuery,
  responses: { 307: null },
})

/** Former name of {@link externalAuthCallback}, which providers may still have registered. */
export const gitAuthCallback = route('GET /gitauth/{externalauth}/callback', {
  id: 'git-auth-callback',
  tag,
  query: callbackQuery,
  responses: { 307: null },
})
