import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, type ResourceObject } from '../authz/index.ts'
import { type Db, violatedUnique } from '../database/index.ts'
import type { Oauth2ProviderDeviceCodesTable } from '../database/tables.ts'

/** What permissions speak of. */
function codeObject(userId?: string): ResourceObject {
  return { type: 'oauth2_app_code_token', owner: userId }
}

/** A request of a device to store. */
export interface NewDeviceCode {
  readonly appId: string
  readonly prefix: string
  readonly hashedSecret: Buffer
  readonly hashedUserCode: Buffer
  readonly scopes: readonly string[]
  readonly resource: string | undefined
  readonly ipAddress: string
  readonly intervalSeconds: number
  readonly now: Date
  readonly expiresAt: Date
}

/**
 * Stores a request of a device, unless `atMost` of the app's wait already or another one has the same code for its user.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:create`.
 */
export async function insertDeviceCode(
  actor: Actor,
  db: Db,
  code: NewDeviceCode,
  atMost: number,
): Promise<'stored' | 'too many' | 'taken'> {
  authorize(actor, 'create', codeObject())
  const { waiting } = await db
    .selectFrom(
      db
        .selectFrom('oauth2_provider_device_codes')
        .select('id')
        .where('app_id', '=', code.appId)
        .where('status', '=', 'pending')
        .where('expires_at', '>', code.now)
        .limit(atMost)
        .as('some'),
    )
    .select(({ fn }) => fn.countAll<string>().as('waiting'))
    .executeTakeFirstOrThrow()
  if (Number(waiting) >= atMost) return 'too many'
  try {
    await db
      .insertInto('oauth2_provider_device_codes')
      .values({
        created_at: code.now,
        expires_at: code.expiresAt,
        app_id: code.appId,
        secret_prefix: code.prefix,
        hashed_secret: code.hashedSecret,
        hashed_user_code: code.hashedUserCode,
        scopes: [...code.scopes],
        resource_uri: code.resource ?? null,
        ip_address: code.ipAddress,
        interval_seconds: code.intervalSeconds,
      })
      .execute()
    return 'stored'
  } catch (error) {
    if (violatedUnique(error) !== 'oauth2_provider_device_codes_user_code') throw error
    return 'taken'
  }
}

/** A request as its device asks for it, with the account of who has decided. */
export type PolledCode = Selectable<Oauth2ProviderDeviceCodesTable> & {
  readonly username: string | null
  readonly email: string | null
  /** Whether that account may be acted for. */
  readonly live: boolean
}

/** The request with this lookup key. @throws ApiError 403 without `oauth2_app_code_token:read`. */
export async function findDeviceCode(actor: Actor, db: Db, prefix: string): Promise<PolledCode | undefined> {
  authorize(actor, 'read', codeObject())
  return db
    .selectFrom('oauth2_provider_device_codes as d')
    .leftJoin('users as u', 'u.id', 'd.user_id')
    .selectAll('d')
    .select(['u.username', 'u.email'])
    .select(sql<boolean>`coalesce(u.status <> 'suspended' and not u.deleted, false)`.as('live'))
    .where('d.secret_prefix', '=', prefix)
    .executeTakeFirst()
}

/** Longest time between two polls, in seconds. */
const MAX_INTERVAL = 300

/**
 * Notes that a device has asked; one that asks too soon has to wait five seconds longer from then on (RFC 8628 section
 * 3.5). Whether it was too soon.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:create`.
 */
export async function notePoll(actor: Actor, db: Db, id: string, now: Date): Promise<boolean> {
  authorize(actor, 'create', codeObject())
  const { rows } = await sql<{ soon: boolean }>`
    with before as (
      select id, coalesce(last_polled_at + make_interval(secs => interval_seconds) > ${now}, false) as soon
        from oauth2_provider_device_codes where id = ${id} for update
    )
    update oauth2_provider_device_codes d
       set last_polled_at = ${now},
           interval_seconds = least(${MAX_INTERVAL}::integer, d.interval_seconds + case when before.soon then 5 else 0 end)
      from before where d.id = before.id
    returning before.soon`.execute(db)
  return rows[0]?.soon === true
}

/**
 * Takes what a user has approved; whether it was us: of any number at once exactly one is.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:delete` for that user.
 */
export async function redeemDeviceCode(
  actor: Actor,
  tx: Db,
  code: { readonly id: string; readonly userId: string },
): Promise<boolean> {
  authorize(actor, 'delete', codeObject(code.userId))
  const { numUpdatedRows } = await tx
    .updateTable('oauth2_provider_device_codes')
    .set({ status: 'redeemed' })
    .where('id', '=', code.id)
    .where('user_id', '=', code.userId)
    .where('status', '=', 'approved')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** A request as a user finds it who has its code. */
export type UserFacingCode = Pick<
  Selectable<Oauth2ProviderDeviceCodesTable>,
  'id' | 'app_id' | 'scopes' | 'resource_uri' | 'ip_address' | 'created_at'
> & {
  /** Whether it can be decided still. */
  readonly waits: boolean
}

/**
 * The request with this code for its user, one that was decided or has expired as well. Whoever has the code may look at
 * it and decide in their own name.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:create` for the user.
 */
export async function findByUserCode(
  actor: Actor,
  db: Db,
  userId: string,
  hashedUserCode: Buffer,
  now: Date,
): Promise<UserFacingCode | undefined> {
  authorize(actor, 'create', codeObject(userId))
  return db
    .selectFrom('oauth2_provider_device_codes')
    .select([
      'id',
      'app_id',
      'scopes',
      'resource_uri',
      'created_at',
      sql<string>`host(ip_address)`.as('ip_address'),
      sql<boolean>`status = 'pending' and expires_at > ${now}`.as('waits'),
    ])
    .where('hashed_user_code', '=', hashedUserCode)
    .executeTakeFirst()
}

/**
 * Stores the decision of a user; whether the request was still waiting.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:create` for the user.
 */
export async function decideDeviceCode(
  actor: Actor,
  tx: Db,
  userId: string,
  id: string,
  decision: 'approved' | 'denied',
  now: Date,
): Promise<boolean> {
  authorize(actor, 'create', codeObject(userId))
  const { numUpdatedRows } = await tx
    .updateTable('oauth2_provider_device_codes')
    .set({ status: decision, user_id: userId })
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
