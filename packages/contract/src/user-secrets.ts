import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Secrets'

/** A secret of a user without its value, which nobody reads back (ID-194). */
export const UserSecret = Type.Object({
  id: Uuid,
  name: Type.String(),
  description: Type.String(),
  /** Variable of the environment that holds it in the user's workspaces; empty for none. */
  env_name: Type.String(),
  /** File that holds it in the user's workspaces; empty for none. */
  file_path: Type.String(),
  enabled: Type.Boolean(),
  created_at: Time,
  updated_at: Time,
})
export type UserSecret = Static<typeof UserSecret>

const description = Type.Optional(Type.String({ maxLength: 4096 }))

/** Which names, variables, paths and sizes are allowed says ID-195. */
export const CreateUserSecretRequest = Type.Object({
  name: Type.String({ minLength: 1 }),
  value: Type.String({ minLength: 1 }),
  description,
  env_name: Type.Optional(Type.String()),
  file_path: Type.Optional(Type.String()),
  enabled: Type.Optional(Type.Boolean()),
})
export type CreateUserSecretRequest = Static<typeof CreateUserSecretRequest>

/** What is left out stays as it is; an empty text clears (ID-198). */
export const UpdateUserSecretRequest = Type.Object({
  value: Type.Optional(Type.String({ minLength: 1 })),
  description,
  env_name: Type.Optional(Type.String()),
  file_path: Type.Optional(Type.String()),
  enabled: Type.Optional(Type.Boolean()),
})
export type UpdateUserSecretRequest = Static<typeof UpdateUserSecretRequest>

/** How a file of secrets is written (ID-199). */
export const SecretsFileFormat = Type.Enum(['env', 'json', 'yaml'])
export type SecretsFileFormat = Static<typeof SecretsFileFormat>

export const ImportUserSecretsRequest = Type.Object({
  format: SecretsFileFormat,
  content: Type.String({ minLength: 1 }),
})
export type ImportUserSecretsRequest = Static<typeof ImportUserSecretsRequest>

export const listUserSecrets = route('GET /api/v2/users/{user}/secrets', {
  id: 'list-user-secrets',
  tag,
  responses: { 200: Type.Array(UserSecret) },
})

export const createUserSecret = route('POST /api/v2/users/{user}/secrets', {
  id: 'create-a-new-user-secret',
  tag,
  body: CreateUserSecretRequest,
  responses: { 201: UserSecret },
})

export const importUserSecrets = route('POST /api/v2/users/{user}/secrets/batch', {
  id: 'import-user-secrets-from-a-file',
  tag,
  body: ImportUserSecretsRequest,
  responses: { 201: Type.Array(UserSecret) },
})

export const getUserSecret = route('GET /api/v2/users/{user}/secrets/{name}', {
  id: 'get-a-user-secret-by-name',
  tag,
  responses: { 200: UserSecret },
})

export const updateUserSecret = route('PATCH /api/v2/users/{user}/secrets/{name}', {
  id: 'update-a-user-secret',
  tag,
  body: UpdateUserSecretRequest,
  responses: { 200: UserSecret },
})

export const deleteUserSecret = route('DELETE /api/v2/users/{user}/secrets/{name}', {
  id: 'delete-a-user-secret',
  tag,
  responses: { 204: null },
})
