import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { AiGatewaySettingsTable } from '../../database/tables.ts'

/** What the deployment has set; its secrets are sealed. */
export type SettingsRow = Selectable<AiGatewaySettingsTable>

const CONFIG = { type: 'deployment_config' } as const

/** The settings; undefined while nothing was set. @throws ApiError 403. */
export async function findSettings(actor: Actor, db: Db): Promise<SettingsRow | undefined> {
  authorize(actor, 'read', CONFIG)
  return db.selectFrom('ai_gateway_settings').selectAll().executeTakeFirst()
}

/** The same, to be changed by nobody else until the transaction ends. @throws ApiError 403. */
export async function holdSettings(actor: Actor, tx: Db): Promise<SettingsRow | undefined> {
  authorize(actor, 'update', CONFIG)
  await sql`select pg_advisory_xact_lock(hashtextextended('ai gateway settings', 0))`.execute(tx)
  return tx.selectFrom('ai_gateway_settings').selectAll().executeTakeFirst()
}

/** What is stored of settings; a secret that is left out stays. */
export interface SettingsChange {
  /** A JSON object. */
  readonly settings: string
  readonly guardrail_webhook_secret?: Buffer | null
  readonly export_webhook_secret?: Buffer | null
}

/** Stores what the settings are now. @throws ApiError 403. */
export async function storeSettings(actor: Actor, tx: Db, change: SettingsChange): Promise<SettingsRow> {
  authorize(actor, 'update', CONFIG)
  return tx
    .insertInto('ai_gateway_settings')
    .values(change)
    .onConflict((on) => on.column('id').doUpdateSet({ ...change, updated_at: sql<Date>`now()` }))
    .returningAll()
    .executeTakeFirstOrThrow()
}
