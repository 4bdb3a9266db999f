import type { AssignableRoles, GrantablePermissions, RequestedPermission } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import type { Column } from '../output.ts'
import { pickSeveral } from '../prompt.ts'
import { standardInputObject } from '../standard-input.ts'

/** What tables show of a role, of one that is only asked for as well. */
export interface ShownRole {
  readonly name?: unknown
  readonly display_name?: unknown
  readonly organization_id?: unknown
  readonly built_in?: unknown
  readonly site_permissions?: unknown
  readonly organization_permissions?: unknown
  readonly user_permissions?: unknown
  readonly organization_member_permissions?: unknown
}

/** Columns of tables of roles. */
export const ROLE_COLUMNS: readonly Column<ShownRole>[] = [
  { name: 'name', value: (role) => text(role.name) },
  { name: 'display name', value: (role) => text(role.display_name) },
  { name: 'organization id', value: (role) => text(role.organization_id), extra: true },
  { name: 'built in', value: (role) => text(role.built_in), extra: true },
  { name: 'site permissions', value: (role) => count(role.site_permissions) },
  { name: 'organization permissions', value: (role) => count(role.organization_permissions) },
  { name: 'user permissions', value: (role) => count(role.user_permissions) },
  { name: 'member permissions', value: (role) => count(role.organization_member_permissions) },
]

/** A role by its name, whatever the case. @throws CommandError that names those there are. */
export function roleNamed(roles: readonly AssignableRoles[], name: string): AssignableRoles {
  const found = roles.find((role) => role.name.toLowerCase() === name.toLowerCase())
  if (found === undefined)
    throw new CommandError(
      `there is no role ${name}: choose from ${roles.map((role) => role.name).join(', ')}`,
    )
  return found
}

/** The role on standard input, which is the named one. What it grants is for the server to judge (RB-37, RB-38). */
export async function readRole(name: string | undefined): Promise<ShownRole> {
  const role: ShownRole = await standardInputObject('the role')
  if (name !== undefined && role.name !== undefined && role.name !== name)
    throw new CommandError(`standard input holds the role ${JSON.stringify(role.name)}, not ${name}`)
  if (name === undefined && role.name === undefined)
    throw new CommandError('the role has no name: put one into its JSON, or behind the command')
  return { name, ...role }
}

/**
 * Asks which permissions a role grants, on a terminal. What it refuses stays as it is.
 */
export async function askPermissions(
  question: string,
  catalogue: readonly GrantablePermissions[],
  before: AssignableRoles['organization_permissions'] = [],
): Promise<RequestedPermission[]> {
  const held = before.filter((one) => one.negate !== true).map((one) => `${one.resource_type}:${one.action}`)
  const choices = catalogue.flatMap((one) => one.grantable.map((action) => `${one.resource_type}:${action}`))
  const picked = await pickSeveral(
    question,
    '--stdin',
    [...new Set([...choices, ...held])].map((value) => ({ value, label: value })),
    held,
  )
  const granted = picked.map((one) => {
    const [resource_type = '', action = ''] = one.split(':')
    return { resource_type, action }
  })
  return [...granted, ...before.filter((one) => one.negate === true)]
}

function text(value: unknown): string {
  return value === undefined ? '' : String(value)
}

function count(permissions: unknown): string {
  const number = Array.isArray(permissions) ? permissions.length : 0
  return number === 1 ? '1 permission' : `${number} permissions`
}
