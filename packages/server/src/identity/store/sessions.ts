import { sql } from 'kysely'

import { type Actor, authorize, isAllowed, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { notFound } from '../../errors/index.ts'
import type { ApiKeyRow } from './keys.ts'

/**
 * Keys that people are signed in with, in browsers and command lines: not tokens, not what an app or a workspace was
 * given, not what OAuth2 clients hold (ID-210).
 */
const IS_SESSION = sql<boolean>`(login_type in ('password', 'github', 'oidc') and token_name = '' and scopes @> array['coder:all'])`

/** A session that holds. */
export type SessionRow = ApiKeyRow

/** The sessions of a user that hold at `now`, the last used first. @throws never: who may not read them gets none. */
export async function listSessions(actor: Actor, db: Db, userId: string, now: Date): Promise<SessionRow[]> {
  return db
    .selectFrom('api_keys')
    .selectAll()
    .where('user_id', '=', userId)
    .where(IS_SESSION)
    .where('expires_at', '>', now)
    .where(sqlFilter(actor, 'read', 'api_key', { owner: sql.ref('user_id') }))
    .orderBy(sql`greatest(last_used, created_at)`, 'desc')
    .orderBy('id')
    .limit(1_000)
    .execute()
}

/** One session of a user. @throws ApiError 404. */
export async function getSession(actor: Actor, db: Db, userId: string, id: string): Promise<SessionRow> {
  const row = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where(IS_SESSION)
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', { type: 'api_key', owner: row.user_id, id: row.id }))
    throw notFound()
  return row
}

/**
 * Ends the sessions of a user but one, and what apps were given, since it came from one of them. Resolves to how many
 * keys there were.
 *
 * @throws ApiError 403.
 */
export async function deleteOtherSessions(
  actor: Actor,
  db: Db,
  userId: string,
  exceptKeyId: string,
): Promise<number> {
  authorize(actor, 'delete', { type: 'api_key', owner: userId })
  const { numDeletedRows } = await db
    .deleteFrom('api_keys')
    .where('user_id', '=', userId)
    .where('id', '!=', exceptKeyId)
    .where(sql<boolean>`(${IS_SESSION} or scopes @> array['coder:application_connect'])`)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
