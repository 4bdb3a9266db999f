import { type Selectable, sql } from 'kysely'

import { NO_ID } from '@slipway/contract'
import { type Actor, authorize, checkRoleChange, isAllowed, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { OrganizationsTable } from '../../database/tables.ts'
import { ApiError, notFound } from '../../errors/index.ts'
import { holdCustomRoles } from './custom-roles.ts'

/** A stored organization. */
export type OrganizationRow = Selectable<OrganizationsTable>

/** The query of the default organization. */
function theDefault(tx: Db) {
  return tx
    .selectFrom('organizations')
    .selectAll()
    .where('is_default', '=', true)
    .where('deleted', '=', false)
}

/**
 * Makes the default organization with its Everyone group when there is none yet; of replicas that try at the same time one
 * makes it.
 *
 * @param tx a transaction, so that nobody sees it without the group.
 * @throws ApiError 403.
 */
export async function ensureDefaultOrganization(actor: Actor, tx: Db): Promise<OrganizationRow> {
  authorize(actor, 'create', { type: 'organization' })
  authorize(actor, 'create', { type: 'group' })
  const stored = theDefault(tx)
  const found = await stored.executeTakeFirst()
  if (found !== undefined) return found
  const made = await tx
    .insertInto('organizations')
    .values({
      // The name that scripts of switching users give to --org; the word `default` means it too (WS-4).
      name: 'coder',
      display_name: 'Default',
      description: '',
      is_default: true,
      default_org_member_roles: ['organization-workspace-access'],
    })
    .onConflict((on) => on.doNothing())
    .returningAll()
    .executeTakeFirst()
  if (made === undefined) return stored.executeTakeFirstOrThrow()
  await tx.insertInto('groups').values({ id: made.id, organization_id: made.id, name: 'Everyone' }).execute()
  return made
}

/** The organization that accounts belong to where nothing else is said. @throws ApiError 403, 404 before the set-up. */
export async function defaultOrganization(actor: Actor, tx: Db): Promise<OrganizationRow> {
  authorize(actor, 'read', { type: 'organization' })
  const found = await theDefault(tx).executeTakeFirst()
  if (found === undefined) throw notFound()
  return found
}

/**
 * The organizations with these ids; the zero UUID means the default one (ID-15).
 *
 * @throws ApiError 404 naming the one that is missing or may not be read.
 */
export async function getOrganizations(
  actor: Actor,
  db: Db,
  references: readonly string[],
): Promise<OrganizationRow[]> {
  const ids = references.map((id) => id.toLowerCase())
  const rows = await db
    .selectFrom('organizations')
    .selectAll()
    .where('deleted', '=', false)
    .where(sql<boolean>`(id = any(${ids}::uuid[]) or (is_default and ${ids.includes(NO_ID)}))`)
    .execute()
  const found = ids.map((id) => {
    const row = rows.find((candidate) => candidate.id === id || (id === NO_ID && candidate.is_default))
    if (
      row !== undefined &&
      isAllowed(actor, 'read', { type: 'organization', id: row.id, organization: row.id })
    )
      return row
    throw new ApiError(404, 'Organization does not exist with the provided id.', {
      validations: [{ field: 'organization_ids', detail: `organization ${id} does not exist` }],
    })
  })
  // The default one may be named twice: by its id and by the zero one.
  return [...new Set(found)]
}

/** The ids of all organizations that the actor may read, the oldest first. */
export async function listOrganizationIds(actor: Actor, db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('organizations')
    .select('id')
    .where('deleted', '=', false)
    .where(
      sqlFilter(actor, 'read', 'organization', { id: sql.ref('id'), organization: sql.ref<string>('id') }),
    )
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => id)
}

/**
 * Adds a user to an organization, with the roles that are given beside those that all its members have (RB-43).
 *
 * @throws ApiError 403 without `organization_member:create`, 404 without the organization, 403 or 400 when the actor
 * may not hand out the roles of its members.
 */
export async function insertMember(
  actor: Actor,
  tx: Db,
  member: {
    readonly organizationId: string
    readonly userId: string
    readonly roles?: readonly string[]
  },
): Promise<void> {
  authorize(actor, 'create', { type: 'organization_member', organization: member.organizationId })
  const organization = await tx
    .selectFrom('organizations')
    .select('default_org_member_roles')
    .where('id', '=', member.organizationId)
    .where('deleted', '=', false)
    .executeTakeFirst()
  if (organization === undefined) throw notFound()
  const roles = checkRoleChange(actor, {
    organizationId: member.organizationId,
    before: [],
    after: member.roles ?? [],
    implied: ['organization-member', ...organization.default_org_member_roles],
    customRoles: await holdCustomRoles(
      actor,
      tx,
      member.organizationId,
      organization.default_org_member_roles,
    ),
  })
  await tx
    .insertInto('organization_members')
    .values({ organization_id: member.organizationId, user_id: member.userId, roles })
    .execute()
}
