import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { UserAiProviderKeysTable } from '../../database/tables.ts'
import type { ProviderRow } from './providers.ts'

/** A key that a user brings; sealed. */
export type UserKeyRow = Selectable<UserAiProviderKeysTable>

/** A provider as users see it when they bring keys. */
export type UserKeyProvider = Pick<
  ProviderRow,
  'id' | 'type' | 'name' | 'display_name' | 'icon' | 'enabled' | 'deleted'
> & { readonly has_user_key: boolean; readonly has_provider_key: boolean }

/**
 * Providers that the user may bring a key for, and those that there is one for although they are off or deleted.
 *
 * @throws ApiError 403 without the right to read the personal data of the user.
 */
export async function listUserKeyProviders(actor: Actor, db: Db, userId: string): Promise<UserKeyProvider[]> {
  authorize(actor, 'read_personal', { type: 'user', id: userId, owner: userId })
  return db
    .selectFrom('ai_providers as p')
    .leftJoin('user_ai_provider_keys as u', (join) =>
      join.onRef('u.ai_provider_id', '=', 'p.id').on('u.user_id', '=', userId),
    )
    .select([
      'p.id',
      'p.type',
      'p.name',
      'p.display_name',
      'p.icon',
      'p.enabled',
      'p.deleted',
      sql<boolean>`u.user_id is not null`.as('has_user_key'),
      sql<boolean>`exists (select from ai_provider_keys k where k.provider_id = p.id)`.as('has_provider_key'),
    ])
    .where((where) => where.or([where('p.enabled', '=', true), where('u.user_id', 'is not', null)]))
    .orderBy('p.name')
    .orderBy('p.id')
    .limit(1000)
    .execute()
}

/** The user's own key for a provider; undefined without one. @throws ApiError 403 as {@link listUserKeyProviders}. */
export async function findUserKey(
  actor: Actor,
  db: Db,
  userId: string,
  providerId: string,
): Promise<UserKeyRow | undefined> {
  authorize(actor, 'read_personal', { type: 'user', id: userId, owner: userId })
  return db
    .selectFrom('user_ai_provider_keys')
    .selectAll()
    .where('user_id', '=', userId)
    .where('ai_provider_id', '=', providerId)
    .executeTakeFirst()
}

/** Stores the user's key for a provider in the place of a former one. @throws ApiError 403. */
export async function putUserKey(
  actor: Actor,
  db: Db,
  key: Pick<UserKeyRow, 'user_id' | 'ai_provider_id' | 'api_key' | 'masked'>,
): Promise<void> {
  authorize(actor, 'update_personal', { type: 'user', id: key.user_id, owner: key.user_id })
  await db
    .insertInto('user_ai_provider_keys')
    .values(key)
    .onConflict((on) =>
      on.columns(['user_id', 'ai_provider_id']).doUpdateSet({
        api_key: key.api_key,
        masked: key.masked,
        updated_at: sql<Date>`now()`,
      }),
    )
    .execute()
}

/** Removes the user's key for a provider; false when there was none. @throws ApiError 403. */
export async function deleteUserKey(
  actor: Actor,
  db: Db,
  userId: string,
  providerId: string,
): Promise<boolean> {
  authorize(actor, 'update_personal', { type: 'user', id: userId, owner: userId })
  const { numDeletedRows } = await db
    .deleteFrom('user_ai_provider_keys')
    .where('user_id', '=', userId)
    .where('ai_provider_id', '=', providerId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
