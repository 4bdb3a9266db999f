import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

const KEY = 'notifications_paused'

/** Whether messages are kept back on all replicas (OP-137). @throws ApiError 403 without `deployment_config:read`. */
export async function getPaused(actor: Actor, db: Db): Promise<boolean> {
  authorize(actor, 'read', { type: 'deployment_config' })
  const row = await db.selectFrom('site_configs').select('value').where('key', '=', KEY).executeTakeFirst()
  return row?.value === 'true'
}

/** Stores it. @throws ApiError 403 without `deployment_config:update`. */
export async function storePaused(actor: Actor, db: Db, paused: boolean): Promise<void> {
  authorize(actor, 'update', { type: 'deployment_config' })
  await db
    .insertInto('site_configs')
    .values({ key: KEY, value: String(paused) })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: String(paused) }))
    .execute()
}
