import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { IdentityProvidersTable } from '../../database/tables.ts'
import { conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'

/** A provider that is kept here; its secret is sealed. */
export type ProviderRow = Selectable<IdentityProvidersTable>

const CONFIG = { type: 'deployment_config' } as const
/** Each is read on every sign-in page. */
const MAX_PROVIDERS = 50

/** All of them, the oldest first. @throws ApiError 403 without `deployment_config:read`. */
export async function listProviders(actor: Actor, db: Db): Promise<ProviderRow[]> {
  authorize(actor, 'read', CONFIG)
  return db
    .selectFrom('identity_providers')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .limit(MAX_PROVIDERS)
    .execute()
}

/** The one of this name. @throws ApiError 404 when it is absent or may not be read. */
export async function getProvider(actor: Actor, db: Db, name: string): Promise<ProviderRow> {
  if (!isAllowed(actor, 'read', CONFIG)) throw notFound()
  const row = await db
    .selectFrom('identity_providers')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row
}

/** What a provider is made of. */
export interface NewProvider {
  readonly id: string
  readonly name: string
  readonly kind: ProviderRow['kind']
  readonly displayName: string
  readonly icon: string
  readonly enabled: boolean
  readonly settings: object
  readonly clientSecret: Buffer | undefined
}

/** Stores a provider. @throws ApiError 403 without `deployment_config:update`, 409 for a taken name or one too many. */
export async function insertProvider(actor: Actor, tx: Db, provider: NewProvider): Promise<ProviderRow> {
  authorize(actor, 'update', CONFIG)
  const { count } = await tx
    .selectFrom('identity_providers')
    .select(sql<number>`count(*)::int`.as('count'))
    .executeTakeFirstOrThrow()
  if (count >= MAX_PROVIDERS)
    throw conflict(`There are ${MAX_PROVIDERS} identity providers already. Delete one that nobody uses.`)
  try {
    return await tx
      .insertInto('identity_providers')
      .values({
        id: provider.id,
        name: provider.name,
        kind: provider.kind,
        display_name: provider.displayName,
        icon: provider.icon,
        enabled: provider.enabled,
        settings: JSON.stringify(provider.settings),
        client_secret: provider.clientSecret ?? null,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
  } catch (error) {
    if (violatedUnique(error) !== 'identity_providers_name') throw error
    throw conflict(`An identity provider with the id ${JSON.stringify(provider.name)} already exists.`, {
      validations: [{ field: 'id', detail: UNIQUE_DETAIL }],
    })
  }
}

/** Keeps a provider from changing until the transaction ends. @throws ApiError 404, 403. */
export async function holdProvider(actor: Actor, tx: Db, name: string): Promise<ProviderRow> {
  if (!isAllowed(actor, 'read', CONFIG)) throw notFound()
  authorize(actor, 'update', CONFIG)
  const row = await tx
    .selectFrom('identity_providers')
    .selectAll()
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row
}

/** Stores what a provider is now. @throws ApiError 403 without `deployment_config:update`. */
export async function updateProvider(
  actor: Actor,
  tx: Db,
  id: string,
  change: Omit<NewProvider, 'id' | 'name' | 'kind'>,
): Promise<ProviderRow> {
  authorize(actor, 'update', CONFIG)
  return tx
    .updateTable('identity_providers')
    .set({
      display_name: change.displayName,
      icon: change.icon,
      enabled: change.enabled,
      settings: JSON.stringify(change.settings),
      client_secret: change.clientSecret ?? null,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Removes a provider. Accounts that it has linked stay. @throws ApiError 404, 403 without `deployment_config:update`. */
export async function deleteProvider(actor: Actor, db: Db, name: string): Promise<ProviderRow> {
  if (!isAllowed(actor, 'read', CONFIG)) throw notFound()
  authorize(actor, 'update', CONFIG)
  const row = await db
    .deleteFrom('identity_providers')
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row
}
