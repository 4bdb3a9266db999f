import { type Static, Type } from 'typebox'

import { Pagination, Response, Time, Uuid } from './common.ts'
import { route } from './route.ts'
import { MinimalUser } from './template-versions.ts'
import { LoginType, SlimRole, User, UserStatus } from './users.ts'

export const Organization = Type.Object({
  created_at: Time,
  default_org_member_roles: Type.Array(Type.String()),
  description: Type.String(),
  display_name: Type.String(),
  icon: Type.String(),
  id: Uuid,
  is_default: Type.Boolean(),
  name: Type.String(),
  updated_at: Time,
})
export type Organization = Static<typeof Organization>

/** What is asked of a new organization (WS-41). */
export const CreateOrganizationRequest = Type.Object({
  description: Type.Optional(Type.String({ maxLength: 4096 })),
  display_name: Type.Optional(Type.String({ maxLength: 256 })),
  icon: Type.Optional(Type.String({ maxLength: 2048 })),
  name: Type.String({ maxLength: 256 }),
})
export type CreateOrganizationRequest = Static<typeof CreateOrganizationRequest>

/** What changes of an organization; an empty name or display name keeps what it is (WS-43). */
export const UpdateOrganizationRequest = Type.Object({
  default_org_member_roles: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 64 })),
  description: Type.Optional(Type.String({ maxLength: 4096 })),
  display_name: Type.Optional(Type.String({ maxLength: 256 })),
  icon: Type.Optional(Type.String({ maxLength: 2048 })),
  name: Type.Optional(Type.String({ maxLength: 256 })),
})
export type UpdateOrganizationRequest = Static<typeof UpdateOrganizationRequest>

/** Whose workspaces may be shared with other members (RB-21). */
export const ShareableWorkspaceOwners = Type.Enum(['none', 'everyone', 'service_accounts'])
export type ShareableWorkspaceOwners = Static<typeof ShareableWorkspaceOwners>

/** How workspaces of an organization may be shared (WS-50). */
export const WorkspaceSharingSettings = Type.Object({
  shareable_workspace_owners: ShareableWorkspaceOwners,
  /** The same for clients that know no more than on and off. */
  sharing_disabled: Type.Boolean(),
  /** Sharing is switched off for the whole deployment. */
  sharing_globally_disabled: Type.Boolean(),
})
export type WorkspaceSharingSettings = Static<typeof WorkspaceSharingSettings>

/** The mode as text, so that one that does not exist is refused by its name; the older switch counts without it. */
export const UpdateWorkspaceSharingSettingsRequest = Type.Object({
  shareable_workspace_owners: Type.Optional(Type.String({ maxLength: 64 })),
  sharing_disabled: Type.Optional(Type.Boolean()),
})
export type UpdateWorkspaceSharingSettingsRequest = Static<typeof UpdateWorkspaceSharingSettingsRequest>

export const OrganizationMemberWithUserData = Type.Object({
  avatar_url: Type.String(),
  created_at: Time,
  email: Type.String(),
  global_roles: Type.Array(SlimRole),
  has_ai_seat: Type.Boolean(),
  is_service_account: Type.Boolean(),
  last_seen_at: Type.Optional(Time),
  login_type: LoginType,
  name: Type.String(),
  organization_id: Uuid,
  roles: Type.Array(SlimRole),
  status: UserStatus,
  updated_at: Time,
  user_created_at: Time,
  user_id: Uuid,
  user_updated_at: Time,
  username: Type.String(),
})
export type OrganizationMemberWithUserData = Static<typeof OrganizationMemberWithUserData>

export const PaginatedMembersResponse = Type.Object({
  count: Type.Integer(),
  members: Type.Array(OrganizationMemberWithUserData),
})
export type PaginatedMembersResponse = Static<typeof PaginatedMembersResponse>

