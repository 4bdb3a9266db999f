import { type Static, Type } from 'typebox'

import { Pagination, Response, Time, Uuid } from './common.ts'
import { route } from './route.ts'
import { LoginType, UserStatus } from './users.ts'

const tag = 'Groups'

/** A user as rosters show it. */
export const ReducedUser = Type.Object({
  avatar_url: Type.String(),
  created_at: Time,
  email: Type.String(),
  id: Uuid,
  is_service_account: Type.Boolean(),
  last_seen_at: Time,
  login_type: LoginType,
  name: Type.String(),
  status: UserStatus,
  theme_preference: Type.String(),
  updated_at: Time,
  username: Type.String(),
})
export type ReducedUser = Static<typeof ReducedUser>

/** Who made a group: a person, or the identity provider at a sign-in. */
export const GroupSource = Type.Enum(['user', 'oidc'])

/** A group without its members, as pages of groups show it (WS-63). */
export const PaginatedGroup = Type.Object({
  avatar_url: Type.String(),
  display_name: Type.String(),
  id: Uuid,
  name: Type.String(),
  organization_display_name: Type.String(),
  organization_id: Uuid,
  organization_name: Type.String(),
  /** Credits a day that each member may spend on workspaces (WS-64). */
  quota_allowance: Type.Integer(),
  source: GroupSource,
  /** All members, also those that the caller may not read. */
  total_member_count: Type.Integer(),
})
export type PaginatedGroup = Static<typeof PaginatedGroup>

/** A group with those of its members that the caller may read. */
export const Group = Type.Object({ ...PaginatedGroup.properties, members: Type.Array(ReducedUser) })
export type Group = Static<typeof Group>

const quota = Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 }))
const avatar = Type.Optional(Type.String({ maxLength: 2048 }))
const userIds = Type.Optional(Type.Array(Type.String(), { maxItems: 5000 }))

/** Which names are allowed says WS-1. */
export const CreateGroupRequest = Type.Object({
  name: Type.String({ minLength: 1 }),
  display_name: Type.Optional(Type.String()),
  avatar_url: avatar,
  quota_allowance: quota,
})
export type CreateGroupRequest = Static<typeof CreateGroupRequest>

/** What is left out stays as it is, and so does a name that is empty (WS-61). */
export const PatchGroupRequest = Type.Object({
  add_users: userIds,
  remove_users: userIds,
  name: Type.Optional(Type.String()),
  display_name: Type.Optional(Type.String()),
  avatar_url: avatar,
  quota_allowance: quota,
})
export type PatchGroupRequest = Static<typeof PatchGroupRequest>

/** A page of members, null when it has none, and the number of all that match (WS-63). */
export const GroupMembersResponse = Type.Object({
  count: Type.Integer(),
  users: Type.Union([Type.Array(ReducedUser), Type.Null()]),
})

const WithoutMembers = Type.Object({ exclude_members: Type.Optional(Type.Boolean()) })
const MembersPage = Type.Object({ q: Type.Optional(Type.String({ maxLength: 2048 })), ...Pagination })

export const listGroups = route('GET /api/v2/groups', {
  id: 'get-groups',
  tag,
  query: Type.Object({
    /** UUID or name. */
    organization: Type.Optional(Type.String({ maxLength: 64 })),
    /** UUID or name of a user. */
    has_member: Type.Optional(Type.String({ maxLength: 64 })),
    /** UUIDs with commas between them. */
    group_ids: Type.Optional(Type.String({ maxLength: 8192 })),
  }),
  responses: { 200: Type.Array(Group) },
})

export const getGroup = route('GET /api/v2/groups/{group}', {
  id: 'get-group-by-id',
  tag,
  query: WithoutMembers,
  responses: { 200: Group },
})

export const updateGroup = route('PATCH /api/v2/groups/{group}', {
  id: 'update-group-by-name',
  tag,
  body: PatchGroupRequest,
  responses: { 200: Group },
})

export const deleteGroup = route('DELETE /api/v2/groups/{group}', {
  id: 'delete-group-by-name',
  tag,
  responses: { 200: Response },
})

export const listGroupMembers = route('GET /api/v2/groups/{group}/members', {
  id: 'get-group-members-by-group-id',
  tag,
  query: MembersPage,
  responses: { 200: GroupMembersResponse },
})

export const listOrganizationGroups = route('GET /api/v2/organizations/{organization}/groups', {
  id: 'get-groups-by-organization',
  tag,
  responses: { 200: Type.Array(Group) },
})

export const createGroup = route('POST /api/v2/organizations/{organization}/groups', {
  id: 'create-group-for-organization',
  tag,
  body: CreateGroupRequest,
  responses: { 201: Group },
})

export const getGroupByName = route('GET /api/v2/organizations/{organization}/groups/{groupName}', {
  id: 'get-group-by-organization-and-group-name',
  tag,
  query: WithoutMembers,
  responses: { 200: Group },
})

export const listGroupMembersByName = route(
  'GET /api/v2/organizations/{organization}/groups/{groupName}/members',
  {
    id: 'get-group-members-by-organization-and-group-name',
    tag,
    query: MembersPage,
    responses: { 200: GroupMembersResponse },
  },
)

export const listGroupsPaged = route('GET /api/v2/organizations/{organization}/paginated-groups', {
  id: 'get-groups-by-organization-paginated',
  tag,
  query: Type.Object({ q: Type.Optional(Type.String({ maxLength: 2048 })), ...Pagination }),
  responses: { 200: Type.Object({ count: Type.Integer(), groups: Type.Array(PaginatedGroup) }) },
})
