import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import {
  type AuthorizationCheck,
  checkAuthorization,
  getWorkspaceSharing,
  listMembersPaged,
  listUsers,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { organizationsQuery } from '../session/queries.ts'
import { PAGE_SIZE } from '../ui/pagination.tsx'

/** What is asked of each organization (UI-311): type of object and action. */
const CHECKS = {
  viewMembers: ['organization_member', 'read'],
  editMembers: ['organization_member', 'update'],
  addMembers: ['organization_member', 'create'],
  removeMembers: ['organization_member', 'delete'],
  createGroup: ['group', 'create'],
  viewGroups: ['group', 'read'],
  viewGroupMembers: ['group_member', 'read'],
  editGroups: ['group', 'update'],
  deleteGroups: ['group', 'delete'],
  editSettings: ['organization', 'update'],
  deleteOrganization: ['organization', 'delete'],
  assignOrgRoles: ['assign_org_role', 'assign'],
  viewOrgRoles: ['assign_org_role', 'read'],
  createOrgRoles: ['assign_org_role', 'create'],
  updateOrgRoles: ['assign_org_role', 'update'],
  deleteOrgRoles: ['assign_org_role', 'delete'],
  viewProvisioners: ['provisioner_daemon', 'read'],
  viewProvisionerJobs: ['provisioner_jobs', 'read'],
  viewIdpSyncSettings: ['idpsync_settings', 'read'],
  editIdpSyncSettings: ['idpsync_settings', 'update'],
} as const

type OrganizationPermission = keyof typeof CHECKS
export type OrganizationPermissions = Readonly<Record<OrganizationPermission, boolean>>

/** As many questions as one request may ask (RB-81). */
const MAX_CHECKS = 1000

/** What the viewer may do in each of these organizations, by id; asked together (UI-311). */
export function organizationPermissionsQuery(ids: readonly string[]) {
  return queryOptions({
    queryKey: ['organization-permissions', ids],
    queryFn: async ({ signal }): Promise<ReadonlyMap<string, OrganizationPermissions>> => {
      const asked = ids.flatMap((id) =>
        Object.entries(CHECKS).map(([name, [resource_type, action]]): [string, AuthorizationCheck] => [
          `${id}/${name}`,
          { action, object: { resource_type, organization_id: id } },
        ]),
      )
      const answers: Record<string, boolean> = {}
      for (let from = 0; from < asked.length; from += MAX_CHECKS) {
        const checks = Object.fromEntries(asked.slice(from, from + MAX_CHECKS))
        Object.assign(answers, await api.call(checkAuthorization, { body: { checks }, signal }))
      }
      return new Map(ids.map((id) => [id, permissionsOf((name) => answers[`${id}/${name}`] === true)]))
    },
    staleTime: 60_000,
  })
}

function permissionsOf(may: (name: OrganizationPermission) => boolean): OrganizationPermissions {
  return {
    viewMembers: may('viewMembers'),
    editMembers: may('editMembers'),
    addMembers: may('addMembers'),
    removeMembers: may('removeMembers'),
    createGroup: may('createGroup'),
    viewGroups: may('viewGroups'),
    viewGroupMembers: may('viewGroupMembers'),
    editGroups: may('editGroups'),
    deleteGroups: may('deleteGroups'),
    editSettings: may('editSettings'),
    deleteOrganization: may('deleteOrganization'),
    assignOrgRoles: may('assignOrgRoles'),
    viewOrgRoles: may('viewOrgRoles'),
    createOrgRoles: may('createOrgRoles'),
    updateOrgRoles: may('updateOrgRoles'),
    deleteOrgRoles: may('deleteOrgRoles'),
    viewProvisioners: may('viewProvisioners'),
    viewProvisionerJobs: may('viewProvisionerJobs'),
    viewIdpSyncSettings: may('viewIdpSyncSettings'),
    editIdpSyncSettings: may('editIdpSyncSettings'),
  }
}

/** Something that is done in an organization: type of object and action, and whether it is about what is one's own. */
export type OrganizationQuestion = readonly [type: string, action: string, owner?: 'me']

/** The organizations in which the viewer may do something, of those that they may read; asked together (UI-509). */
export function organizationsForQuery([resource_type, action, owner_id]: OrganizationQuestion) {
  return queryOptions({
    queryKey: ['organizations', 'for', resource_type, action, owner_id],
    queryFn: async ({ signal }) => {
      const all = await queries.fetchQuery(organizationsQuery)
      const may: Record<string, boolean> = {}
      for (let from = 0; from < all.length; from += MAX_CHECKS) {
        const checks = Object.fromEntries(
          all.slice(from, from + MAX_CHECKS).map(({ id }): [string, AuthorizationCheck] => [
            id,
            {
              action,
              object: {
                resource_type,
                organization_id: id,
                ...(owner_id === undefined ? {} : { owner_id }),
              },
            },
          ]),
        )
        Object.assign(may, await api.call(checkAuthorization, { body: { checks }, signal }))
      }
      return all.filter(({ id }) => may[id] === true)
    },
    staleTime: 60_000,
  })
}

interface PageQuestion {
  /** The server's grammar for users. */
  readonly filter: string
  /** From 1. */
  readonly page: number
}

/** One page of the members of an organization. */
export function membersQuery(organizationId: string, { filter, page }: PageQuestion) {
  return queryOptions({
    queryKey: ['members', organizationId, filter, page],
    queryFn: ({ signal }) =>
      api.call(listMembersPaged, {
        params: { organization: organizationId },
        query: { q: filter, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

/** Most that a search shows. */
const FOUND = 50

/** Members whose name or email has the text in it. */
export function memberSearchQuery(organizationId: string, text: string) {
  return queryOptions({
    queryKey: ['members', organizationId, 'search', text],
    queryFn: async ({ signal }) => {
      const { members } = await api.call(listMembersPaged, {
        params: { organization: organizationId },
        query: { q: searchWords(text), limit: FOUND },
        signal,
      })
      return members
    },
    placeholderData: keepPreviousData,
  })
}

/** Users of the deployment whose name or email has the text in it. */
export function userSearchQuery(text: string) {
  return queryOptions({
    queryKey: ['users', 'search', text],
    queryFn: async ({ signal }) => {
      const { users } = await api.call(listUsers, { query: { q: searchWords(text), limit: FOUND }, signal })
      return users
    },
    placeholderData: keepPreviousData,
  })
}

/** What somebody types to find a name holds no keys of the grammar. */
export function searchWords(text: string): string {
  return text.replace(/[":]/g, ' ').trim()
}

export function sharingSettingsQuery(organizationId: string) {
  return queryOptions({
    queryKey: ['workspace-sharing', organizationId],
    queryFn: ({ signal }) =>
      api.call(getWorkspaceSharing, { params: { organization: organizationId }, signal }),
  })
}

/** Everything that shows organizations or depends on them is read again. */
export async function refreshOrganizations(): Promise<void> {
  await Promise.all(
    ['organizations', 'permissions', 'organization-permissions'].map((key) =>
      queries.invalidateQueries({ queryKey: [key] }),
    ),
  )
}