export const OrganizationMember = Type.Object({
  created_at: Time,
  organization_id: Uuid,
  roles: Type.Array(SlimRole),
  updated_at: Time,
  user_id: Uuid,
})
export type OrganizationMember = Static<typeof OrganizationMember>

export const RBACAction = Type.Enum([
  'application_connect',
  'assign',
  'create',
  'create_agent',
  'delete',
  'delete_agent',
  'read',
  'read_personal',
  'ssh',
  'share',
  'unassign',
  'update',
  'update_agent',
  'update_personal',
  'use',
  'view_insights',
  'start',
  'stop',
])
export type RBACAction = Static<typeof RBACAction>

export const RBACResource = Type.Enum([
  '*',
  'ai_gateway_key',
  'ai_model_price',
  'ai_provider',
  'ai_seat',
  'aibridge_interception',
  'api_key',
  'assign_org_role',
  'assign_role',
  'audit_log',
  'boundary_log',
  'boundary_usage',
  'chat',
  'connection_log',
  'crypto_key',
  'debug_info',
  'deployment_config',
  'deployment_stats',
  'file',
  'group',
  'group_member',
  'idpsync_settings',
  'inbox_notification',
  'license',
  'mcp_server_config',
  'notification_message',
  'notification_preference',
  'notification_template',
  'oauth2_app',
  'oauth2_app_code_token',
  'oauth2_app_secret',
  'organization',
  'organization_member',
  'prebuilt_workspace',
  'provisioner_daemon',
  'provisioner_jobs',
  'replicas',
  'system',
  'tailnet_coordinator',
  'task',
  'template',
  'usage_event',
  'user',
  'user_secret',
  'user_skill',
  'webpush_subscription',
  'workspace',
  'workspace_agent_devcontainers',
  'workspace_agent_resource_monitor',
  'workspace_build_orchestration',
  'workspace_dormant',
  'workspace_proxy',
])
export type RBACResource = Static<typeof RBACResource>

export const Permission = Type.Object({
  action: RBACAction,
  negate: Type.Boolean(),
  resource_type: RBACResource,
})
export type Permission = Static<typeof Permission>

export const AssignableRoles = Type.Object({
  assignable: Type.Boolean(),
  /** Built-in roles whose holders may assign it, beside those who may assign every custom role (RB-136). */
  assignable_by: Type.Optional(Type.Array(Type.String())),
  built_in: Type.Boolean(),
  display_name: Type.String(),
  name: Type.String(),
  organization_id: Type.Optional(Uuid),
  organization_member_permissions: Type.Array(Permission),
  organization_permissions: Type.Array(Permission),
  site_permissions: Type.Array(Permission),
  user_permissions: Type.Array(Permission),
})
export type AssignableRoles = Static<typeof AssignableRoles>

export const UpdateRoles = Type.Object({
  roles: Type.Array(Type.String()),
})
export type UpdateRoles = Static<typeof UpdateRoles>

export const listOrganizations = route('GET /api/v2/organizations', {
  id: 'get-organizations',
  tag: 'Organizations',
  responses: { 200: Type.Array(Organization) },
})

export const getOrganization = route('GET /api/v2/organizations/{organization}', {
  id: 'get-organization-by-id',
  tag: 'Organizations',
  responses: { 200: Organization },
})

export const createOrganization = route('POST /api/v2/organizations', {
  id: 'create-organization',
  tag: 'Organizations',
  body: CreateOrganizationRequest,
  responses: { 201: Organization },
})

export const updateOrganization = route('PATCH /api/v2/organizations/{organization}', {
  id: 'update-organization',
  tag: 'Organizations',
  body: UpdateOrganizationRequest,
  responses: { 200: Organization },
})

export const deleteOrganization = route('DELETE /api/v2/organizations/{organization}', {
  id: 'delete-organization',
  tag: 'Organizations',
  responses: { 200: Response },
})

