import type { MCPServerConfigACL, UpdateMCPServerConfigACLRequest } from '@slipway/contract'
import { changeLists, type GivenRoles, listUsersByIds, readAccessChange } from '../access-lists/index.ts'
import { type Actor, accessListOf, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { listGroupsByIds, presentGroup } from '../groups/index.ts'
import { type ConfigChanged, requireTrustFor } from './manage-configs.ts'
import { configObject, findConfig, holdConfig, storeConfigLists } from './store/configs.ts'

/** Whom a config is open to (OA-113). @throws ApiError 404 for who may not share it. */
export async function configLists(
  context: AppContext,
  actor: Actor,
  of: { readonly organizationId: string; readonly id: string },
): Promise<MCPServerConfigACL> {
  const { db } = context.database
  const row = await findConfig(actor, db, of.id)
  const object = configObject(row)
  if (row.organization_id !== of.organizationId || !isAllowed(actor, 'share', object)) throw notFound()
  const guard = { action: 'share' as const, object }
  const users = await listUsersByIds(actor, db, guard, Object.keys(accessListOf(row.user_acl)))
  const groups = await listGroupsByIds(actor, db, guard, Object.keys(accessListOf(row.group_acl)))
  return {
    users: users.map((user) => ({
      id: user.id,
      username: user.username,
      name: user.name,
      avatar_url: user.avatar_url,
      role: 'read' as const,
    })),
    groups: groups.map((group) => ({ ...presentGroup(group, []), role: 'read' as const })),
  }
}

/**
 * Changes the entries of a config's list that are named, and no others (OA-113).
 *
 * @throws ApiError 404 for who may not share it, 403 where tokens of the identity provider go to it and the actor may not
 * say so, 400 for ids that are none, are given twice or are not of the organization.
 */
export async function changeConfigLists(
  context: AppContext,
  actor: Actor,
  of: { readonly organizationId: string; readonly id: string },
  given: UpdateMCPServerConfigACLRequest,
): Promise<ConfigChanged> {
  return context.database.transaction(async (tx) => {
    const before = await holdConfig(actor, tx, of.organizationId, of.id, 'share')
    requireTrustFor(actor, before.auth_type)
    const fields: GivenRoles = {
      users: { field: 'user_roles', roles: given.user_roles },
      groups: { field: 'group_roles', roles: given.group_roles },
    }
    const guard = { action: 'share' as const, object: configObject(before) }
    const changed = await changeLists(
      actor,
      tx,
      { kind: 'mcp_server_config', guard, organizationId: of.organizationId, fields },
      { users: accessListOf(before.user_acl), groups: accessListOf(before.group_acl) },
      readAccessChange('mcp_server_config', fields),
    )
    if (!changed.ok)
      throw badRequest('Invalid request to update the ACL of the MCP server.', {
        validations: changed.faults,
      })
    return { before, after: await storeConfigLists(actor, tx, before, changed.lists) }
  })
}
