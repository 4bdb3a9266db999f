import { type Static, Type } from 'typebox'

import { Uuid } from './common.ts'
import { Permission } from './organizations.ts'
import { route } from './route.ts'

const tag = 'Members'

/** A role of an organization with what it grants (RB-34). */
export const Role = Type.Object({
  /** Built-in roles whose holders may assign it, beside those who may assign every custom role (RB-136). */
  assignable_by: Type.Array(Type.String()),
  display_name: Type.String(),
  name: Type.String(),
  organization_id: Uuid,
  organization_member_permissions: Type.Array(Permission),
  organization_permissions: Type.Array(Permission),
  site_permissions: Type.Array(Permission),
  user_permissions: Type.Array(Permission),
})
export type Role = Static<typeof Role>

/** A permission as it is asked for: one that does not exist is for the server to judge (RB-38). */
export const RequestedPermission = Type.Object({
  action: Type.String({ maxLength: 64 }),
  negate: Type.Optional(Type.Boolean()),
  resource_type: Type.String({ maxLength: 64 }),
})
export type RequestedPermission = Static<typeof RequestedPermission>

const Permissions = Type.Optional(Type.Array(RequestedPermission, { maxItems: 512 }))

/** A custom role to make or to replace; its name says which (RB-34). */
export const CustomRoleRequest = Type.Object({
  assignable_by: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16 })),
  display_name: Type.Optional(Type.String({ maxLength: 256 })),
  name: Type.String({ maxLength: 256 }),
  organization_member_permissions: Permissions,
  organization_permissions: Permissions,
  site_permissions: Permissions,
  user_permissions: Permissions,
})
export type CustomRoleRequest = Static<typeof CustomRoleRequest>

export const createCustomRole = route('POST /api/v2/organizations/{organization}/members/roles', {
  id: 'insert-a-custom-organization-role',
  tag,
  body: CustomRoleRequest,
  responses: { 200: Role },
})

export const updateCustomRole = route('PUT /api/v2/organizations/{organization}/members/roles', {
  id: 'update-a-custom-organization-role',
  tag,
  body: CustomRoleRequest,
  responses: { 200: Role },
})

export const deleteCustomRole = route(
  'DELETE /api/v2/organizations/{organization}/members/roles/{roleName}',
  {
    id: 'delete-a-custom-organization-role',
    tag,
    responses: { 204: null },
  },
)

/** Actions that exist on a type of resource, and those of them that the caller may put into a role. */
export const GrantablePermissions = Type.Object({
  resource_type: Type.String(),
  actions: Type.Array(Type.String()),
  grantable: Type.Array(Type.String()),
})
export type GrantablePermissions = Static<typeof GrantablePermissions>

export const listGrantablePermissions = route(
  'GET /api/v2/organizations/{organization}/members/roles/permissions',
  {
    id: 'list-grantable-permissions',
    tag,
    responses: { 200: Type.Array(GrantablePermissions) },
  },
)

/** A role that the deployment has made for itself, which counts in every organization (RB-136). */
export const SiteRole = Type.Object({
  /** Built-in roles whose holders may assign it, beside owners. */
  assignable_by: Type.Array(Type.String()),
  display_name: Type.String(),
  name: Type.String(),
  site_permissions: Type.Array(Permission),
  user_permissions: Type.Array(Permission),
})
export type SiteRole = Static<typeof SiteRole>

export const createSiteRole = route('POST /api/v2/users/roles', {
  id: 'insert-a-custom-site-role',
  tag,
  body: CustomRoleRequest,
  responses: { 200: SiteRole },
})

export const updateSiteRole = route('PUT /api/v2/users/roles', {
  id: 'update-a-custom-site-role',
  tag,
  body: CustomRoleRequest,
  responses: { 200: SiteRole },
})

export const deleteSiteRole = route('DELETE /api/v2/users/roles/{roleName}', {
  id: 'delete-a-custom-site-role',
  tag,
  responses: { 204: null },
})

/** What the caller may put into a role of the deployment. */
export const listGrantableSitePermissions = route('GET /api/v2/users/roles/permissions', {
  id: 'list-grantable-site-permissions',
  tag,
  responses: { 200: Type.Array(GrantablePermissions) },
})
