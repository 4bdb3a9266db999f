import { type Static, Type } from 'typebox'

import { UpsertAPIKeyAILimitsRequest } from './ai-governance.ts'
import { Time, Uuid } from './common.ts'
import { route } from './route.ts'
import { LoginType } from './users.ts'

const tag = 'Users'

/** A key without its secret. `allow_list` entries are `<type>:<id>` (ID-83). */
export const APIKey = Type.Object({
  id: Type.String(),
  user_id: Uuid,
  last_used: Time,
  expires_at: Time,
  created_at: Time,
  updated_at: Time,
  login_type: LoginType,
  scope: Type.String(),
  scopes: Type.Array(Type.String()),
  token_name: Type.String(),
  lifetime_seconds: Type.Integer(),
  allow_list: Type.Array(Type.String()),
  username: Type.Optional(Type.String()),
  /** Address of the last use, as exact as `last_used` (ID-214); `0.0.0.0` when it is not known. */
  last_used_ip: Type.Optional(Type.String()),
})
export type APIKey = Static<typeof APIKey>

/** The credential of the request itself: whose it is, what it may do at most and when it ends (ID-216). */
export const WhoAmI = Type.Object({
  key_id: Type.String(),
  user_id: Uuid,
  username: Type.String(),
  login_type: LoginType,
  token_name: Type.String(),
  scopes: Type.Array(Type.String()),
  /** What is left when the lists of the scopes and that of the key are laid over each other (ID-85). */
  allow_list: Type.Array(Type.String()),
  expires_at: Time,
})
export type WhoAmI = Static<typeof WhoAmI>

/** The only answer that ever holds a key's secret. */
export const GenerateAPIKeyResponse = Type.Object({ key: Type.String() })

const TokenName = Type.String({ maxLength: 64, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })

export const createSessionKey = route('POST /api/v2/users/{user}/keys', {
  id: 'create-new-session-key',
  tag,
  responses: { 201: GenerateAPIKeyResponse },
})

export const createToken = route('POST /api/v2/users/{user}/keys/tokens', {
  id: 'create-token-api-key',
  tag,
  body: Type.Object({
    lifetime: Type.Optional(Type.Integer()),
    token_name: Type.Optional(TokenName),
    scope: Type.Optional(Type.String()),
    scopes: Type.Optional(Type.Array(Type.String(), { maxItems: 256 })),
    allow_list: Type.Optional(Type.Array(Type.String(), { maxItems: 1024 })),
    /** What it may do at the AI gateway (AG-B8). */
    ai_limits: Type.Optional(UpsertAPIKeyAILimitsRequest),
  }),
  responses: { 201: GenerateAPIKeyResponse },
})

export const listTokens = route('GET /api/v2/users/{user}/keys/tokens', {
  id: 'get-user-tokens',
  tag,
  query: Type.Object({
    include_all: Type.Optional(Type.Boolean()),
    include_expired: Type.Optional(Type.Boolean()),
  }),
  responses: { 200: Type.Array(APIKey) },
})

export const getTokenConfig = route('GET /api/v2/users/{user}/keys/tokens/tokenconfig', {
  id: 'get-token-config',
  tag,
  responses: { 200: Type.Object({ max_token_lifetime: Type.Integer() }) },
})

export const getTokenByName = route('GET /api/v2/users/{user}/keys/tokens/{keyname}', {
  id: 'get-api-key-by-token-name',
  tag,
  responses: { 200: APIKey },
})

/** Changes a token, named by its name or its id; what is left out stays. */
export const updateToken = route('PATCH /api/v2/users/{user}/keys/tokens/{keyname}', {
  id: 'update-token-api-key',
  tag,
  body: Type.Object({
    token_name: Type.Optional(TokenName),
    /** How long it holds from now on, in nanoseconds. */
    lifetime: Type.Optional(Type.Integer()),
    scopes: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 256 })),
    allow_list: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 1024 })),
  }),
  responses: { 200: APIKey },
})

export const getKey = route('GET /api/v2/users/{user}/keys/{keyid}', {
  id: 'get-api-key-by-id',
  tag,
  responses: { 200: APIKey },
})

export const deleteKey = route('DELETE /api/v2/users/{user}/keys/{keyid}', {
  id: 'delete-api-key',
  tag,
  responses: { 204: null },
})

export const expireKey = route('PUT /api/v2/users/{user}/keys/{keyid}/expire', {
  id: 'expire-api-key',
  tag,
  responses: { 204: null },
})

export const whoAmI = route('GET /api/v2/auth/whoami', {
  id: 'who-am-i',
  tag: 'Authorization',
  responses: { 200: WhoAmI },
})
