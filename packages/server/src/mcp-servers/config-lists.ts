import type { MCPServerConfigACL, UpdateMCPServerConfigACLRequest } from '@slipway/contract'
import { findPrincipals, listUsersByIds } from '../access-lists/index.ts'
import { ACL_ROLES, type AccessList, type Actor, accessListOf, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, notFound, type Validation } from '../errors/index.ts'
import { listGroupsByIds, presentGroup } from '../groups/index.ts'
import { isUuid } from '../search/index.ts'
import { type ConfigChanged, requireTrustFor } from './manage-configs.ts'
import { configObject, findConfig, holdConfig, storeConfigLists } from './store/configs.ts'

const MAX_ENTRIES = 1000

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
    const users = canonical('user_roles', given.user_roles)
    const groups = canonical('group_roles', given.group_roles)
    const named = { users: granted(users.roles), groups: granted(groups.roles) }
    const guard = { action: 'share' as const, object: configObject(before) }
    const known = await findPrincipals(actor, tx, guard, named, of.organizationId)
    const lists = {
      users: changed(accessListOf(before.user_acl), users.roles),
      groups: changed(accessListOf(before.group_acl), groups.roles),
    }
    const faults = [
      ...users.faults,
      ...groups.faults,
      ...strangers('user_roles', named.users, known.users),
      ...strangers('group_roles', named.groups, known.groups),
      ...tooLong('user_roles', lists.users),
      ...tooLong('group_roles', lists.groups),
    ]
    if (faults.length > 0)
      throw badRequest('Invalid request to update the ACL of the MCP server.', { validations: faults })
    return { before, after: await storeConfigLists(actor, tx, before, lists) }
  })
}

type Roles = ReadonlyMap<string, 'read' | ''>

/** Roles by ids in their one spelling. */
function canonical(
  field: string,
  given: Readonly<Record<string, 'read' | ''>> | undefined,
): { readonly roles: Roles; readonly faults: readonly Validation[] } {
  const roles = new Map<string, 'read' | ''>()
  const faults: Validation[] = []
  for (const [id, role] of Object.entries(given ?? {})) {
    const key = id.toLowerCase()
    if (!isUuid(id)) faults.push({ field, detail: `${JSON.stringify(id.slice(0, 64))} is not a valid UUID` })
    else if (roles.has(key)) faults.push({ field, detail: `duplicate entries for ID ${key}` })
    else roles.set(key, role)
  }
  return { roles, faults }
}

function granted(roles: Roles): string[] {
  return [...roles].filter(([, role]) => role !== '').map(([id]) => id)
}

function changed(list: AccessList, roles: Roles): AccessList {
  const entries = new Map(Object.entries(list))
  for (const [id, role] of roles)
    if (role === '') entries.delete(id)
    else entries.set(id, ACL_ROLES.mcp_server_config[role])
  return Object.fromEntries(entries)
}

function strangers(field: string, named: readonly string[], known: ReadonlySet<string>): Validation[] {
  return named
    .filter((id) => !known.has(id))
    .map((id) => ({ field, detail: `${id} is not in the organization of the MCP server` }))
}

function tooLong(field: string, list: AccessList): Validation[] {
  return Object.keys(list).length > MAX_ENTRIES
    ? [{ field, detail: `must leave at most ${MAX_ENTRIES} entries in the list` }]
    : []
}
