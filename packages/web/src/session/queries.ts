import { queryOptions } from '@tanstack/react-query'

import {
  type AuthorizationCheck,
  type BuildInfoResponse,
  checkAuthorization,
  getAuthMethods,
  getBuildInfo,
  getFirstUser,
  getUser,
  listOrganizations,
  type Organization,
  type User,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { takeEmbedded } from '../api/embedded.ts'
import { statusOf } from '../api/errors.ts'

/** The signed-in user. Its 401 is what "signed out" means (UI-201). */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => api.call(getUser, { params: { user: 'me' }, signal }),
  initialData: () => takeEmbedded<User>('user'),
  staleTime: 60_000,
  retry: false,
})

/** Whether the deployment has its first user (UI-208). */
export const hasFirstUserQuery = queryOptions({
  queryKey: ['first-user'],
  queryFn: async ({ signal }) => {
    try {
      await api.call(getFirstUser, { signal })
      return true
    } catch (error) {
      if (statusOf(error) === 404) return false
      throw error
    }
  },
})

export const authMethodsQuery = queryOptions({
  queryKey: ['auth-methods'],
  queryFn: ({ signal }) => api.call(getAuthMethods, { signal }),
  staleTime: 60_000,
})

export const buildInfoQuery = queryOptions({
  queryKey: ['build-info'],
  queryFn: ({ signal }) => api.call(getBuildInfo, { signal }),
  initialData: () => takeEmbedded<BuildInfoResponse>('build-info'),
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
  viewDeploymentConfig: check('deployment_config', 'read'),
} as const satisfies Record<string, AuthorizationCheck>

/** Names of the site-wide checks (UI-310). */
export type Permission = keyof typeof SITE_CHECKS
export type Permissions = Readonly<Record<Permission, boolean>>

export const NO_PERMISSIONS: Permissions = {
  viewAllUsers: false,
  updateUsers: false,
  createUser: false,
  createTemplates: false,
  updateTemplates: false,
  deleteTemplates: false,
  createWorkspace: false,
  viewDeploymentConfig: false,
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
