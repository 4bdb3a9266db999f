import { type Selectable, sql } from 'kysely'

import { NO_ID } from '@slipway/contract'
import {
  type Actor,
  authorize,
  checkRoleChange,
  isAllowed,
  ORGANIZATION_ROLES,
  permissionBeyond,
  type ResourceObject,
  rolePermissionsOf,
  sqlFilter,
} from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { OrganizationsTable } from '../../database/tables.ts'
import { badRequest, conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'
import { holdCustomRoles } from '../../identity/index.ts'
import { isUuid } from '../../search/index.ts'

/** A stored organization. */
export type OrganizationRow = Selectable<OrganizationsTable>

/** By UUID or name; `default` and the zero UUID mean the default one (WS-4). @throws ApiError 404. */
export async function getOrganization(actor: Actor, db: Db, reference: string): Promise<OrganizationRow> {
  const query = db.selectFrom('organizations').selectAll().where('deleted', '=', false)
  const row = await (reference === 'default' || reference === NO_ID
    ? query.where('is_default', '=', true)
    : isUuid(reference)
      ? query.where('id', '=', reference)
      : query.where(sql<string>`lower(name)`, '=', reference.toLowerCase())
  ).executeTakeFirst()
  return readable(actor, row)
}

/** All organizations that the actor may read, or those of one user (WS-40). */
export async function listOrganizations(
  actor: Actor,
  db: Db,
  filter: { readonly memberId?: string | undefined } = {},
): Promise<OrganizationRow[]> {
  let query = db
    .selectFrom('organizations as o')
    .selectAll('o')
    .where('o.deleted', '=', false)
    .where(
      sqlFilter(actor, 'read', 'organization', {
        id: sql.ref('o.id'),
        organization: sql.ref<string>('o.id'),
      }),
    )
    .orderBy(sql`lower(o.name)`)
  if (filter.memberId !== undefined)
    query = query.where(
      sql<boolean>`exists (select 1 from organization_members m where m.organization_id = o.id and m.user_id = ${filter.memberId}::uuid)`,
    )
  return query.execute()
}

function organizationObject(id: string): ResourceObject {
  return { type: 'organization', id, organization: id }
}

function readable(actor: Actor, row: OrganizationRow | undefined): OrganizationRow {
  if (row === undefined || !isAllowed(actor, 'read', organizationObject(row.id))) throw notFound()
  return row
}

/** The row of a live organization, kept from changing until the transaction ends. @throws ApiError 404. */
async function lockOrganization(actor: Actor, tx: Db, id: string): Promise<OrganizationRow> {
  const row = await tx
    .selectFrom('organizations')
    .selectAll()
    .where('id', '=', id)
    .where('deleted', '=', false)
    .forUpdate()
    .executeTakeFirst()
  return readable(actor, row)
}

/**
 * Makes an organization with its Everyone group; its members may create workspaces until that is changed (RB-24).
 *
 * @throws ApiError 403 without `organization:create`, 409 on a taken name.
 */
export async function insertOrganization(
  actor: Actor,
  tx: Db,
  given: Pick<OrganizationRow, 'name' | 'display_name' | 'description' | 'icon'>,
): Promise<OrganizationRow> {
  authorize(actor, 'create', { type: 'organization' })
  try {
    const row = await tx
      .insertInto('organizations')
      .values({ ...given, default_org_member_roles: ['organization-workspace-access'] })
      .returningAll()
      .executeTakeFirstOrThrow()
    await tx.insertInto('groups').values({ id: row.id, organization_id: row.id, name: 'Everyone' }).execute()
    return row
  } catch (error) {
    throw nameTaken(error)
  }
}

function nameTaken(error: unknown): unknown {
  if (violatedUnique(error) !== 'organizations_name_key') return error
  return conflict('Organization already exists with that name.', {
    validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
  })
}

/** What changes of an organization; what is left out stays. */
export interface OrganizationChange {
  readonly name?: string | undefined
  readonly display_name?: string | undefined
  readonly description?: string | undefined
  readonly icon?: string | undefined
  readonly default_org_member_roles?: readonly string[] | undefined
}

/**
 * Changes an organization (WS-43).
 *
 * @throws ApiError 404, 403 without `organization:update`, 400 for default roles that do not exist or that the actor may
 * not hand out or take away, 409 on a taken name.
 */
export async function updateOrganization(
  actor: Actor,
  tx: Db,
  id: string,
  change: OrganizationChange,
): Promise<OrganizationRow> {
  const { name, display_name, description, icon, default_org_member_roles: defaults } = change
  const roles = defaults === undefined ? undefined : await checkDefaultRoles(actor, tx, id, defaults)
  await lockOrganization(actor, tx, id)
  authorize(actor, 'update', organizationObject(id))
  try {
    return await tx
      .updateTable('organizations')
      .set({
        ...(name === undefined ? {} : { name }),
        ...(display_name === undefined ? {} : { display_name }),
        ...(description === undefined ? {} : { description }),
        ...(icon === undefined ? {} : { icon }),
        ...(roles === undefined ? {} : { default_org_member_roles: roles }),
        updated_at: sql<Date>`now()`,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()
  } catch (error) {
    throw nameTaken(error)
  }
}

/**
 * RB-43: roles that all members get are handed out as others are. Who sets them is a member, too, so an own role of the
 * organization may only be among them when it gives nothing that the actor lacks (RB-37).
 */
async function checkDefaultRoles(
  actor: Actor,
  tx: Db,
  id: string,
  after: readonly string[],
): Promise<string[]> {
  // Roles before rows that name them, here as everywhere, so that nobody waits in a circle.
  const named = await tx
    .selectFrom('organizations')
    .select('default_org_member_roles')
    .where('id', '=', id)
    .executeTakeFirst()
  const customRoles = await holdCustomRoles(actor, tx, id, [
    ...after,
    ...(named?.default_org_member_roles ?? []),
  ])
  const { default_org_member_roles: before } = await lockOrganization(actor, tx, id)
  authorize(actor, 'update', organizationObject(id))
  const refused = (detail: string): Error =>
    badRequest('Invalid default_org_member_roles entry.', {
      validations: [{ field: 'default_org_member_roles', detail }],
    })
  for (const role of after) {
    if (Object.hasOwn(ORGANIZATION_ROLES, role)) continue
    const custom = customRoles.find(({ name }) => name === role)
    if (custom === undefined) throw refused(`${JSON.stringify(role)} is not a role of this organization`)
    if (before.includes(role)) continue
    const beyond = permissionBeyond(actor, id, [
      ...rolePermissionsOf(custom.org_permissions),
      ...rolePermissionsOf(custom.member_permissions),
    ])
    if (beyond !== undefined)
      throw refused(
        `${JSON.stringify(role)} grants ${beyond.resource_type}:${beyond.action}, which you do not hold yourself`,
      )
  }
  return checkRoleChange(actor, { organizationId: id, before, after, implied: [], customRoles })
}

/**
 * Marks an organization deleted and ends its memberships, so that nobody belongs to what is gone. Its name is free at
 * once (WS-20).
 *
 * @throws ApiError 404, 403 without `organization:delete`, 400 for the default one, 409 naming what it still holds
 * (WS-44, WS-301).
 */
export async function deleteOrganization(actor: Actor, tx: Db, id: string): Promise<void> {
  // Whoever is adding something has locked the row as well, and is counted below or refused by a trigger.
  const organization = await lockOrganization(actor, tx, id)
  authorize(actor, 'delete', organizationObject(id))
  if (organization.is_default) throw badRequest('Default organization cannot be deleted.')
  const held = await tx
    .selectNoFrom([
      sql<number>`(select count(*) from workspaces where organization_id = ${id}::uuid and not deleted)`.as(
        'workspace',
      ),
      sql<number>`(select count(*) from templates where organization_id = ${id}::uuid and not deleted)`.as(
        'template',
      ),
      sql<number>`(select count(*) from groups where organization_id = ${id}::uuid and id <> ${id}::uuid)`.as(
        'group',
      ),
      sql<number>`(select count(*) from organization_members m join users u on u.id = m.user_id
                    where m.organization_id = ${id}::uuid and not u.is_system)`.as('member'),
    ])
    .executeTakeFirstOrThrow()
  // One member may stay: who deletes it is often the last one.
  const left = Object.entries({ ...held, member: held.member > 1 ? held.member : 0 })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}${count === 1 ? '' : 's'}`)
  if (left.length > 0)
    throw conflict('Error deleting organization.', {
      detail: `This organization has ${left.join(', ')} that must be deleted first.`,
    })
  await tx.deleteFrom('organization_members').where('organization_id', '=', id).execute()
  await tx
    .updateTable('organizations')
    .set({ deleted: true, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()
}
