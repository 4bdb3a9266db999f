import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  type CustomRoleRequest,
  checkAuthorization,
  createCustomRole,
  deleteCustomRole,
  updateCustomRole,
} from '@slipway/contract'

/** The organization of all tests of roles. */
export const at = { params: { organization: 'default' } }

/** A permission of an own role, from `type:action`, which need not exist. */
export function permission(text: string, more: { readonly negate?: boolean } = {}) {
  const [resource_type = '', action = ''] = text.split(':')
  return { resource_type, action, negate: false, ...more }
}

/** A role with these permissions in the whole organization. */
export function role(
  name: string,
  permissions: readonly string[] = [],
  more: Partial<CustomRoleRequest> = {},
): CustomRoleRequest {
  return { name, organization_permissions: permissions.map((text) => permission(text)), ...more }
}

export const create = (client: Client, body: CustomRoleRequest, organization = 'default') =>
  client.call(createCustomRole, { params: { organization }, body })
export const replace = (client: Client, body: CustomRoleRequest) =>
  client.call(updateCustomRole, { ...at, body })
export const remove = (client: Client, roleName: string) =>
  client.call(deleteCustomRole, { params: { organization: 'default', roleName } })
export const assign = (client: Client, user: string, roles: string[], organization = 'default') =>
  client.call(assignMemberRoles, { params: { organization, user }, body: { roles } })

/** Whether somebody may do `type:action` to an object. */
export async function may(client: Client, text: string, object: object): Promise<boolean | undefined> {
  const { resource_type, action } = permission(text)
  const checks = { it: { action, object: { resource_type, ...object } } }
  return (await client.call(checkAuthorization, { body: { checks } })).it
}
