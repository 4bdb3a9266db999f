import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { AiProviderChecksTable } from '../../database/tables.ts'

/** How the last test of a provider went. */
export type ProviderCheck = Selectable<AiProviderChecksTable>

const MAX_ERROR = 512

/** The last tests of all providers, by the id of the provider (AG-B18). @throws ApiError 403. */
export async function listChecks(actor: Actor, db: Db): Promise<Map<string, ProviderCheck>> {
  authorize(actor, 'read', { type: 'ai_provider' })
  const rows = await db.selectFrom('ai_provider_checks').selectAll().limit(1000).execute()
  return new Map(rows.map((row) => [row.provider_id, row]))
}

/** Keeps how a test went. @throws ApiError 403. */
export async function noteCheck(
  actor: Actor,
  db: Db,
  providerId: string,
  outcome: { readonly ok: boolean; readonly error: string },
): Promise<void> {
  authorize(actor, 'update', { type: 'ai_provider', id: providerId })
  const values = {
    provider_id: providerId,
    ok: outcome.ok,
    error: [...outcome.error.replaceAll('\0', '')].slice(0, MAX_ERROR).join(''),
    checked_at: sql<Date>`now()`,
  }
  await db
    .insertInto('ai_provider_checks')
    .values(values)
    .onConflict((on) => on.column('provider_id').doUpdateSet(values))
    .execute()
}
