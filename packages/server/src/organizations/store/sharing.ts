import { sql } from 'kysely'

import {
  type Actor,
  authorize,
  isAllowed,
  permissionsOf,
  type ShareableWorkspaceOwners,
  SYSTEM_ROLES,
} from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { forbidden, notFound } from '../../errors/index.ts'

/**
 * Writes the roles that membership implies to where the organization's other roles are, wherever they differ from what
 * its sharing mode makes of them (RB-32). Decisions take them from the mode and the code, so that a release never acts
 * on rows that another one wrote; the rows are for who reads roles from the database.
 *
 * @param organizationId one organization; all of them when it is left out.
 * @throws ApiError 403 for who may neither make organizations nor change this one.
 */
export async function reconcileSystemRoles(actor: Actor, tx: Db, organizationId?: string): Promise<void> {
  const mayChange =
    organizationId !== undefined &&
    isAllowed(actor, 'update', { type: 'organization', id: organizationId, organization: organizationId })
  if (!mayChange && !isAllowed(actor, 'create', { type: 'organization' })) throw forbidden()
  // One at a time in the whole cluster: replicas start together.
  await sql`select pg_advisory_xact_lock(hashtextextended('system roles', 0))`.execute(tx)
  let organizations = tx
    .selectFrom('organizations')
    .select(['id', 'shareable_workspace_owners as mode'])
    .where('deleted', '=', false)
  let roles = tx
    .selectFrom('custom_roles')
    .select(['id', 'organization_id', 'name', 'org_permissions', 'member_permissions'])
    .where('is_system', '=', true)
  if (organizationId !== undefined) {
    organizations = organizations.where('id', '=', organizationId)
    roles = roles.where('organization_id', '=', organizationId)
  }
  const stored = new Map(
    (await roles.execute()).map((role) => [`${role.organization_id} ${role.name}`, role]),
  )
  for (const { id, mode } of await organizations.execute())
    for (const [name, byMode] of Object.entries(SYSTEM_ROLES)) {
      const permissions = permissionsOf(byMode[mode])
      const wanted = {
        org_permissions: JSON.stringify(permissions.organization_permissions),
        member_permissions: JSON.stringify(permissions.organization_member_permissions),
      }
      const found = stored.get(`${id} ${name}`)
      if (found === undefined)
        await tx
          .insertInto('custom_roles')
          .values({ name, organization_id: id, is_system: true, ...wanted })
          .execute()
      else if (
        !sameSet(found.org_permissions, permissions.organization_permissions) ||
        !sameSet(found.member_permissions, permissions.organization_member_permissions)
      )
        await tx
          .updateTable('custom_roles')
          .set({ ...wanted, updated_at: sql<Date>`now()` })
          .where('id', '=', found.id)
          .execute()
    }
}

function sameSet(stored: unknown, wanted: readonly object[]): boolean {
  if (!Array.isArray(stored)) return false
  const [left, right] = [new Set(stored.map(spelling)), new Set(wanted.map(spelling))]
  return left.size === right.size && [...left].every((text) => right.has(text))
}

/** The same text for the same permission, whatever the order of its fields. */
function spelling(permission: unknown): string {
  return typeof permission === 'object' && permission !== null
    ? JSON.stringify(Object.entries(permission).sort(([a], [b]) => (a < b ? -1 : 1)))
    : ''
}

/**
 * Sets whose workspaces may be shared, and takes back what has been shared of the others (RB-33, WS-50).
 *
 * @throws ApiError 404, 403 without `organization:update`.
 */
export async function setSharingMode(
  actor: Actor,
  tx: Db,
  organizationId: string,
  mode: ShareableWorkspaceOwners,
): Promise<void> {
  const object = { type: 'organization', id: organizationId, organization: organizationId } as const
  if (!isAllowed(actor, 'read', object)) throw notFound()
  authorize(actor, 'update', object)
  // Whoever shares a workspace now is either done before this or sees the new mode.
  await tx
    .updateTable('organizations')
    .set({ shareable_workspace_owners: mode, updated_at: sql<Date>`now()` })
    .where('id', '=', organizationId)
    .where('deleted', '=', false)
    .execute()
  await reconcileSystemRoles(actor, tx, organizationId)
  if (mode === 'everyone') return
  let shared = tx
    .updateTable('workspaces')
    .set({ user_acl: '{}', group_acl: '{}' })
    .where('organization_id', '=', organizationId)
    .where(sql<boolean>`(user_acl <> '{}' or group_acl <> '{}')`)
  if (mode === 'service_accounts')
    shared = shared.where(
      sql<boolean>`not exists (select 1 from users u where u.id = workspaces.owner_id and u.is_service_account)`,
    )
  await shared.execute()
}
