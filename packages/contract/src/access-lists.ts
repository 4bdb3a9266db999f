import { type Static, Type } from 'typebox'

import { Pagination, Response, Uuid } from './common.ts'
import { Group, ReducedUser } from './groups.ts'
import { route } from './route.ts'
import { User } from './users.ts'
import { WorkspaceRole } from './workspaces.ts'

/** Empty for stored actions that are those of no role (RB-55). */
export const TemplateRole = Type.Enum(['admin', 'use', ''])
export type TemplateRole = Static<typeof TemplateRole>

/**
 * Roles by the id of a user or group; an empty role removes the entry (RB-54). Any text is taken here, because the
 * answer to one that is no role names the list that it is in.
 */
const Roles = Type.Optional(Type.Record(Type.String(), Type.String(), { maxProperties: 1000 }))

/** A user whom a template is open to. Who may not read the user gets no address. */
export const TemplateUser = Type.Object({ ...User.properties, role: TemplateRole })
export type TemplateUser = Static<typeof TemplateUser>

export const TemplateGroup = Type.Object({ ...Group.properties, role: TemplateRole })
export type TemplateGroup = Static<typeof TemplateGroup>

export const TemplateACL = Type.Object({
  group: Type.Array(TemplateGroup),
  users: Type.Array(TemplateUser),
})
export type TemplateACL = Static<typeof TemplateACL>

export const UpdateTemplateACL = Type.Object({ group_perms: Roles, user_perms: Roles })

/** Whom a template can be opened to: groups without their members. */
export const ACLAvailable = Type.Object({ groups: Type.Array(Group), users: Type.Array(ReducedUser) })
export type ACLAvailable = Static<typeof ACLAvailable>

/** A user as the access list of a workspace shows it: nothing private is in it (RB-56). */
export const WorkspaceUser = Type.Object({
  avatar_url: Type.String(),
  id: Uuid,
  name: Type.String(),
  role: WorkspaceRole,
  username: Type.String(),
})
export type WorkspaceUser = Static<typeof WorkspaceUser>

/** A group with the number of its members and none of them (RB-56). */
export const WorkspaceGroup = Type.Object({ ...Group.properties, role: WorkspaceRole })
export type WorkspaceGroup = Static<typeof WorkspaceGroup>

export const WorkspaceACL = Type.Object({
  group: Type.Array(WorkspaceGroup),
  users: Type.Array(WorkspaceUser),
})
export type WorkspaceACL = Static<typeof WorkspaceACL>

export const UpdateWorkspaceACL = Type.Object({ group_roles: Roles, user_roles: Roles })

/** Credits a day that the workspaces of a user cost in an organization, and that they may cost (WS-64). */
export const WorkspaceQuota = Type.Object({ budget: Type.Integer(), credits_consumed: Type.Integer() })
export type WorkspaceQuota = Static<typeof WorkspaceQuota>

export const getTemplateAcl = route('GET /api/v2/templates/{template}/acl', {
  id: 'get-template-acls',
  tag: 'Templates',
  responses: { 200: TemplateACL },
})

export const updateTemplateAcl = route('PATCH /api/v2/templates/{template}/acl', {
  id: 'update-template-acl',
  tag: 'Templates',
  body: UpdateTemplateACL,
  responses: { 200: Response },
})

/** An object, as clients of the reference read it; its OpenAPI document says a list (decision 20). */
export const getTemplateAclAvailable = route('GET /api/v2/templates/{template}/acl/available', {
  id: 'get-template-available-acl-usersgroups',
  tag: 'Templates',
  query: Type.Object({ q: Type.Optional(Type.String({ maxLength: 2048 })), ...Pagination }),
  responses: { 200: ACLAvailable },
})

export const getWorkspaceAcl = route('GET /api/v2/workspaces/{workspace}/acl', {
  id: 'get-workspace-acls',
  tag: 'Workspaces',
  responses: { 200: WorkspaceACL },
})

export const updateWorkspaceAcl = route('PATCH /api/v2/workspaces/{workspace}/acl', {
  id: 'update-workspace-acl',
  tag: 'Workspaces',
  body: UpdateWorkspaceACL,
  responses: { 204: null },
})

export const deleteWorkspaceAcl = route('DELETE /api/v2/workspaces/{workspace}/acl', {
  id: 'completely-clears-the-workspaces-user-and-group-acls',
  tag: 'Workspaces',
  responses: { 204: null },
})

export const getWorkspaceQuota = route(
  'GET /api/v2/organizations/{organization}/members/{user}/workspace-quota',
  { id: 'get-workspace-quota-by-user', tag: 'Workspaces', responses: { 200: WorkspaceQuota } },
)

export const getDefaultWorkspaceQuota = route('GET /api/v2/workspace-quota/{user}', {
  id: 'get-workspace-quota-by-user-deprecated',
  tag: 'Workspaces',
  responses: { 200: WorkspaceQuota },
})
