import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** The stored routing of a provider; undefined while nothing was set. @throws ApiError 403. */
export async function findRouting(actor: Actor, db: Db, providerId: string): Promise<unknown> {
  authorize(actor, 'read', { type: 'ai_provider', id: providerId })
  const row = await db
    .selectFrom('ai_provider_routing')
    .select('routing')
    .where('provider_id', '=', providerId)
    .executeTakeFirst()
  return row?.routing
}

/** The same, to be changed by nobody else until the transaction ends. @throws ApiError 403. */
export async function holdRouting(actor: Actor, tx: Db, providerId: string): Promise<unknown> {
  authorize(actor, 'update', { type: 'ai_provider', id: providerId })
  await sql`select pg_advisory_xact_lock(hashtextextended(${`ai provider routing ${providerId}`}, 0))`.execute(
    tx,
  )
  return findRouting(actor, tx, providerId)
}

/** Stores the routing of a provider. @param routing a JSON object. @throws ApiError 403. */
export async function storeRouting(actor: Actor, tx: Db, providerId: string, routing: string): Promise<void> {
  authorize(actor, 'update', { type: 'ai_provider', id: providerId })
  await tx
    .insertInto('ai_provider_routing')
    .values({ provider_id: providerId, routing })
    .onConflict((on) => on.column('provider_id').doUpdateSet({ routing, updated_at: sql<Date>`now()` }))
    .execute()
}