export const getWorkspaceSharing = route(
  'GET /api/v2/organizations/{organization}/settings/workspace-sharing',
  {
    id: 'get-workspace-sharing-settings-for-organization',
    tag: 'Organizations',
    responses: { 200: WorkspaceSharingSettings },
  },
)

export const updateWorkspaceSharing = route(
  'PATCH /api/v2/organizations/{organization}/settings/workspace-sharing',
  {
    id: 'update-workspace-sharing-settings-for-organization',
    tag: 'Organizations',
    body: UpdateWorkspaceSharingSettingsRequest,
    responses: { 200: WorkspaceSharingSettings },
  },
)

export const listUsersForWorkspaces = route(
  'GET /api/v2/organizations/{organization}/members/{user}/workspaces/available-users',
  {
    id: 'get-users-available-for-workspace-creation',
    tag: 'Workspaces',
    query: Type.Object({
      limit: Pagination.limit,
      offset: Pagination.offset,
      q: Type.Optional(Type.String({ maxLength: 2048 })),
    }),
    responses: { 200: Type.Array(MinimalUser) },
  },
)

export const listMembers = route('GET /api/v2/organizations/{organization}/members', {
  id: 'list-organization-members',
  tag: 'Organizations',
  query: Type.Object({ q: Type.Optional(Type.String()) }),
  responses: { 200: Type.Array(OrganizationMemberWithUserData) },
})

export const listMembersPaged = route('GET /api/v2/organizations/{organization}/paginated-members', {
  id: 'paginated-organization-members',
  tag: 'Organizations',
  query: Type.Object({
    ...Pagination,
    q: Type.Optional(Type.String()),
  }),
  responses: { 200: PaginatedMembersResponse },
})

export const getMember = route('GET /api/v2/organizations/{organization}/members/{user}', {
  id: 'get-organization-member',
  tag: 'Organizations',
  responses: { 200: OrganizationMemberWithUserData },
})

export const addMember = route('POST /api/v2/organizations/{organization}/members/{user}', {
  id: 'add-organization-member',
  tag: 'Organizations',
  responses: { 200: OrganizationMember },
})

export const removeMember = route('DELETE /api/v2/organizations/{organization}/members/{user}', {
  id: 'remove-organization-member',
  tag: 'Organizations',
  responses: { 204: null },
})

export const listMemberRoles = route('GET /api/v2/organizations/{organization}/members/roles', {
  id: 'get-member-roles-by-organization',
  tag: 'Organizations',
  responses: { 200: Type.Array(AssignableRoles) },
})

export const assignMemberRoles = route('PUT /api/v2/organizations/{organization}/members/{user}/roles', {
  id: 'assign-role-to-organization-member',
  tag: 'Organizations',
  body: UpdateRoles,
  responses: { 200: OrganizationMember },
})

export const listOrganizationsOfUser = route('GET /api/v2/users/{user}/organizations', {
  id: 'get-organizations-by-user',
  tag: 'Organizations',
  responses: { 200: Type.Array(Organization) },
})

export const getOrganizationOfUser = route('GET /api/v2/users/{user}/organizations/{organizationname}', {
  id: 'get-organization-by-user-and-organization-name',
  tag: 'Organizations',
  responses: { 200: Organization },
})

export const listSiteRoles = route('GET /api/v2/users/roles', {
  id: 'get-site-member-roles',
  tag: 'Members',
  responses: { 200: Type.Array(AssignableRoles) },
})

export const getUserRoles = route('GET /api/v2/users/{user}/roles', {
  id: 'get-user-roles',
  tag: 'Users',
  responses: {
    200: Type.Object({
      roles: Type.Array(Type.String()),
      organization_roles: Type.Record(Type.String(), Type.Array(Type.String())),
    }),
  },
})

export const updateUserRoles = route('PUT /api/v2/users/{user}/roles', {
  id: 'assign-role-to-user',
  tag: 'Users',
  body: UpdateRoles,
  responses: { 200: User },
})
