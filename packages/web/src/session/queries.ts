import { queryOptions } from '@tanstack/react-query'

import {
  type AuthorizationCheck,
  type BuildInfoResponse,
  checkAuthorization,
  type Experiment,
  getBuildInfo,
  getExperiments,
  listOrganizations,
  type Organization,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { takeEmbedded } from '../api/embedded.ts'

export { authMethodsQuery, hasFirstUserQuery, meQuery } from './sign-in-queries.ts'

export const buildInfoQuery = queryOptions({
  queryKey: ['build-info'],
  queryFn: ({ signal }) => api.call(getBuildInfo, { signal }),
  initialData: () => takeEmbedded<BuildInfoResponse>('build-info'),
  staleTime: Number.POSITIVE_INFINITY,
})

/** The experiments that are on (UI-301). */
export const experimentsQuery = queryOptions({
  queryKey: ['experiments'],
  queryFn: ({ signal }) => api.call(getExperiments, { signal }),
  initialData: () => takeEmbedded<readonly Experiment[]>('experiments')?.slice(),
  staleTime: Number.POSITIVE_INFINITY,
})

export const organizationsQuery = queryOptions({
  queryKey: ['organizations'],
  queryFn: ({ signal }) => api.call(listOrganizations, { signal }),
  initialData: () => takeEmbedded<readonly Organization[]>('organizations')?.slice(),
  staleTime: 60_000,
})

const SITE_CHECKS = {
  viewAllUsers: check('user', 'read'),
  updateUsers: check('user', 'update'),
  createUser: check('user', 'create'),
  createTemplates: check('template', 'create', { any_org: true }),
  updateTemplates: check('template', 'update'),
  deleteTemplates: check('template', 'delete'),
  createWorkspace: check('workspace', 'create', { any_org: true, owner_id: 'me' }),
  createChat: check('chat', 'create', { any_org: true, owner_id: 'me' }),
  viewDeploymentConfig: check('deployment_config', 'read'),
  editDeploymentConfig: check('deployment_config', 'update'),
  viewDebugInfo: check('debug_info', 'read'),
  viewAnyAIProvider: check('ai_provider', 'read'),
  viewAnyAIBridgeInterception: check('aibridge_interception', 'read', { any_org: true }),
  viewAnyAuditLog: check('audit_log', 'read', { any_org: true }),
  viewAnyConnectionLog: check('connection_log', 'read', { any_org: true }),
  createOrganization: check('organization', 'create'),
  editAnySettings: check('organization', 'update', { any_org: true }),
  viewAnyGroup: check('group', 'read'),
  editAnyGroups: check('group', 'update', { any_org: true }),
  assignAnyRoles: check('assign_org_role', 'assign', { any_org: true }),
  viewOrganizationIDPSyncSettings: check('idpsync_settings', 'read'),
  viewAnyIdpSyncSettings: check('idpsync_settings', 'read', { any_org: true }),
  viewAnyMCPServerConfigs: check('mcp_server_config', 'read', { any_org: true }),
  createAnyMCPServerConfig: check('mcp_server_config', 'create', { any_org: true }),
  updateAnyMCPServerConfig: check('mcp_server_config', 'update', { any_org: true }),
  deleteAnyMCPServerConfig: check('mcp_server_config', 'delete', { any_org: true }),
  createOAuth2App: check('oauth2_app', 'create'),
  editOAuth2App: check('oauth2_app', 'update'),
  deleteOAuth2App: check('oauth2_app', 'delete'),
  viewOAuth2AppSecrets: check('oauth2_app_secret', 'read'),
} as const satisfies Record<string, AuthorizationCheck>

/** Names of the site-wide checks (UI-310). */
export type Permission = keyof typeof SITE_CHECKS
export type Permissions = Readonly<Record<Permission, boolean>>

const CHECKS: Readonly<Record<string, AuthorizationCheck>> = SITE_CHECKS

/** What a check asks for, as roles and scopes of tokens name it: `audit_log:read`. Such a name is its own. */
export function permissionName(permission: string): string {
  const asked = CHECKS[permission]
  return asked === undefined ? permission : `${asked.object.resource_type}:${asked.action}`
}

export const NO_PERMISSIONS: Permissions = {
  viewAllUsers: false,
  updateUsers: false,
  createUser: false,
  createTemplates: false,
  updateTemplates: false,
  deleteTemplates: false,
  createWorkspace: false,
  createChat: false,
  viewDeploymentConfig: false,
  editDeploymentConfig: false,
  viewDebugInfo: false,
  viewAnyAIProvider: false,
  viewAnyAIBridgeInterception: false,
  viewAnyAuditLog: false,
  viewAnyConnectionLog: false,
  createOrganization: false,
  editAnySettings: false,
  viewAnyGroup: false,
  editAnyGroups: false,
  assignAnyRoles: false,
  viewOrganizationIDPSyncSettings: false,
  viewAnyIdpSyncSettings: false,
  viewAnyMCPServerConfigs: false,
  createAnyMCPServerConfig: false,
  updateAnyMCPServerConfig: false,
  deleteAnyMCPServerConfig: false,
  createOAuth2App: false,
  editOAuth2App: false,
  deleteOAuth2App: false,
  viewOAuth2AppSecrets: false,
}

/** All site-wide checks in one request (UI-310). */
export const permissionsQuery = queryOptions({
  queryKey: ['permissions'],
  queryFn: async ({ signal }): Promise<Permissions> => {
    const answers = await api.call(checkAuthorization, { body: { checks: SITE_CHECKS }, signal })
    return { ...NO_PERMISSIONS, ...answers }
  },
  initialData: () => {
    const embedded = takeEmbedded<Partial<Permissions>>('permissions')
    return embedded === undefined ? undefined : { ...NO_PERMISSIONS, ...embedded }
  },
  staleTime: 60_000,
})

function check(
  type: string,
  action: string,
  more: Partial<AuthorizationCheck['object']> = {},
): AuthorizationCheck {
  return { action, object: { resource_type: type, ...more } }
}
