import { sql } from 'kysely'

import type { HealthSection } from '@slipway/contract'
import { HealthSection as Sections } from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'

const KEY = 'health_settings'

/** A round trip to the database. @throws Error while it is away. */
export async function ping(db: Db): Promise<void> {
  await sql`select 1`.execute(db)
}

/** Sections that somebody has dismissed (OP-102). @throws ApiError 403 without `debug_info:read`. */
export async function listDismissed(actor: Actor, db: Db): Promise<HealthSection[]> {
  authorize(actor, 'read', { type: 'debug_info' })
  const row = await db.selectFrom('site_configs').select('value').where('key', '=', KEY).executeTakeFirst()
  const stored: unknown = row === undefined ? undefined : JSON.parse(row.value)
  if (typeof stored !== 'object' || stored === null || !('dismissed_healthchecks' in stored)) return []
  const { dismissed_healthchecks: names } = stored
  // A newer release may know others.
  return Array.isArray(names) ? Sections.enum.filter((name) => names.includes(name)) : []
}

/** Stores them. @throws ApiError 403 without `deployment_config:update`. */
export async function storeDismissed(
  actor: Actor,
  db: Db,
  dismissed: readonly HealthSection[],
): Promise<void> {
  authorize(actor, 'update', { type: 'deployment_config' })
  const value = JSON.stringify({ dismissed_healthchecks: dismissed })
  await db
    .insertInto('site_configs')
    .values({ key: KEY, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
