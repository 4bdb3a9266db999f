import { sql } from 'kysely'

import type { SyncTarget } from '@slipway/contract'
import { type Actor, authorize, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { notFound } from '../../errors/index.ts'

/** A membership of a user. */
export interface Membership {
  readonly id: string
  readonly name: string
  readonly is_default: boolean
  readonly roles: string[]
}

/**
 * The site roles of a live user, who is not changed by others until the transaction ends; undefined when there is no
 * such user.
 *
 * @throws ApiError 403 without `user:read_personal` and `user:update`.
 */
export async function holdSiteRoles(actor: Actor, tx: Db, userId: string): Promise<string[] | undefined> {
  for (const action of ['read_personal', 'update'] as const)
    authorize(actor, action, { type: 'user', id: userId, owner: userId })
  const row = await tx
    .selectFrom('users')
    .select('rbac_roles')
    .where('id', '=', userId)
    .where('deleted', '=', false)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row?.rbac_roles
}

/** The site roles of a live user. @throws ApiError 403 without `user:read_personal`, 404 when there is no such user. */
export async function getSiteRoles(actor: Actor, db: Db, userId: string): Promise<string[]> {
  authorize(actor, 'read_personal', { type: 'user', id: userId, owner: userId })
  const row = await db
    .selectFrom('users')
    .select('rbac_roles')
    .where('id', '=', userId)
    .where('deleted', '=', false)
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row.rbac_roles
}

/** The memberships of a user that the actor may read, in organizations that exist. */
export async function listMemberships(actor: Actor, db: Db, userId: string): Promise<Membership[]> {
  return db
    .selectFrom('organization_members as m')
    .innerJoin('organizations as o', 'o.id', 'm.organization_id')
    .select(['o.id', 'o.name', 'o.is_default', 'm.roles'])
    .where('m.user_id', '=', userId)
    .where('o.deleted', '=', false)
    .where(
      sqlFilter(actor, 'read', 'organization_member', {
        id: sql.ref('m.user_id'),
        owner: sql.ref('m.user_id'),
        organization: sql.ref<string>('m.organization_id'),
      }),
    )
    .orderBy('o.name')
    .execute()
}

/** An organization as far as syncs need it. */
interface KnownOrganization {
  readonly id: string
  readonly name: string
  readonly is_default: boolean
  readonly default_org_member_roles: string[]
}

/** Those with these ids that exist and that the actor may read, and the default one. */
export async function listKnownOrganizations(
  actor: Actor,
  db: Db,
  ids: readonly string[],
): Promise<KnownOrganization[]> {
  return db
    .selectFrom('organizations as o')
    .select(['o.id', 'o.name', 'o.is_default', 'o.default_org_member_roles'])
    .where('o.deleted', '=', false)
    .where(sql<boolean>`(o.id = any(${[...ids]}::uuid[]) or o.is_default)`)
    .where(
      sqlFilter(actor, 'read', 'organization', {
        id: sql.ref('o.id'),
        organization: sql.ref<string>('o.id'),
      }),
    )
    .orderBy('o.name')
    .execute()
}

/** Which groups of an organization are asked for. */
interface WantedGroups {
  readonly ids: readonly string[]
  readonly names: readonly string[]
}

/** The groups of an organization with one of the ids or names. @throws ApiError 403 without `group:read`. */
export async function listKnownGroups(
  actor: Actor,
  db: Db,
  organizationId: string,
  wanted: WantedGroups,
): Promise<SyncTarget[]> {
  authorize(actor, 'read', { type: 'group', organization: organizationId })
  return db
    .selectFrom('groups')
    .select(['id', 'name'])
    .where('organization_id', '=', organizationId)
    .where(sql<boolean>`(id = any(${[...wanted.ids]}::uuid[]) or name = any(${[...wanted.names]}::text[]))`)
    .orderBy('name')
    .execute()
}

/** The groups of an organization that a user was put into. @throws ApiError 403 when they may not be read. */
export async function listGroupsOfUser(
  actor: Actor,
  db: Db,
  organizationId: string,
  userId: string,
): Promise<SyncTarget[]> {
  authorize(actor, 'read', { type: 'group', organization: organizationId })
  authorize(actor, 'read', { type: 'group_member', owner: userId, organization: organizationId })
  return db
    .selectFrom('groups as g')
    .innerJoin('group_members as m', 'm.group_id', 'g.id')
    .select(['g.id', 'g.name'])
    .where('g.organization_id', '=', organizationId)
    .where('m.user_id', '=', userId)
    .orderBy('g.name')
    .execute()
}

/**
 * The claims of a user's last sign-in, as merged then (ID-160); undefined when there has been none.
 *
 * @throws ApiError 403 without `user:read_personal`.
 */
export async function findStoredClaims(
  actor: Actor,
  db: Db,
  userId: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  authorize(actor, 'read_personal', { type: 'user', id: userId, owner: userId })
  const row = await db
    .selectFrom('user_links')
    .select(sql<unknown>`claims -> 'merged_claims'`.as('claims'))
    .where('user_id', '=', userId)
    .where('login_type', '=', 'oidc')
    .executeTakeFirst()
  return typeof row?.claims === 'object' && row.claims !== null ? { ...row.claims } : undefined
}

/** Most names or values that an answer lists. */
const MAX_LISTED = 5000

/** The stored claims of the last sign-ins, of the members of one organization or of everybody. */
function mergedClaims(db: Db, organizationId: string | undefined) {
  const claims = sql<unknown>`l.claims -> 'merged_claims'`
  const query = db
    .selectFrom('user_links as l')
    .where('l.login_type', '=', 'oidc')
    .where(sql<boolean>`jsonb_typeof(${claims}) = 'object'`)
  return organizationId === undefined
    ? query
    : query.where(
        sql<boolean>`exists (select 1 from organization_members m
                              where m.user_id = l.user_id and m.organization_id = ${organizationId}::uuid)`,
      )
}

/** Names of the claims that people came with, in order. @throws ApiError 403 without `idpsync_settings:read`. */
export async function listClaimFields(
  actor: Actor,
  db: Db,
  organizationId: string | undefined,
): Promise<string[]> {
  authorize(actor, 'read', { type: 'idpsync_settings', organization: organizationId })
  const rows = await mergedClaims(db, organizationId)
    .select(sql<string>`jsonb_object_keys(l.claims -> 'merged_claims')`.as('field'))
    .distinct()
    .orderBy('field')
    .limit(MAX_LISTED)
    .execute()
  return rows.map(({ field }) => field)
}

/**
 * What people came with in a claim, in order; the values of lists one by one. What is too long to be mapped is left out.
 *
 * @throws ApiError 403 without `idpsync_settings:read`.
 */
export async function listClaimValues(
  actor: Actor,
  db: Db,
  organizationId: string | undefined,
  field: string,
  maxLength: number,
): Promise<string[]> {
  authorize(actor, 'read', { type: 'idpsync_settings', organization: organizationId })
  const claim = sql<unknown>`l.claims -> 'merged_claims' -> ${field}::text`
  const values = mergedClaims(db, organizationId)
    .select(
      sql<string>`jsonb_array_elements_text(
        case when jsonb_typeof(${claim}) = 'array' then ${claim} else jsonb_build_array(${claim}) end)`.as(
        'value',
      ),
    )
    .where(sql<boolean>`jsonb_typeof(${claim}) <> 'null'`)
    .as('v')
  const rows = await db
    .selectFrom(values)
    .select('v.value')
    .distinct()
    .where(sql<boolean>`length(v.value) <= ${maxLength}::int`)
    .orderBy('v.value')
    .limit(MAX_LISTED)
    .execute()
  return rows.map(({ value }) => value)
}
