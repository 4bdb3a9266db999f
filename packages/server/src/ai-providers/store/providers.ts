import { type Insertable, type Selectable, sql } from 'kysely'

import { type Action, type Actor, authorize } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { AiProviderKeysTable, AiProvidersTable } from '../../database/tables.ts'
import { conflict } from '../../errors/index.ts'

/** A stored provider; its settings are sealed. */
export type ProviderRow = Selectable<AiProvidersTable>

/** A stored key of a provider; the key itself is sealed. */
export type ProviderKeyRow = Selectable<AiProviderKeysTable>

/** A provider with its keys, in the order in which they are used. */
export interface ProviderWithKeys {
  readonly row: ProviderRow
  readonly keys: readonly ProviderKeyRow[]
}

/** Live providers: lists and the directory look at all of them. */
const MAX_PROVIDERS = 500

function authorizeProvider(actor: Actor, action: Action, id?: string): void {
  authorize(actor, action, { type: 'ai_provider', id })
}

/** All live providers by name, also those that are off (AG-98). @throws ApiError 403. */
export async function listProviders(actor: Actor, db: Db): Promise<ProviderWithKeys[]> {
  authorizeProvider(actor, 'read')
  const rows = await db
    .selectFrom('ai_providers')
    .selectAll()
    .where('deleted', '=', false)
    .orderBy('name')
    .limit(MAX_PROVIDERS)
    .execute()
  return withKeys(db, rows)
}

async function withKeys(db: Db, rows: readonly ProviderRow[]): Promise<ProviderWithKeys[]> {
  if (rows.length === 0) return []
  const keys = await db
    .selectFrom('ai_provider_keys')
    .selectAll()
    .where(
      'provider_id',
      'in',
      rows.map(({ id }) => id),
    )
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const byProvider = Map.groupBy(keys, (key) => key.provider_id)
  return rows.map((row) => ({ row, keys: byProvider.get(row.id) ?? [] }))
}

/** How a provider is named: one of both. */
export type ProviderName = { readonly id: string } | { readonly name: string }

/**
 * A live provider; undefined without one. Inside a transaction that changes it, `hold` keeps others from doing so too.
 *
 * @throws ApiError 403.
 */
export async function findProvider(
  actor: Actor,
  db: Db,
  named: ProviderName,
  hold = false,
): Promise<ProviderWithKeys | undefined> {
  authorizeProvider(actor, 'read')
  const query = db
    .selectFrom('ai_providers')
    .selectAll()
    .where('deleted', '=', false)
    .where((where) => ('id' in named ? where('id', '=', named.id) : where('name', '=', named.name)))
  const row = await (hold ? query.forUpdate() : query).executeTakeFirst()
  return row === undefined ? undefined : (await withKeys(db, [row]))[0]
}

/** Names of providers that were deleted and have no successor (AG-106). @throws ApiError 403. */
export async function listDeletedNames(actor: Actor, db: Db): Promise<Set<string>> {
  authorizeProvider(actor, 'read')
  const rows = await db
    .selectFrom('ai_providers')
    .select('name')
    .distinct()
    .where('deleted', '=', true)
    .execute()
  return new Set(rows.map(({ name }) => name))
}

/** Waits until nobody else seeds providers, until the transaction ends (AG-106). @throws ApiError 403. */
export async function lockSeeding(actor: Actor, tx: Db): Promise<void> {
  authorizeProvider(actor, 'create')
  await sql`select pg_advisory_xact_lock(hashtextextended('ai_provider_seeding', 0))`.execute(tx)
}

/** A provider to store; `id` is made before, because secrets are bound to it. */
export type NewProvider = Pick<
  ProviderRow,
  'id' | 'type' | 'name' | 'display_name' | 'icon' | 'enabled' | 'base_url' | 'settings'
>

/** Stores a provider. @throws ApiError 403, 409 for a name that is taken. */
export async function insertProvider(actor: Actor, db: Db, provider: NewProvider): Promise<ProviderRow> {
  authorizeProvider(actor, 'create')
  try {
    return await db.insertInto('ai_providers').values(provider).returningAll().executeTakeFirstOrThrow()
  } catch (error) {
    if (violatedUnique(error) !== 'ai_providers_name') throw error
    throw conflict(`AI provider ${JSON.stringify(provider.name)} already exists.`)
  }
}

/** What may change of a provider. */
export type ProviderChange = Partial<
  Pick<ProviderRow, 'display_name' | 'icon' | 'enabled' | 'base_url' | 'settings'>
>

/** Stores what a provider is now. @throws ApiError 403. */
export async function updateProvider(
  actor: Actor,
  tx: Db,
  id: string,
  change: ProviderChange,
): Promise<ProviderRow> {
  authorizeProvider(actor, 'update', id)
  return tx
    .updateTable('ai_providers')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('deleted', '=', false)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Switches a provider off for good, and forgets its secrets; what was recorded about it stays (AG-102). @throws ApiError 403. */
export async function deleteProvider(actor: Actor, tx: Db, id: string): Promise<ProviderRow> {
  authorizeProvider(actor, 'delete', id)
  return tx
    .updateTable('ai_providers')
    .set({ deleted: true, enabled: false, settings: null, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** A key to store. */
export type NewProviderKey = Pick<Insertable<AiProviderKeysTable>, 'provider_id' | 'api_key' | 'masked'> & {
  readonly id: string
}

/** Adds keys to a provider, to be used in this order after those that it has. @throws ApiError 403. */
export async function insertProviderKeys(
  actor: Actor,
  tx: Db,
  providerId: string,
  keys: readonly NewProviderKey[],
): Promise<ProviderKeyRow[]> {
  authorizeProvider(actor, 'update', providerId)
  if (keys.length === 0) return []
  return tx
    .insertInto('ai_provider_keys')
    .values(
      keys.map((key, index) => ({
        ...key,
        // The order of keys is that of their making.
        created_at: sql<Date>`clock_timestamp() + ${index} * interval '1 millisecond'`,
      })),
    )
    .returningAll()
    .execute()
}

/** Removes keys of a provider. @throws ApiError 403. */
export async function deleteProviderKeys(
  actor: Actor,
  tx: Db,
  providerId: string,
  ids: readonly string[],
): Promise<void> {
  authorizeProvider(actor, 'update', providerId)
  if (ids.length === 0) return
  await tx
    .deleteFrom('ai_provider_keys')
    .where('provider_id', '=', providerId)
    .where('id', 'in', ids)
    .execute()
}
