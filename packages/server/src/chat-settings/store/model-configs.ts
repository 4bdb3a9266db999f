import { type Insertable, type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ChatModelConfigsTable } from '../../database/tables.ts'

/** A stored model config. */
export type ModelConfigRow = Selectable<ChatModelConfigsTable>

const CONFIGS = { type: 'deployment_config' } as const

/** Live configs, oldest first; lists and caches look at all of them. @throws ApiError 403. */
export async function listModelConfigs(actor: Actor, db: Db): Promise<ModelConfigRow[]> {
  authorize(actor, 'read', CONFIGS)
  return db
    .selectFrom('chat_model_configs')
    .selectAll()
    .where('deleted', '=', false)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

/** The same, while nobody else changes any until the transaction ends (CH-503). @throws ApiError 403. */
export async function holdModelConfigs(actor: Actor, tx: Db): Promise<ModelConfigRow[]> {
  authorize(actor, 'update', CONFIGS)
  await sql`select pg_advisory_xact_lock(hashtextextended('chat model configs', 0))`.execute(tx)
  return listModelConfigs(actor, tx)
}

/** What a new config is made of. */
export type NewModelConfig = Omit<
  Insertable<ChatModelConfigsTable>,
  'id' | 'created_at' | 'updated_at' | 'deleted'
>

/** Stores a config. @throws ApiError 403. */
export async function insertModelConfig(
  actor: Actor,
  tx: Db,
  config: NewModelConfig,
): Promise<ModelConfigRow> {
  authorize(actor, 'update', CONFIGS)
  return tx.insertInto('chat_model_configs').values(config).returningAll().executeTakeFirstOrThrow()
}

/** What may change of a config. */
export type ModelConfigChange = Partial<
  Pick<
    Insertable<ChatModelConfigsTable>,
    | 'ai_provider_id'
    | 'model'
    | 'display_name'
    | 'enabled'
    | 'is_default'
    | 'context_limit'
    | 'compression_threshold'
    | 'options'
    | 'deleted'
    | 'updated_by'
  >
>

/** Stores what a held config is now. @throws ApiError 403. */
export async function updateModelConfig(
  actor: Actor,
  tx: Db,
  id: string,
  change: ModelConfigChange,
): Promise<ModelConfigRow> {
  authorize(actor, 'update', CONFIGS)
  return tx
    .updateTable('chat_model_configs')
    .set({ ...change, updated_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Leaves no config the default, so that another can become it. @throws ApiError 403. */
export async function clearDefault(actor: Actor, tx: Db): Promise<void> {
  authorize(actor, 'update', CONFIGS)
  await tx
    .updateTable('chat_model_configs')
    .set({ is_default: false })
    .where('is_default', '=', true)
    .execute()
}
