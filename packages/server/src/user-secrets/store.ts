import { type Selectable, sql } from 'kysely'

import {
  type Actor,
  authorize,
  isAllowed,
  type ResourceObject,
  SCOPE_ALL,
  sqlFilter,
} from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { UserSecretsTable } from '../database/tables.ts'
import { notFound } from '../errors/index.ts'

/** A stored secret; the value is sealed. */
export type UserSecretRow = Selectable<UserSecretsTable>

/** All about a secret but its value. */
export type UserSecretInfo = Omit<UserSecretRow, 'value'>

const INFO = [
  'id',
  'user_id',
  'name',
  'description',
  'value_size',
  'env_name',
  'file_path',
  'enabled',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof UserSecretInfo)[]

/** What permissions speak of. */
function secretObject(userId: string, id?: string): ResourceObject {
  return { type: 'user_secret', owner: userId, id }
}

/** The secrets of a user by name. @throws ApiError 403 when none of them may be read (ID-205). */
export async function listSecrets(actor: Actor, db: Db, userId: string): Promise<UserSecretInfo[]> {
  const rows = await db
    .selectFrom('user_secrets')
    .select(INFO)
    .where('user_id', '=', userId)
    .where(
      sqlFilter(actor, 'read', 'user_secret', {
        id: sql.ref('user_secrets.id'),
        owner: sql.ref('user_secrets.user_id'),
      }),
    )
    .orderBy('name')
    .execute()
  if (rows.length === 0) authorize(actor, 'read', secretObject(userId))
  return rows
}

/** The user's secret of this name. @throws ApiError 404 when it is absent or may not be read. */
export async function getSecret(actor: Actor, db: Db, userId: string, name: string): Promise<UserSecretRow> {
  const row = await db
    .selectFrom('user_secrets')
    .selectAll()
    .where('user_id', '=', userId)
    .where('name', '=', name)
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', secretObject(userId, row.id))) throw notFound()
  return row
}

/**
 * All secrets of a live user before new ones are stored or the one with this id is changed; nobody else stores or
 * changes any until the transaction ends (ID-197).
 *
 * @throws ApiError 404 for a deleted user, 403 without the right to that action.
 */
export async function holdSecrets(
  actor: Actor,
  tx: Db,
  userId: string,
  intent: { readonly action: 'create' } | { readonly action: 'update'; readonly id: string },
): Promise<UserSecretInfo[]> {
  authorize(actor, intent.action, secretObject(userId, intent.action === 'update' ? intent.id : undefined))
  const user = await tx
    .selectFrom('users')
    .select('id')
    .where('id', '=', userId)
    .where('deleted', '=', false)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (user === undefined) throw notFound()
  return tx.selectFrom('user_secrets').select(INFO).where('user_id', '=', userId).execute()
}

/** A secret to store. */
export interface NewSecret {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly sealedValue: Buffer
  readonly valueSize: number
  readonly envName: string
  readonly filePath: string
  readonly enabled: boolean
}

/** Stores secrets of a user, in this order. @throws ApiError 403 without `user_secret:create`. */
export async function insertSecrets(
  actor: Actor,
  tx: Db,
  userId: string,
  secrets: readonly NewSecret[],
): Promise<UserSecretRow[]> {
  authorize(actor, 'create', secretObject(userId))
  return tx
    .insertInto('user_secrets')
    .values(
      secrets.map((secret) => ({
        id: secret.id,
        user_id: userId,
        name: secret.name,
        description: secret.description,
        value: secret.sealedValue,
        value_size: secret.valueSize,
        env_name: secret.envName,
        file_path: secret.filePath,
        enabled: secret.enabled,
      })),
    )
    .returningAll()
    .execute()
}

/** Stores what a secret is now; without a sealed value that stays. @throws ApiError 403 without `user_secret:update`. */
export async function updateSecret(
  actor: Actor,
  tx: Db,
  userId: string,
  secret: Omit<NewSecret, 'name' | 'sealedValue'> & { readonly sealedValue: Buffer | undefined },
): Promise<UserSecretRow> {
  authorize(actor, 'update', secretObject(userId, secret.id))
  return tx
    .updateTable('user_secrets')
    .set({
      description: secret.description,
      ...(secret.sealedValue === undefined ? {} : { value: secret.sealedValue }),
      value_size: secret.valueSize,
      env_name: secret.envName,
      file_path: secret.filePath,
      enabled: secret.enabled,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', secret.id)
    .where('user_id', '=', userId)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Removes a secret. @throws ApiError 404 when it may not be read, 403 without `user_secret:delete`. */
export async function deleteSecret(
  actor: Actor,
  db: Db,
  userId: string,
  name: string,
): Promise<UserSecretRow> {
  const row = await getSecret(actor, db, userId, name)
  authorize(actor, 'delete', secretObject(userId, row.id))
  await db.deleteFrom('user_secrets').where('id', '=', row.id).execute()
  return row
}

/**
 * The enabled secrets of a user by name, for the agents of that user's workspaces (AC-70). The credential of an agent
 * speaks of the workspace and of its owner's personal data, which templates may withhold, and not of secrets.
 *
 * @throws ApiError 403 when the credential does not give `user:read_personal`, or the roles not `user_secret:read`.
 */
export async function listEnabledSecrets(actor: Actor, db: Db, userId: string): Promise<UserSecretRow[]> {
  authorize(actor, 'read_personal', { type: 'user', id: userId, owner: userId })
  // Administrators and provisioners may read personal data, but never secrets (ID-194).
  authorize({ ...actor, scope: SCOPE_ALL }, 'read', secretObject(userId))
  return db
    .selectFrom('user_secrets')
    .selectAll()
    .where('user_id', '=', userId)
    .where('enabled', '=', true)
    .orderBy('name')
    .execute()
}
