import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

const SETTINGS = { type: 'deployment_config' } as const

/** All settings of the deployment by key, as texts. @throws ApiError 403 without `deployment_config:read`. */
export async function listSettings(actor: Actor, db: Db): Promise<ReadonlyMap<string, string>> {
  authorize(actor, 'read', SETTINGS)
  const rows = await db.selectFrom('chat_settings').select(['key', 'value']).execute()
  return new Map(rows.map(({ key, value }) => [key, value]))
}

/**
 * The same, while nobody else changes the settings of this group until the transaction ends (CH-501).
 *
 * @throws ApiError 403 without `deployment_config:update`.
 */
export async function holdSettings(
  actor: Actor,
  tx: Db,
  group: string,
): Promise<ReadonlyMap<string, string>> {
  authorize(actor, 'update', SETTINGS)
  await sql`select pg_advisory_xact_lock(hashtextextended(${`chat setting ${group}`}, 0))`.execute(tx)
  return listSettings(actor, tx)
}

/** Stores settings and leaves all others; undefined takes one away. @throws ApiError 403. */
export async function storeSettings(
  actor: Actor,
  db: Db,
  settings: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  authorize(actor, 'update', SETTINGS)
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined) await db.deleteFrom('chat_settings').where('key', '=', key).execute()
    else
      await db
        .insertInto('chat_settings')
        .values({ key, value })
        .onConflict((on) => on.column('key').doUpdateSet({ value, updated_at: sql<Date>`now()` }))
        .execute()
  }
}
