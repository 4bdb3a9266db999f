import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** A token that ends soon. */
export interface ExpiringToken {
  readonly id: string
  readonly user_id: string
  readonly token_name: string
  readonly expires_at: Date
}

/**
 * Tokens that end within a time, and were made for longer than that, whose users were not told of that end yet (ID-214).
 *
 * @throws ApiError 403 without `api_key:read`.
 */
export async function findExpiringTokens(
  actor: Actor,
  db: Db,
  { now, withinMs, limit }: { readonly now: Date; readonly withinMs: number; readonly limit: number },
): Promise<ExpiringToken[]> {
  authorize(actor, 'read', { type: 'api_key' })
  const until = new Date(now.getTime() + withinMs)
  const { rows } = await sql<ExpiringToken>`
    select k.id, k.user_id, k.token_name, k.expires_at
      from api_keys k
      left join token_expiry_warnings w on w.api_key_id = k.id
     where k.login_type = 'token' and k.token_name <> '' and k.expires_at > ${now} and k.expires_at <= ${until}
       and k.lifetime_seconds > ${Math.floor(withinMs / 1_000)}::bigint
       and (w.api_key_id is null or w.expires_at <> k.expires_at)
     order by k.expires_at limit ${limit}`.execute(db)
  return rows
}

/**
 * Notes that users were told of the end of their tokens, of those that are still there.
 *
 * @throws ApiError 403 without `notification_message:create`.
 */
export async function markExpiryTold(actor: Actor, db: Db, ids: readonly string[]): Promise<void> {
  authorize(actor, 'create', { type: 'notification_message' })
  await sql`
    insert into token_expiry_warnings (api_key_id, expires_at)
    select id, expires_at from api_keys where id = any(${[...ids]}::text[]) order by id
    on conflict (api_key_id) do update set expires_at = excluded.expires_at`.execute(db)
}
