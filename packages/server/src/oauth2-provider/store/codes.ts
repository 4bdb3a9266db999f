import { type AliasedRawBuilder, type Selectable, sql } from 'kysely'

import { type Actor, authorize, type ResourceObject } from '../../authz/index.ts'
import { batchesOf, type Db, prepared } from '../../database/index.ts'
import type { Oauth2ProviderAppCodesTable, UsersTable } from '../../database/tables.ts'

/** What permissions speak of: codes, tokens and what they stand for are one kind of object. */
export function codeTokenObject(userId?: string): ResourceObject {
  return { type: 'oauth2_app_code_token', owner: userId }
}

/** An authorization code to store; of its secret only the hash is known (OA-9). */
export interface NewCode {
  readonly appId: string
  readonly userId: string
  readonly prefix: string
  readonly hashedSecret: Buffer
  readonly now: Date
  readonly expiresAt: Date
  readonly codeChallenge: string
  /** OA-11: hex of SHA-256. */
  readonly stateHash: string | undefined
  /** OA-12: only the one that was asked for. */
  readonly redirectUri: string | undefined
  readonly resource: string | undefined
  readonly scopes: readonly string[]
  readonly dpopThumbprint: string | undefined
  readonly ipAddress: string
}

/**
 * Stores a code in the place of those of the same app and user that nobody has redeemed (OA-49); the redeemed ones stay,
 * so that a replay of one is noticed (OA-61).
 *
 * @throws ApiError 403 without `oauth2_app_code_token:create` for that user.
 */
export async function replaceCode(actor: Actor, tx: Db, code: NewCode): Promise<void> {
  authorize(actor, 'create', codeTokenObject(code.userId))
  // One after the other for each app and user: of two at once both would stay.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${code.appId} ${code.userId}`}, 22))`.execute(tx)
  await tx
    .deleteFrom('oauth2_provider_app_codes')
    .where('app_id', '=', code.appId)
    .where('user_id', '=', code.userId)
    .where('redeemed_at', 'is', null)
    .execute()
  await tx
    .insertInto('oauth2_provider_app_codes')
    .values({
      app_id: code.appId,
      user_id: code.userId,
      secret_prefix: code.prefix,
      hashed_secret: code.hashedSecret,
      created_at: code.now,
      expires_at: code.expiresAt,
      code_challenge: code.codeChallenge,
      code_challenge_method: 'S256',
      state_hash: code.stateHash ?? null,
      redirect_uri: code.redirectUri ?? null,
      resource_uri: code.resource ?? null,
      scopes: [...code.scopes],
      dpop_thumbprint: code.dpopThumbprint ?? null,
      ip_address: code.ipAddress,
    })
    .execute()
}

/** The account that a code or a token is of. */
export type Holder = Pick<Selectable<UsersTable>, 'username' | 'email' | 'status' | 'deleted'>

/**
 * The account of each of a few rows, as `u`, to be joined laterally. By itself PostgreSQL reads all of some thousand
 * accounts instead of those, which took a fifth of its time for an exchange of tokens; what has an offset it does not turn
 * round.
 */
export function holderOf(userId: 'c.user_id' | 't.user_id'): AliasedRawBuilder<Holder, 'u'> {
  return sql<Holder>`(
    select username, email, status, deleted from users where id = ${sql.ref(userId)} offset 0)`.as<'u'>(
    sql`u`,
  )
}

/** A code with the account that it is of. */
export type FoundCode = Selectable<Oauth2ProviderAppCodesTable> & Holder

const findByPrefixes = prepared<{ prefixes: string[] }, FoundCode>((db, p) =>
  db
    .selectFrom('oauth2_provider_app_codes as c')
    .innerJoinLateral(holderOf('c.user_id'), (join) => join.onTrue())
    .selectAll('c')
    .select(['u.username', 'u.email', 'u.status', 'u.deleted'])
    .where(sql<boolean>`c.secret_prefix = any(${p('prefixes')}::text[])`),
)

const findTogether = batchesOf(async (db: Db, prefixes: readonly string[]) => {
  const found = new Map(
    (await findByPrefixes(db, { prefixes: [...prefixes] })).map((row) => [row.secret_prefix, row]),
  )
  return prefixes.map((prefix) => found.get(prefix))
})

/** The code with this lookup key, redeemed ones too. @throws ApiError 403 without `oauth2_app_code_token:read`. */
export async function findCode(actor: Actor, db: Db, prefix: string): Promise<FoundCode | undefined> {
  authorize(actor, 'read', codeTokenObject())
  return findTogether(db, prefix)
}

/** Removes a code (OA-60). @throws ApiError 403 without `oauth2_app_code_token:delete`. */
export async function deleteCode(actor: Actor, db: Db, id: string): Promise<void> {
  authorize(actor, 'delete', codeTokenObject())
  await db.deleteFrom('oauth2_provider_app_codes').where('id', '=', id).execute()
}
