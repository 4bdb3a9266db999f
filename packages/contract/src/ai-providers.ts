import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'AI Providers'

/** What a model provider speaks (AG-97). */
export const AIProviderType = Type.Enum([
  'openai',
  'anthropic',
  'azure',
  'bedrock',
  'google',
  'openai-compat',
  'openrouter',
  'vercel',
  'copilot',
])
export type AIProviderType = Static<typeof AIProviderType>

/** What requests have found wrong, until one finds it right again (AG-B18). */
export const AIProviderTrouble = Type.Object({
  /** `forbidden` is an answer 403; such a key goes on being used. `failing` is a provider that nobody reaches. */
  kind: Type.Enum(['rate_limited', 'unauthorized', 'forbidden', 'failing']),
  error: Type.String(),
  since: Time,
  /** When it is tried again; null where that is not known. */
  until: Type.Union([Time, Type.Null()]),
})
export type AIProviderTrouble = Static<typeof AIProviderTrouble>

/** A key of a provider; nobody reads it back (AG-99). */
export const AIProviderKey = Type.Object({
  id: Uuid,
  /** Its beginning and its end (AG-83). */
  masked: Type.String(),
  created_at: Time,
  /** Null while it works, as far as is known. */
  trouble: Type.Union([AIProviderTrouble, Type.Null()]),
})
export type AIProviderKey = Static<typeof AIProviderKey>

const text = Type.Optional(Type.String({ maxLength: 2048 }))

/** Settings of Bedrock; the access key and its secret are only written (AG-105). */
export const AIProviderSettings = Type.Object({
  _type: Type.Optional(Type.String()),
  _version: Type.Optional(Type.Integer()),
  region: text,
  model: text,
  small_fast_model: text,
  /** Left out it stays; empty it goes. */
  access_key: text,
  access_key_secret: text,
  role_arn: text,
  /** Made by the server when a role is first set; never changed. */
  external_id: text,
  protocol: text,
})
export type AIProviderSettings = Static<typeof AIProviderSettings>

/** Whether requests get to a provider; `error` says that it is enabled and cannot be used (AG-B18). */
export const AIProviderStatus = Type.Enum(['enabled', 'disabled', 'error'])
export type AIProviderStatus = Static<typeof AIProviderStatus>

/** How the last test of a provider went (AG-B18). */
export const AIProviderCheck = Type.Object({ ok: Type.Boolean(), error: Type.String(), checked_at: Time })
export type AIProviderCheck = Static<typeof AIProviderCheck>

/** A model provider without its secrets. */
export const AIProvider = Type.Object({
  id: Uuid,
  type: AIProviderType,
  /** Part of the paths under which the gateway serves it; never changed. */
  name: Type.String(),
  display_name: Type.String(),
  icon: Type.String(),
  enabled: Type.Boolean(),
  base_url: Type.String(),
  api_keys: Type.Array(AIProviderKey),
  settings: Type.Union([AIProviderSettings, Type.Null()]),
  status: AIProviderStatus,
  /** What is wrong with it; empty unless the status is `error`. */
  status_detail: Type.String(),
  /** Null before the first test. */
  last_check: Type.Union([AIProviderCheck, Type.Null()]),
  /** Of the provider, whichever key it is asked with; null while it answers, as far as is known. */
  trouble: Type.Union([AIProviderTrouble, Type.Null()]),
  /** Models that it is not asked for now, because it has failed too often (AG-59). */
  open_circuits: Type.Array(
    Type.Object({ route: Type.String(), model: Type.String(), since: Time, until: Time }),
  ),
  created_at: Time,
  updated_at: Time,
})
export type AIProvider = Static<typeof AIProvider>

const fields = {
  display_name: Type.Optional(Type.String({ maxLength: 1024 })),
  icon: Type.Optional(Type.String({ maxLength: 4096 })),
  enabled: Type.Optional(Type.Boolean()),
  settings: Type.Optional(Type.Union([AIProviderSettings, Type.Null()])),
}
const secret = Type.String({ maxLength: 16_384 })

/** Which values are allowed says AG-98; without `enabled` it is off. */
export const CreateAIProviderRequest = Type.Object({
  type: Type.Optional(Type.String({ maxLength: 64 })),
  name: Type.Optional(Type.String({ maxLength: 1024 })),
  base_url: Type.Optional(Type.String({ maxLength: 4096 })),
  api_keys: Type.Optional(Type.Array(secret, { maxItems: 64 })),
  ...fields,
})
export type CreateAIProviderRequest = Static<typeof CreateAIProviderRequest>

