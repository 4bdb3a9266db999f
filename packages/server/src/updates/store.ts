import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import { isRelease, type Release } from './release.ts'

const KEY = 'update_check'

/** The newest release when it was last asked for. */
export interface FoundRelease {
  readonly release: Release
  readonly askedAt: Date
}

/** What the latest answer of the feed was, on whichever replica. @throws ApiError 403 without `system:read`. */
export async function readRelease(actor: Actor, db: Db): Promise<FoundRelease | undefined> {
  authorize(actor, 'read', { type: 'system' })
  const row = await db.selectFrom('site_configs').select('value').where('key', '=', KEY).executeTakeFirst()
  const stored: unknown = row === undefined ? undefined : JSON.parse(row.value)
  if (typeof stored !== 'object' || stored === null || !('release' in stored) || !('asked_at' in stored))
    return undefined
  const { release, asked_at } = stored
  // Another release of the server may write it otherwise.
  return isRelease(release) ? { release, askedAt: new Date(String(asked_at)) } : undefined
}

/** Stores an answer of the feed for all replicas. @throws ApiError 403 without `system:update`. */
export async function storeRelease(actor: Actor, db: Db, found: FoundRelease): Promise<void> {
  authorize(actor, 'update', { type: 'system' })
  const value = JSON.stringify({ release: found.release, asked_at: found.askedAt })
  await db
    .insertInto('site_configs')
    .values({ key: KEY, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}
