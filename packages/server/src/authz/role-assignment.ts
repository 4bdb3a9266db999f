import { badRequest, forbidden } from '../errors/index.ts'
import { ORGANIZATION_ROLES, ROLE_ASSIGNMENT, SITE_ROLES } from './built-in-roles.ts'
import { authorize } from './decide.ts'
import { type Actor, isOwner } from './subject.ts'

/** A role that an organization or the deployment has made for itself, as far as handing it out goes. */
export interface AssignableCustomRole {
  readonly name: string
  /** Built-in roles whose holders may assign it, beside those who may assign every such role (RB-136). */
  readonly assignable_by: readonly string[]
}

/** A change of a user's roles, site-wide or in one organization. */
export interface RoleChange {
  readonly organizationId?: string | undefined
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Roles that every holder has anyway; they count as added on every write (RB-42). */
  readonly implied: readonly string[]
  /** Roles that the organization, or without one the deployment, has made for itself, at least those that the change names. */
  readonly customRoles: readonly AssignableCustomRole[]
}

/**
 * Checks that the actor may make this change (RB-41…RB-44): the right to assign or unassign as such, and
 * then every added and removed role by the assignment table, so that nobody hands out more than they may.
 *
 * @returns the roles to store: each once, without those that are held by all anyway (RB-4).
 * @throws ApiError 403 when assigning is denied at all, 400 naming the role otherwise.
 */
export function checkRoleChange(actor: Actor, change: RoleChange): string[] {
  const added = [
    ...new Set([...change.after.filter((role) => !change.before.includes(role)), ...change.implied]),
  ]
  const removed = change.before.filter((role) => !change.after.includes(role))
  const type = change.organizationId === undefined ? 'assign_role' : 'assign_org_role'
  const object = { type, organization: change.organizationId } as const
  if (added.length > 0) authorize(actor, 'assign', object)
  if (removed.length > 0) authorize(actor, 'unassign', object)
  for (const role of [...added, ...removed]) {
    const custom = change.customRoles.find(({ name }) => name === role)
    if (custom === undefined && !isBuiltIn(role, change.organizationId)) {
      // What a name that means nothing any more leaves behind can be cleaned up.
      if (isOwner(actor) && !added.includes(role)) continue
      throw badRequest(`${JSON.stringify(role)} is not a supported role`)
    }
    if (!mayAssign(actor, role, change.organizationId, custom?.assignable_by))
      throw badRequest(`not authorized to assign role ${JSON.stringify(role)}`)
  }
  return [...new Set(change.after)].filter((role) => role !== 'member' && role !== 'organization-member')
}

/**
 * Whether the assignment table lets the actor add or remove the role (RB-41).
 *
 * @param assignableBy for an own role of the organization or of the deployment: the built-in roles whose holders may assign it, beside those who
 * may assign every such role (RB-136).
 */
export function mayAssign(
  actor: Actor,
  role: string,
  organizationId: string | undefined,
  assignableBy?: readonly string[],
): boolean {
  const own = organizationId === undefined ? 'custom-site-role' : 'custom-organization-role'
  const kind = assignableBy === undefined ? role : own
  // Who provisions accounts hands out what everybody has, be it by the choice of an organization, and no role of the site.
  if (actor.type === 'scim_provisioner' && organizationId === undefined) return role === 'member'
  if (actor.type === 'system_restricted' || actor.type === 'scim_provisioner')
    return ROLE_ASSIGNMENT.system?.includes(kind) ?? false
  return actor.roles.some(({ name, organizationId: heldIn }) => {
    if (heldIn !== undefined && heldIn !== organizationId) return false
    // Organizations name their own roles as they like, also as rows of the table.
    if (!Object.hasOwn(heldIn === undefined ? SITE_ROLES : ORGANIZATION_ROLES, name)) return false
    return ROLE_ASSIGNMENT[name]?.includes(kind) === true || assignableBy?.includes(name) === true
  })
}

/** RB-125: who administers users has no power over owners. @throws ApiError 403. */
export function requireOwnerFor(actor: Actor, rolesOfTarget: readonly string[]): void {
  if (rolesOfTarget.includes('owner') && !isOwner(actor))
    throw forbidden('Only an owner may change an owner.', { detail: undefined })
}

function isBuiltIn(role: string, organizationId: string | undefined): boolean {
  if (organizationId === undefined) return Object.hasOwn(SITE_ROLES, role)
  return (
    Object.hasOwn(ORGANIZATION_ROLES, role) ||
    role === 'organization-member' ||
    role === 'organization-service-account'
  )
}