/** A key that stays, by its id, or one that is added; exactly one of both (AG-100). */
export const AIProviderKeyMutation = Type.Object({
  id: Type.Optional(Type.String({ maxLength: 64 })),
  api_key: Type.Optional(secret),
})
export type AIProviderKeyMutation = Static<typeof AIProviderKeyMutation>

/** What is left out stays as it is; `api_keys` is the set that results (AG-100). */
export const UpdateAIProviderRequest = Type.Object({
  base_url: Type.Optional(Type.String({ maxLength: 4096 })),
  api_keys: Type.Optional(Type.Array(AIProviderKeyMutation, { maxItems: 64 })),
  ...fields,
})
export type UpdateAIProviderRequest = Static<typeof UpdateAIProviderRequest>

/** What a cheap request with one credential got. */
export const AIProviderTestResult = Type.Object({
  /** The key that was tried; null for a provider without keys. */
  key_id: Type.Union([Uuid, Type.Null()]),
  masked: Type.String(),
  ok: Type.Boolean(),
  /** Status of the answer; 0 without any. */
  status_code: Type.Integer(),
  error: Type.String(),
  latency_ms: Type.Integer(),
})
export type AIProviderTestResult = Static<typeof AIProviderTestResult>

/** `ok` when at least one credential works. */
export const AIProviderTest = Type.Object({ ok: Type.Boolean(), results: Type.Array(AIProviderTestResult) })
export type AIProviderTest = Static<typeof AIProviderTest>

/** Where a user's own keys may be given, and whether there is one (chapter 04 section 5.2). */
export const UserAIProviderKey = Type.Object({
  provider: Type.Object({
    id: Uuid,
    type: AIProviderType,
    name: Type.String(),
    display_name: Type.String(),
    icon: Type.String(),
    enabled: Type.Boolean(),
    deleted: Type.Boolean(),
  }),
  has_user_api_key: Type.Boolean(),
  has_provider_api_key: Type.Boolean(),
  byok_enabled: Type.Boolean(),
})
export type UserAIProviderKey = Static<typeof UserAIProviderKey>

/** At most 10,240 bytes, without white space around it. */
export const PutUserAIProviderKeyRequest = Type.Object({ api_key: secret })
export type PutUserAIProviderKeyRequest = Static<typeof PutUserAIProviderKeyRequest>

export const listAIProviders = route('GET /api/v2/ai/providers', {
  id: 'list-ai-providers',
  tag,
  responses: { 200: Type.Array(AIProvider) },
})

export const createAIProvider = route('POST /api/v2/ai/providers', {
  id: 'create-an-ai-provider',
  tag,
  body: CreateAIProviderRequest,
  responses: { 201: AIProvider },
})

export const getAIProvider = route('GET /api/v2/ai/providers/{idOrName}', {
  id: 'get-an-ai-provider',
  tag,
  responses: { 200: AIProvider },
})

export const updateAIProvider = route('PATCH /api/v2/ai/providers/{idOrName}', {
  id: 'update-an-ai-provider',
  tag,
  body: UpdateAIProviderRequest,
  responses: { 200: AIProvider },
})

export const deleteAIProvider = route('DELETE /api/v2/ai/providers/{idOrName}', {
  id: 'delete-an-ai-provider',
  tag,
  responses: { 204: null },
})

export const testAIProvider = route('POST /api/v2/ai/providers/{idOrName}/test', {
  id: 'test-an-ai-provider',
  tag,
  responses: { 200: AIProviderTest },
})

export const listUserAIProviderKeys = route('GET /api/experimental/users/{user}/ai-provider-keys', {
  id: 'list-a-users-ai-provider-keys',
  tag,
  responses: { 200: Type.Array(UserAIProviderKey) },
})

export const putUserAIProviderKey = route('PUT /api/experimental/users/{user}/ai-provider-keys/{provider}', {
  id: 'set-a-users-ai-provider-key',
  tag,
  body: PutUserAIProviderKeyRequest,
  responses: { 200: UserAIProviderKey },
})

export const deleteUserAIProviderKey = route(
  'DELETE /api/experimental/users/{user}/ai-provider-keys/{provider}',
  { id: 'delete-a-users-ai-provider-key', tag, responses: { 204: null } },
)
