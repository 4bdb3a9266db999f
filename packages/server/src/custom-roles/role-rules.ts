import type { CustomRoleRequest, RequestedPermission } from '@slipway/contract'
import {
  type Actor,
  isOwner,
  mayAssign,
  ORGANIZATION_ROLES,
  permissionBeyond,
  type RolePermission,
  rolePermissionsOf,
  SITE_ROLES,
  SYSTEM_ROLES,
} from '../authz/index.ts'
import { type ApiError, badRequest } from '../errors/index.ts'
import { requireGoodLabels } from '../organizations/index.ts'

/** Names that mean something already, in every organization (RB-26, RB-35). */
const RESERVED: ReadonlySet<string> = new Set([
  ...Object.keys(SITE_ROLES),
  ...Object.keys(ORGANIZATION_ROLES),
  ...Object.keys(SYSTEM_ROLES),
  'system',
])

/** Built-in roles that hand out others and may be allowed to hand out a custom one (RB-136). */
const ASSIGNERS: readonly string[] = ['organization-user-admin', 'user-admin']

/**
 * What a role may refuse (RB-136): what people do with workspaces, tasks and chats, and never what keeps an
 * organization in order, so that no role locks its administrators out.
 */
const REFUSABLE: Readonly<Record<string, readonly string[]>> = {
  workspace: [
    'application_connect',
    'create',
    'create_agent',
    'delete',
    'delete_agent',
    'share',
    'ssh',
    'start',
  ],
  task: ['create', 'delete'],
  chat: ['create', 'share'],
}

/** A custom role that has passed the rules. */
export interface WantedRole {
  readonly name: string
  readonly displayName: string
  /** Undefined keeps what is stored. */
  readonly assignableBy: readonly string[] | undefined
  readonly organizationPermissions: readonly RolePermission[]
  readonly memberPermissions: readonly RolePermission[]
}

/**
 * Reads a role that is to be made or replaced (RB-35, RB-37, RB-38). Permissions on what members own themselves are
 * taken as well (RB-136), under the same guard: nobody puts into a role what they may not do to everything in the
 * organization. Owners of the deployment may also make roles that refuse some of what people do.
 *
 * @param unknown what happens to permissions that do not exist: a replaced role loses them, so that roles outlive
 * changes of the catalogue.
 * @throws ApiError 400.
 */
export function readRole(
  actor: Actor,
  organizationId: string,
  request: CustomRoleRequest,
  unknown: 'refuse' | 'drop',
): WantedRole {
  const { name, displayName } = readName(request)
  for (const field of ['site_permissions', 'user_permissions'] as const)
    if ((request[field] ?? []).length > 0)
      throw badRequest(
        `Invalid request, not allowed to assign ${field.replace('_', ' ')} in an organization.`,
        {
          detail: 'A role of an organization holds organization and organization member permissions only.',
          validations: [{ field, detail: 'must be empty' }],
        },
      )
  const read = (permissions: readonly RequestedPermission[] = []): RolePermission[] =>
    grantable(actor, organizationId, permissions, unknown)
  return {
    name,
    displayName,
    assignableBy: readAssigners(actor, organizationId, name, request.assignable_by),
    organizationPermissions: read(request.organization_permissions),
    memberPermissions: read(request.organization_member_permissions),
  }
}

/** The names of a role. @throws ApiError 400 for one that means something else, or is none (RB-35). */
export function readName(request: CustomRoleRequest): {
  readonly name: string
  readonly displayName: string
} {
  const { name, display_name: displayName = '' } = request
  if (RESERVED.has(name.toLowerCase()))
    throw badRequest('Reserved role name', {
      detail: `${JSON.stringify(name)} is a reserved role name and cannot be used.`,
      validations: [{ field: 'name', detail: 'reserved' }],
    })
  requireGoodLabels({ name, display_name: displayName })
  // What has none is never shown (RB-27).
  return { name, displayName: displayName === '' ? name : displayName }
}

/**
 * Who else may hand out a role (RB-136). Who lets others do so must be able to themselves.
 *
 * @param organizationId of the role; undefined for one of the deployment.
 * @throws ApiError 400.
 */
export function readAssigners(
  actor: Actor,
  organizationId: string | undefined,
  name: string,
  assignableBy: readonly string[] | undefined,
): string[] | undefined {
  if (assignableBy === undefined) return undefined
  const refused = (detail: string): ApiError =>
    badRequest('Invalid assignable_by entry.', { validations: [{ field: 'assignable_by', detail }] })
  const known = organizationId === undefined ? ['user-admin'] : ASSIGNERS
  const odd = assignableBy.find((role) => !known.includes(role))
  if (odd !== undefined) throw refused(`${JSON.stringify(odd)} is not one of ${known.join(', ')}`)
  if (assignableBy.length > 0 && !mayAssign(actor, name, organizationId, []))
    throw refused('you may not assign the role yourself')
  return [...new Set(assignableBy)].sort()
}

/**
 * Reads permissions of one level of a role (RB-37, RB-38, RB-136).
 *
 * @param organizationId of the role; undefined for one of the deployment.
 * @throws ApiError 400 naming the permission that the actor may not grant.
 */
export function grantable(
  actor: Actor,
  organizationId: string | undefined,
  asked: readonly RequestedPermission[],
  unknown: 'refuse' | 'drop',
): RolePermission[] {
  const permissions: RolePermission[] = []
  const seen = new Set<string>()
  for (const permission of asked) {
    const pair = `${permission.resource_type}:${permission.action}`
    if (permission.negate === true) requireRefusable(actor, permission)
    if (permission.resource_type === '*' || permission.action === '*')
      throw refusedPermission(`${pair}: wildcards are not allowed, name each permission`)
    const [known] = rolePermissionsOf([permission])
    if (known === undefined) {
      if (unknown === 'drop') continue
      throw refusedPermission(`${pair}: there is no such permission`)
    }
    const spelling = `${pair} ${known.negate}`
    if (seen.has(spelling)) continue
    seen.add(spelling)
    permissions.push(known)
  }
  const beyond = permissionBeyond(actor, organizationId, permissions)
  if (beyond !== undefined)
    throw refusedPermission(
      `${beyond.resource_type}:${beyond.action}: you cannot grant a permission that you do not hold in the whole ${organizationId === undefined ? 'deployment' : 'organization'}`,
    )
  return permissions
}

/** A refusal beats what others have been given, so it takes an owner of the deployment (RB-37, RB-136). */
function requireRefusable(actor: Actor, { resource_type: type, action }: RequestedPermission): void {
  if (!isOwner(actor))
    throw refusedPermission(`${type}:${action}: only an owner makes roles that refuse permissions`)
  if (!Object.hasOwn(REFUSABLE, type) || REFUSABLE[type]?.includes(action) !== true)
    throw refusedPermission(`${type}:${action}: a role cannot refuse this permission`)
}

/** A permission that cannot be part of a role. */
export function refusedPermission(detail: string): ApiError {
  return badRequest('Failed to update role permissions', { detail })
}
