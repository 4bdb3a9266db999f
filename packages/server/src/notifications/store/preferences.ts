import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, type ResourceObject } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { NotificationPreferencesTable } from '../../database/tables.ts'

/** What a user has chosen for a template. */
export type PreferenceRow = Selectable<NotificationPreferencesTable>

const ofUser = (userId: string): ResourceObject => ({ type: 'notification_preference', owner: userId })

/** The choices of a user. @throws ApiError 403 without `notification_preference:read`. */
export async function listPreferences(actor: Actor, db: Db, userId: string): Promise<PreferenceRow[]> {
  authorize(actor, 'read', ofUser(userId))
  return db
    .selectFrom('notification_preferences')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('template_id')
    .execute()
}

/** Stores choices of a user, beside the others. @throws ApiError 403 without `notification_preference:update`. */
export async function storePreferences(
  actor: Actor,
  db: Db,
  userId: string,
  choices: readonly { readonly templateId: string; readonly disabled: boolean }[],
): Promise<void> {
  authorize(actor, 'update', ofUser(userId))
  if (choices.length === 0) return
  await db
    .insertInto('notification_preferences')
    .values(
      choices.map(({ templateId, disabled }) => ({ user_id: userId, template_id: templateId, disabled })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['user_id', 'template_id'])
        .doUpdateSet({ disabled: sql`excluded.disabled`, updated_at: sql<Date>`now()` }),
    )
    .execute()
}
