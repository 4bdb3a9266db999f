import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import type { Validation } from '../errors/index.ts'
import type { Guard } from '../groups/index.ts'
import { type AccessChange, changedList, type GivenRoles, granted, type SharedKind } from './read-change.ts'
import { type AccessLists, findPrincipals } from './store.ts'

const SHOWN: Readonly<Record<SharedKind, string>> = {
  template: 'template',
  workspace: 'workspace',
  chat: 'chat',
  mcp_server_config: 'MCP server',
}

/** Lists with a change made to them, or what is wrong with the change. */
export type ChangedLists =
  | { readonly ok: true; readonly lists: AccessLists }
  | { readonly ok: false; readonly faults: readonly Validation[] }

/**
 * Makes a change to lists that are held (RB-54): whoever gets a role must exist, and must belong to the organization
 * when one is given (RB-134, CH-305, OA-113); anybody can be taken out.
 *
 * @throws ApiError 403 without the right to change them.
 */
export async function changeLists(
  actor: Actor,
  tx: Db,
  what: {
    readonly kind: SharedKind
    readonly guard: Guard
    readonly organizationId?: string
    readonly fields: GivenRoles
  },
  current: AccessLists,
  change: AccessChange,
): Promise<ChangedLists> {
  const { kind, fields, organizationId } = what
  const named = { users: granted(change.users), groups: granted(change.groups) }
  const known = await findPrincipals(actor, tx, what.guard, named, organizationId)
  const where =
    organizationId === undefined ? 'does not exist' : `is not in the organization of the ${SHOWN[kind]}`
  const users = changedList(kind, current.users, change.users, fields.users.field)
  const groups = changedList(kind, current.groups, change.groups, fields.groups.field)
  const faults = [
    ...change.faults,
    ...named.users
      .filter((id) => !known.users.has(id))
      .map((id) => ({ field: fields.users.field, detail: `user ${id} ${where}` })),
    ...named.groups
      .filter((id) => !known.groups.has(id))
      .map((id) => ({ field: fields.groups.field, detail: `group ${id} ${where}` })),
    ...users.faults,
    ...groups.faults,
  ]
  return faults.length > 0
    ? { ok: false, faults }
    : { ok: true, lists: { users: users.list, groups: groups.list } }
}
