import type { Selectable } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { IdentityProviderTestsTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'

/** A test sign-in and what came of it. */
export type ProviderTestRow = Selectable<IdentityProviderTestsTable>

const CONFIG = { type: 'deployment_config' } as const

/** Stores a test that has begun, and forgets those that are over. @throws ApiError 403 without `deployment_config:update`. */
export async function insertProviderTest(
  actor: Actor,
  db: Db,
  test: {
    readonly provider: string
    readonly createdBy: string
    readonly now: Date
    readonly expiresAt: Date
  },
): Promise<ProviderTestRow> {
  authorize(actor, 'update', CONFIG)
  await db.deleteFrom('identity_provider_tests').where('expires_at', '<', test.now).execute()
  return db
    .insertInto('identity_provider_tests')
    .values({
      provider: test.provider,
      created_by: test.createdBy,
      created_at: test.now,
      expires_at: test.expiresAt,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** A test of a provider that somebody has begun and that is not over at `now`. @throws ApiError 404, 403. */
export async function getProviderTest(
  actor: Actor,
  db: Db,
  test: { readonly id: string; readonly provider: string; readonly createdBy: string; readonly now: Date },
): Promise<ProviderTestRow> {
  authorize(actor, 'update', CONFIG)
  const row = await db
    .selectFrom('identity_provider_tests')
    .selectAll()
    .where('id', '=', test.id)
    .where('provider', '=', test.provider)
    .where('created_by', '=', test.createdBy)
    .where('expires_at', '>', test.now)
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row
}

/** Stores what came of a test, once. @throws ApiError 403 without `deployment_config:update`. */
export async function finishProviderTest(actor: Actor, db: Db, id: string, result: object): Promise<void> {
  authorize(actor, 'update', CONFIG)
  await db
    .updateTable('identity_provider_tests')
    .set({ result: JSON.stringify(result) })
    .where('id', '=', id)
    .where('result', 'is', null)
    .execute()
}
