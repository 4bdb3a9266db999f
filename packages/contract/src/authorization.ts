import { type Static, Type } from 'typebox'

import { route } from './route.ts'

/** Scopes that a token may be asked for. */
export const ExternalAPIKeyScopes = Type.Object({ external: Type.Array(Type.String()) })
export type ExternalAPIKeyScopes = Static<typeof ExternalAPIKeyScopes>

/** One question of an authorization check. */
export const AuthorizationCheck = Type.Object({
  action: Type.String(),
  object: Type.Object({
    resource_type: Type.String(),
    owner_id: Type.Optional(Type.String()),
    organization_id: Type.Optional(Type.String()),
    resource_id: Type.Optional(Type.String()),
    any_org: Type.Optional(Type.Boolean()),
  }),
})
export type AuthorizationCheck = Static<typeof AuthorizationCheck>

export const listScopes = route('GET /api/v2/auth/scopes', {
  id: 'list-api-key-scopes',
  tag: 'Authorization',
  security: 'none',
  responses: { 200: ExternalAPIKeyScopes },
})

export const checkAuthorization = route('POST /api/v2/authcheck', {
  id: 'check-authorization',
  tag: 'Authorization',
  body: Type.Object({ checks: Type.Record(Type.String(), AuthorizationCheck) }),
  responses: { 200: Type.Record(Type.String(), Type.Boolean()) },
})
