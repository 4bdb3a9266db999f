import { type RawBuilder, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { codeTokenObject } from './codes.ts'

/** Whether this transaction may clear away; another replica at it keeps its turn. @throws ApiError 403. */
export async function tryExpiryLock(actor: Actor, tx: Db): Promise<boolean> {
  authorize(actor, 'delete', codeTokenObject())
  const { rows } = await sql<{
    locked: boolean
  }>`select pg_try_advisory_xact_lock(hashtextextended('oauth2 expiry', 0)) as locked`.execute(tx)
  return rows[0]?.locked === true
}

/** Exchanged refresh tokens of a grant that are remembered: to see one of them again ends the grant (OA-B8). */
const KEPT_OF_GRANT = 1_000

/** What is of no use any more, by kind; a grant is when nothing can be issued from it. */
const EXPIRED = {
  codes: (now: Date, limit: number) => sql`
    delete from oauth2_provider_app_codes where id in (
      select id from oauth2_provider_app_codes where expires_at < ${now} limit ${limit})`,
  tokens: (now: Date, limit: number) => sql`
    delete from oauth2_provider_app_tokens where id in (
      select t.id from oauth2_provider_app_tokens t join api_keys k on k.id = t.api_key_id
       where t.expires_at < ${now} and k.expires_at < ${now} limit ${limit})`,
  rotated_tokens: (now: Date, limit: number) => sql`
    delete from oauth2_provider_rotated_tokens where hash_prefix in (
      select hash_prefix from oauth2_provider_rotated_tokens where expires_at < ${now} limit ${limit})`,
  // Of a client that refreshes over and over: a token from so long ago is not good anyway.
  surplus_rotated_tokens: (_now: Date, limit: number) => sql`
    delete from oauth2_provider_rotated_tokens where hash_prefix in (
      select old.hash_prefix
        from (select grant_id from oauth2_provider_rotated_tokens
               group by grant_id having count(*) > ${KEPT_OF_GRANT}) busy,
             lateral (select r.hash_prefix from oauth2_provider_rotated_tokens r where r.grant_id = busy.grant_id
                       order by r.rotated_at desc, r.hash_prefix offset ${KEPT_OF_GRANT}) old
       limit ${limit})`,
  grants: (now: Date, limit: number) => sql`
    delete from oauth2_provider_grants where id in (
      select g.id from oauth2_provider_grants g
       where g.created_at < ${now}
         and not exists (select from oauth2_provider_app_tokens t where t.grant_id = g.id) limit ${limit})`,
  pushed_requests: (now: Date, limit: number) => sql`
    delete from oauth2_provider_pushed_requests where hashed_secret in (
      select hashed_secret from oauth2_provider_pushed_requests where expires_at < ${now} limit ${limit})`,
  device_codes: (now: Date, limit: number) => sql`
    delete from oauth2_provider_device_codes where id in (
      select id from oauth2_provider_device_codes where expires_at < ${now} limit ${limit})`,
} as const satisfies Record<string, (now: Date, limit: number) => RawBuilder<unknown>>

export type ExpiredKind = keyof typeof EXPIRED

/** Every kind, in the order in which they are cleared away. */
export const EXPIRED_KINDS: readonly ExpiredKind[] = [
  'codes',
  'tokens',
  'rotated_tokens',
  'surplus_rotated_tokens',
  'grants',
  'pushed_requests',
  'device_codes',
]

/**
 * Deletes at most `limit` rows of a kind that expired before, or of which there are too many; resolves to how many there were.
 *
 * @throws ApiError 403 without the rights to delete anybody's tokens and keys.
 */
export async function deleteExpired(
  actor: Actor,
  tx: Db,
  kind: ExpiredKind,
  { now, limit }: { readonly now: Date; readonly limit: number },
): Promise<number> {
  authorize(actor, 'delete', codeTokenObject())
  authorize(actor, 'delete', { type: 'api_key' })
  const { numAffectedRows } = await EXPIRED[kind](now, limit).execute(tx)
  return Number(numAffectedRows ?? 0)
}
