import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

const OLD = (before: Date) => sql`
  select f.id from chat_files f
   where f.created_at < ${before} and not exists (select 1 from chat_file_links l where l.file_id = f.id)`

/** Files that were uploaded before a time and that no chat links, archived or not (CH-1701). */
export const unlinkedFiles = {
  /** Deletes at most `limit` of them inside a transaction; resolves to how many there were. @throws ApiError 403. */
  async deleteOld(
    actor: Actor,
    tx: Db,
    { before, limit }: { readonly before: Date; readonly limit: number },
  ): Promise<number> {
    authorize(actor, 'delete', { type: 'system' })
    // Held first and looked at again: a message that links one at this moment would lose it otherwise.
    const { rows } = await sql<{ id: string }>`
      ${OLD(before)} order by f.created_at limit ${limit} for update of f skip locked`.execute(tx)
    if (rows.length === 0) return 0
    const { numAffectedRows } = await sql`
      delete from chat_files f
       where f.id = any(${rows.map(({ id }) => id)}::uuid[])
         and not exists (select 1 from chat_file_links l where l.file_id = f.id)`.execute(tx)
    return Number(numAffectedRows ?? 0)
  },

  /** Counts those that would be deleted. @throws ApiError 403 without the right to delete them. */
  async countOld(actor: Actor, db: Db, before: Date): Promise<number> {
    authorize(actor, 'delete', { type: 'system' })
    const { rows } = await sql<{ count: string }>`
      select count(*)::text as count from (${OLD(before)}) as old`.execute(db)
    return Number(rows[0]?.count ?? 0)
  },
}
