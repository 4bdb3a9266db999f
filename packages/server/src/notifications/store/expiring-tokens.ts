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
 * Tokens that end within a time, and were made for longer than that, once for each time at which they end: who takes
 * them here has to tell their users (ID-214).
 *
 * @throws ApiError 403 without `api_key:read` and `notification_message:create`.
 */
export async function takeExpiringTokens(
  actor: Actor,
  db: Db,
  { now, withinMs, limit }: { readonly now: Date; readonly withinMs: number; readonly limit: number },
): Promise<ExpiringToken[]> {
  authorize(actor, 'read', { type: 'api_key' })
  authorize(actor, 'create', { type: 'notification_message' })
  const until = new Date(now.getTime() + withinMs)
  const { rows } = await sql<ExpiringToken>`
    with due as (
      select k.id, k.user_id, k.token_name, k.expires_at
        from api_keys k
        left join token_expiry_warnings w on w.api_key_id = k.id
       where k.login_type = 'token' and k.token_name <> '' and k.expires_at > ${now} and k.expires_at <= ${until}
         and k.lifetime_seconds > ${Math.floor(withinMs / 1_000)}::bigint
         and (w.api_key_id is null or w.expires_at <> k.expires_at)
       order by k.expires_at limit ${limit}),
    told as (
      insert into token_expiry_warnings (api_key_id, expires_at)
      select id, expires_at from due
      on conflict (api_key_id) do update set expires_at = excluded.expires_at
        where token_expiry_warnings.expires_at <> excluded.expires_at
      returning api_key_id)
    select due.* from due join told on told.api_key_id = due.id`.execute(db)
  return rows
}
