import { Compile } from 'typebox/compile'

import { AppearanceSettings } from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'

const KEY = 'appearance'
const NOTHING: AppearanceSettings = { application_name: '', logo_url: '', announcement_banners: [] }

const settings = Compile(AppearanceSettings)

/** What is set of it; nothing where nobody has set anything. @throws ApiError 403 without `deployment_config:read`. */
export async function getAppearance(actor: Actor, db: Db): Promise<AppearanceSettings> {
  authorize(actor, 'read', { type: 'deployment_config' })
  const row = await db.selectFrom('site_configs').select('value').where('key', '=', KEY).executeTakeFirst()
  return row === undefined ? NOTHING : parsed(row.value)
}

/** The same, which nobody else changes until the transaction ends. @throws ApiError 403. */
export async function holdAppearance(actor: Actor, tx: Db): Promise<AppearanceSettings> {
  authorize(actor, 'update', { type: 'deployment_config' })
  await tx
    .insertInto('site_configs')
    .values({ key: KEY, value: JSON.stringify(NOTHING) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  const { value } = await tx
    .selectFrom('site_configs')
    .select('value')
    .where('key', '=', KEY)
    .forUpdate()
    .executeTakeFirstOrThrow()
  return parsed(value)
}

/** Stores it. @throws ApiError 403 without `deployment_config:update`. */
export async function storeAppearance(actor: Actor, tx: Db, next: AppearanceSettings): Promise<void> {
  authorize(actor, 'update', { type: 'deployment_config' })
  await tx
    .updateTable('site_configs')
    .set({ value: JSON.stringify(next) })
    .where('key', '=', KEY)
    .execute()
}

/** @throws Error when another release stores it otherwise. */
function parsed(value: string): AppearanceSettings {
  const stored: unknown = JSON.parse(value)
  if (!settings.Check(stored))
    throw new Error('the appearance is stored in a form that this release does not know')
  return stored
}
