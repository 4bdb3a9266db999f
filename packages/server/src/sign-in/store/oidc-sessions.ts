import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** A session at a provider of OpenID Connect. */
export interface UpstreamSessionId {
  readonly issuer: string
  readonly subject: string
  /** As the provider calls it; many call theirs nothing. */
  readonly sid: string | undefined
}

/** How a session can be ended at its provider (ID-220). */
interface UpstreamSessionEnd {
  /** As links name it. */
  readonly provider: string
  /** Sealed; undefined when the provider is not asked to end sessions. */
  readonly idToken: Buffer | undefined
}

const LONGEST_SUBJECT = 1024

/** Remembers which session at a provider a key was given for. @throws ApiError 403 without `api_key:create`. */
export async function insertOidcSession(
  actor: Actor,
  tx: Db,
  keyId: string,
  { issuer, subject, sid, provider, idToken }: UpstreamSessionId & UpstreamSessionEnd,
): Promise<void> {
  authorize(actor, 'create', { type: 'api_key' })
  await tx
    .insertInto('oidc_sessions')
    .values({
      key_id: keyId,
      issuer,
      subject: subject.slice(0, LONGEST_SUBJECT),
      sid: sid === undefined || sid === '' || sid.length > LONGEST_SUBJECT ? null : sid,
      provider,
      id_token: idToken ?? null,
    })
    .execute()
}

/**
 * How the session of this key is ended at its provider; undefined when it was opened at none, or when that was not kept.
 *
 * @throws ApiError 403 without `api_key:read`.
 */
export async function findOidcSessionEnd(
  actor: Actor,
  db: Db,
  keyId: string,
): Promise<UpstreamSessionEnd | undefined> {
  authorize(actor, 'read', { type: 'api_key' })
  const row = await db
    .selectFrom('oidc_sessions')
    .select(['provider', 'id_token'])
    .where('key_id', '=', keyId)
    .executeTakeFirst()
  if (row === undefined || row.provider === null) return undefined
  return { provider: row.provider, idToken: row.id_token ?? undefined }
}

/** Whose keys an issuer's session stands behind. @throws ApiError 403 without `api_key:read`. */
export async function findOidcSessionKeys(
  actor: Actor,
  tx: Db,
  session: { readonly issuer: string; readonly sid: string; readonly subject: string | undefined },
): Promise<{ readonly keyId: string; readonly userId: string }[]> {
  authorize(actor, 'read', { type: 'api_key' })
  let query = tx
    .selectFrom('oidc_sessions as s')
    .innerJoin('api_keys as k', 'k.id', 's.key_id')
    .select(['s.key_id as keyId', 'k.user_id as userId'])
    .where('s.issuer', '=', session.issuer)
    .where('s.sid', '=', session.sid)
  if (session.subject !== undefined)
    query = query.where('s.subject', '=', session.subject.slice(0, LONGEST_SUBJECT))
  return query.execute()
}

/** Sessions of a user that were given for no session of a provider that is known. @throws ApiError 403. */
export async function findUntiedSessions(actor: Actor, tx: Db, userId: string): Promise<string[]> {
  authorize(actor, 'read', { type: 'api_key', owner: userId })
  const rows = await tx
    .selectFrom('api_keys as k')
    .leftJoin('oidc_sessions as s', 's.key_id', 'k.id')
    .select('k.id')
    .where('k.user_id', '=', userId)
    .where('k.login_type', '=', 'oidc')
    .where('k.token_name', '=', '')
    .where('s.sid', 'is', null)
    .execute()
  return rows.map(({ id }) => id)
}

/**
 * Takes the only turn of a logout token. Whether it was still to be had.
 *
 * @throws ApiError 403 without `api_key:delete`.
 */
export async function spendLogoutToken(
  actor: Actor,
  tx: Db,
  digest: Buffer,
  expiresAt: Date,
): Promise<boolean> {
  authorize(actor, 'delete', { type: 'api_key' })
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('spent_logout_tokens')
    .values({ digest, expires_at: expiresAt })
    .onConflict((on) => on.column('digest').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/**
 * Ends sessions that a user has by OpenID Connect, those of these keys or all, with what apps were given by them.
 * Resolves to how many keys there were.
 *
 * @throws ApiError 403 without `api_key:delete`.
 */
export async function deleteOidcSessions(
  actor: Actor,
  tx: Db,
  userId: string,
  keys: readonly string[] | 'all',
): Promise<number> {
  authorize(actor, 'delete', { type: 'api_key', owner: userId })
  const which =
    keys === 'all'
      ? sql<boolean>`(login_type = 'oidc' and token_name = '')`
      : sql<boolean>`id = any(${[...keys]}::text[])`
  const { numDeletedRows } = await tx
    .deleteFrom('api_keys')
    .where('user_id', '=', userId)
    .where(sql<boolean>`(${which} or scopes @> array['coder:application_connect'])`)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
