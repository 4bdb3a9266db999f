import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { ApiError } from '../../errors/index.ts'
import { codeTokenObject } from './codes.ts'

/** Requests of one client that wait for their users; each of them lives for minutes. */
const MAX_WAITING = 1_000

/** An authorization request that a client has pushed (RFC 9126). */
export interface PushedRequest {
  readonly hashedSecret: Buffer
  readonly appId: string
  /** Its parameters, as a query. */
  readonly parameters: string
  readonly now: Date
  readonly expiresAt: Date
}

/**
 * Keeps a pushed request. Those of the same client that are past make room, however fast it pushes.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:create`, 429 while too many of the client wait.
 */
export async function insertPushedRequest(actor: Actor, db: Db, pushed: PushedRequest): Promise<void> {
  authorize(actor, 'create', codeTokenObject())
  authorize(actor, 'delete', codeTokenObject())
  const { rows } = await sql`
    with past as (
      delete from oauth2_provider_pushed_requests where hashed_secret = any(array(
        select hashed_secret from oauth2_provider_pushed_requests
         where app_id = ${pushed.appId}::uuid and expires_at <= ${pushed.now}::timestamptz
         limit ${MAX_WAITING} for update skip locked))
    )
    insert into oauth2_provider_pushed_requests (hashed_secret, app_id, parameters, created_at, expires_at)
    select ${pushed.hashedSecret}::bytea, ${pushed.appId}::uuid, ${JSON.stringify(pushed.parameters)}::jsonb,
           ${pushed.now}::timestamptz, ${pushed.expiresAt}::timestamptz
     where (select count(*) from oauth2_provider_pushed_requests
             where app_id = ${pushed.appId}::uuid and expires_at > ${pushed.now}::timestamptz) < ${MAX_WAITING}
    returning app_id`.execute(db)
  if (rows.length === 0)
    throw new ApiError(429, 'Too many pushed authorization requests of this client wait for their users.', {
      headers: { 'Retry-After': '60' },
    })
}

/**
 * The parameters of a pushed request that its user has come with: from the first time on there is time to sign in and to
 * decide.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:read`.
 */
export async function openPushedRequest(
  actor: Actor,
  db: Db,
  asked: {
    readonly hashedSecret: Buffer
    readonly appId: string
    readonly now: Date
    readonly decisionMs: number
  },
): Promise<string | undefined> {
  authorize(actor, 'read', codeTokenObject())
  const found = await db
    .updateTable('oauth2_provider_pushed_requests')
    .set({
      expires_at: sql<Date>`created_at + ${asked.decisionMs}::double precision * interval '1 millisecond'`,
    })
    .where('hashed_secret', '=', asked.hashedSecret)
    .where('app_id', '=', asked.appId)
    .where('expires_at', '>', asked.now)
    .returning('parameters')
    .executeTakeFirst()
  return typeof found?.parameters === 'string' ? found.parameters : undefined
}

/**
 * Uses a pushed request up; whether it was us: of any number at once exactly one is.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:delete`.
 */
export async function takePushedRequest(
  actor: Actor,
  db: Db,
  asked: { readonly hashedSecret: Buffer; readonly appId: string; readonly now: Date },
): Promise<boolean> {
  authorize(actor, 'delete', codeTokenObject())
  const { numDeletedRows } = await db
    .deleteFrom('oauth2_provider_pushed_requests')
    .where('hashed_secret', '=', asked.hashedSecret)
    .where('app_id', '=', asked.appId)
    .where('expires_at', '>', asked.now)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
