import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** Characters of a message that searches find it by. */
const MAX_CHARACTERS = 100_000

/**
 * Makes messages that searches do not know yet findable, the newest first; resolves to how many. What only models see,
 * is found by nothing. No version changes (CH-110).
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function indexMessages(actor: Actor, db: Db, limit: number): Promise<number> {
  authorize(actor, 'update', { type: 'chat' })
  const { numAffectedRows } = await sql`
    with waiting as materialized (
      select id from chat_messages
       where search_tsv is null and role in ('user', 'assistant') and not deleted
       order by id desc limit ${limit} for update skip locked)
    update chat_messages m set search_tsv = to_tsvector('simple', case
        when m.visibility = 'model' then ''
        else left(coalesce(case when m.content_version = 0 then m.content #>> '{}' else (
          select string_agg(part ->> 'text', ' ') from jsonb_array_elements(m.content) part
           where part ->> 'type' = 'text') end, ''), ${MAX_CHARACTERS}::integer) end)
      from waiting where m.id = waiting.id`.execute(db)
  return Number(numAffectedRows ?? 0)
}
