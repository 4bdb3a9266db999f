import { type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely'

import { type Actor, authorize, type ResourceObject, requireOwnerFor } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { UsersTable } from '../../database/tables.ts'
import { notFound, ScimError } from '../../errors/index.ts'

/** An account as identity providers see it. */
export interface ScimUserRow {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly name: string
  readonly status: Selectable<UsersTable>['status']
  readonly rbac_roles: string[]
  readonly created_at: Date
  readonly updated_at: Date
  /** What the provider calls it; the address or the name of an account that no provider has spoken of. */
  readonly user_name: string
  readonly external_id: string | null
  readonly given_name: string | null
  readonly family_name: string | null
}

/** What a provider says of an account beside what every account has. */
export interface ScimNames {
  readonly userName: string
  readonly externalId: string | undefined
  readonly givenName: string | undefined
  readonly familyName: string | undefined
}

/** What a provider calls the account `u` with its row `s`. */
export const USER_NAME = sql<string>`coalesce(s.user_name, nullif(u.email, ''), u.username)`

/** Those whom providers may know: people who are there. */
const people = sql`users u left join scim_users s on s.user_id = u.id
  where not u.deleted and not u.is_system and not u.is_service_account`

const columns = sql`u.id, u.username, u.email, u.name, u.status, u.rbac_roles, u.created_at,
  greatest(u.updated_at, s.updated_at) as updated_at, ${USER_NAME} as user_name, s.external_id, s.given_name,
  s.family_name`

function userObject(id?: string): ResourceObject {
  return { type: 'user', id, owner: id }
}

/** A page of the accounts that are looked for, the oldest first, and how many there are in all. @throws ApiError 403. */
export async function listScimUsers(
  actor: Actor,
  db: Db,
  wanted: RawBuilder<SqlBool>,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ readonly rows: readonly ScimUserRow[]; readonly total: number }> {
  authorize(actor, 'read', userObject())
  const [page, all] = await Promise.all([
    sql<ScimUserRow>`select ${columns} from ${people} and ${wanted}
      order by u.created_at, u.id limit ${limit} offset ${offset}`.execute(db),
    sql<{ total: number }>`select count(*)::int as total from ${people} and ${wanted}`.execute(db),
  ])
  return { rows: page.rows, total: all.rows[0]?.total ?? 0 }
}

/** One account. @throws ApiError 404, 403. */
export async function getScimUser(actor: Actor, db: Db, id: string): Promise<ScimUserRow> {
  authorize(actor, 'read', userObject(id))
  const { rows } = await sql<ScimUserRow>`select ${columns} from ${people} and u.id = ${id}::uuid`.execute(db)
  if (rows[0] === undefined) throw notFound()
  return rows[0]
}

/**
 * The account that a provider means: the one that it calls so, else the one with this address, else one of this name that
 * no provider has spoken of.
 *
 * @throws ApiError 403.
 */
export async function findMeant(
  actor: Actor,
  db: Db,
  { userName, email }: { readonly userName: string; readonly email: string },
): Promise<ScimUserRow | undefined> {
  authorize(actor, 'read', userObject())
  const { rows } = await sql<ScimUserRow>`
    select ${columns} from ${people}
       and (lower(s.user_name) = lower(${userName}) or lower(u.email) = lower(${email})
            or s.user_id is null and lower(u.username) = lower(${userName}))
     order by lower(s.user_name) is not distinct from lower(${userName}) desc, lower(u.email) = lower(${email}) desc
     limit 1`.execute(db)
  return rows[0]
}

/**
 * Stores what a provider calls an account.
 *
 * @throws ApiError 403 without `user:update`; ScimError 409 when it calls another one so.
 */
export async function saveScimNames(actor: Actor, tx: Db, userId: string, names: ScimNames): Promise<void> {
  authorize(actor, 'update', userObject(userId))
  const { userName, externalId = null, givenName = null, familyName = null } = names
  try {
    await sql`
      insert into scim_users as s (user_id, user_name, external_id, given_name, family_name)
      values (${userId}::uuid, ${userName}, ${externalId}, ${givenName}, ${familyName})
      on conflict (user_id) do update set user_name = excluded.user_name, external_id = excluded.external_id,
         given_name = excluded.given_name, family_name = excluded.family_name, updated_at = now()
       where (s.user_name, s.external_id, s.given_name, s.family_name)
         is distinct from (excluded.user_name, excluded.external_id, excluded.given_name, excluded.family_name)`.execute(
      tx,
    )
  } catch (error) {
    if (violatedUnique(error) !== 'scim_users_user_name') throw error
    throw new ScimError(409, 'uniqueness', `Another user has the userName ${JSON.stringify(userName)}.`)
  }
}

/**
 * Changes real name and address, where they differ.
 *
 * @throws ApiError 403 without `user:update_personal`, or for an owner by who is none (RB-125); ScimError 409 for an address
 *   that another account has.
 */
export async function updateScimProfile(
  actor: Actor,
  tx: Db,
  user: ScimUserRow,
  { name, email }: { readonly name: string; readonly email: string },
): Promise<void> {
  authorize(actor, 'update_personal', userObject(user.id))
  if (name === user.name && email === user.email) return
  requireOwnerFor(actor, user.rbac_roles)
  try {
    await sql`update users set name = ${name}, email = ${email}, updated_at = now() where id = ${user.id}::uuid`.execute(
      tx,
    )
  } catch (error) {
    if (violatedUnique(error) !== 'users_email_key') throw error
    throw new ScimError(409, 'uniqueness', `Another user has the e-mail address ${JSON.stringify(email)}.`)
  }
}
