import { type Static, Type } from 'typebox'

import { Uuid } from './common.ts'
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

/** What one level of roles says to an action on an object (RB chapter 2). */
export const ExplainedLevel = Type.Object({
  level: Type.Enum(['site', 'user', 'org', 'member']),
  /** The organization that the level speaks for. */
  organization_id: Type.Optional(Type.String()),
  /** Whether the level is asked for this object at all. */
  applies: Type.Boolean(),
  /** 1 allows, 0 abstains, -1 refuses. */
  vote: Type.Integer({ minimum: -1, maximum: 1 }),
  permissions: Type.Array(
    Type.Object({
      role: Type.String(),
      organization_id: Type.Optional(Type.String()),
      /** As the role names it: a type or `*`. */
      resource_type: Type.String(),
      /** As the role names it: an action or `*`. */
      action: Type.String(),
      negate: Type.Boolean(),
    }),
  ),
})
export type ExplainedLevel = Static<typeof ExplainedLevel>

/** Why a user may or may not do something (RB-135). */
export const AuthorizationExplanation = Type.Object({
  /** The decision; a user who is not active is refused before it. */
  allowed: Type.Boolean(),
  action: Type.String(),
  object: Type.Object({
    resource_type: Type.String(),
    resource_id: Type.Optional(Type.String()),
    owner_id: Type.Optional(Type.String()),
    organization_id: Type.Optional(Type.String()),
    any_org: Type.Boolean(),
  }),
  subject: Type.Object({
    id: Uuid,
    username: Type.String(),
    status: Type.Enum(['active', 'dormant', 'suspended']),
    groups: Type.Array(Type.String()),
    roles: Type.Array(Type.Object({ name: Type.String(), organization_id: Type.Optional(Type.String()) })),
  }),
  /** What roles say, level by level. */
  roles: Type.Object({ allowed: Type.Boolean(), levels: Type.Array(ExplainedLevel) }),
  /** What the access lists of the object say. */
  acl: Type.Object({
    allowed: Type.Boolean(),
    entries: Type.Array(
      Type.Object({
        kind: Type.Enum(['user', 'group']),
        id: Type.String(),
        actions: Type.Array(Type.String()),
      }),
    ),
  }),
  /** What the credential lets pass; without one it is everything. */
  scope: Type.Object({
    allowed: Type.Boolean(),
    names: Type.Array(Type.String()),
    permits: Type.Boolean(),
    allow_list: Type.Array(Type.String()),
    listed: Type.Boolean(),
  }),
})
export type AuthorizationExplanation = Static<typeof AuthorizationExplanation>

export const explainAuthorization = route('GET /api/v2/authz/explain', {
  id: 'explain-authorization',
  tag: 'Authorization',
  query: Type.Object({
    /** Id, name or `me`. */
    user: Type.String({ minLength: 1, maxLength: 64 }),
    action: Type.String({ minLength: 1, maxLength: 64 }),
    resource_type: Type.String({ minLength: 1, maxLength: 64 }),
    /** A stored object, which then says the rest. */
    resource_id: Type.Optional(Uuid),
    owner_id: Type.Optional(Type.String({ maxLength: 64 })),
    organization_id: Type.Optional(Uuid),
    any_org: Type.Optional(Type.Enum(['true', 'false'])),
    /** A key of the user, whose scopes and allow list count. */
    key_id: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  responses: { 200: AuthorizationExplanation },
})
