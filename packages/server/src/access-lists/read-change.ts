import { ACL_ROLES, type AccessList, aclRoleOf } from '../authz/index.ts'
import type { Validation } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'

/** What is shared by an access list that people edit. */
export type SharedKind = keyof typeof ACL_ROLES

/** Entries that one list holds at most: it is looked at whenever somebody does something to what it belongs to. */
const MAX_ENTRIES = 1000

/** Roles to give by the id of a user or group; an empty one takes the entry away. */
export type RoleChange = ReadonlyMap<string, string>

/** A change of both lists of something, and what is wrong with it. */
export interface AccessChange {
  readonly users: RoleChange
  readonly groups: RoleChange
  readonly faults: readonly Validation[]
}

/** The maps of a request with the names of their fields. */
export interface GivenRoles {
  readonly users: { readonly field: string; readonly roles: Readonly<Record<string, string>> | undefined }
  readonly groups: { readonly field: string; readonly roles: Readonly<Record<string, string>> | undefined }
}

/** Reads the maps of a request; ids get one spelling (RB-54, RB-134, OA-113). */
export function readAccessChange(kind: SharedKind, given: GivenRoles): AccessChange {
  const faults: Validation[] = []
  const read = ({ field, roles }: GivenRoles['users']): RoleChange => {
    const change = new Map<string, string>()
    for (const [id, role] of Object.entries(roles ?? {})) {
      const key = id.toLowerCase()
      if (!isUuid(id))
        faults.push({ field, detail: `${JSON.stringify(id.slice(0, 64))} is not a valid UUID` })
      else if (change.has(key)) faults.push({ field, detail: `duplicate entries for ID ${key}` })
      else if (role !== '' && !Object.hasOwn(ACL_ROLES[kind], role))
        faults.push({
          field,
          detail: `role ${JSON.stringify(role.slice(0, 64))} is not a valid ${kind} role`,
        })
      else change.set(key, role)
    }
    return change
  }
  return { users: read(given.users), groups: read(given.groups), faults }
}

/** The ids that a change gives a role to. */
export function granted(change: RoleChange): string[] {
  return [...change].filter(([, role]) => role !== '').map(([id]) => id)
}

/** The list with a change made to it; entries that the change does not name stay as they are (RB-54). */
export function changedList(
  kind: SharedKind,
  stored: AccessList,
  change: RoleChange,
  field: string,
): { readonly list: AccessList; readonly faults: readonly Validation[] } {
  const roles: Readonly<Record<string, readonly string[]>> = ACL_ROLES[kind]
  const entries = new Map(Object.entries(stored))
  for (const [id, role] of change) {
    const actions = roles[role]
    if (actions === undefined) entries.delete(id)
    else entries.set(id, actions)
  }
  const faults =
    entries.size > MAX_ENTRIES && entries.size > Object.keys(stored).length
      ? [{ field, detail: `must leave at most ${MAX_ENTRIES} entries in the list` }]
      : []
  return { list: Object.fromEntries(entries), faults }
}

/** The role of an entry as the API shows it; empty when the actions are those of none (RB-55). */
export function shownRole(
  kind: 'template' | 'workspace',
  actions: readonly string[] | undefined,
): 'admin' | 'use' | '' {
  const role = aclRoleOf(kind, actions ?? [])
  return role === 'admin' || role === 'use' ? role : ''
}
