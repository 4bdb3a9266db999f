import type { WorkspaceACL } from '@slipway/contract'
import { type Actor, accessListOf, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, notFound } from '../errors/index.ts'
import { listGroupsByIds, presentGroup } from '../groups/index.ts'
import { type WorkspaceRow, workspaceObject } from '../workspaces/index.ts'
import { changeLists } from './change-lists.ts'
import { type AccessChange, type GivenRoles, readAccessChange, shownRole } from './read-change.ts'
import { type HeldWorkspace, holdWorkspaceLists, listUsersByIds, storeWorkspaceLists } from './store.ts'

/**
 * With whom a workspace is shared: names of users and numbers of members, and nothing private (RB-56, L-S8). While the
 * deployment does not share workspaces it is shared with nobody (RB-25).
 *
 * @throws ApiError 404 for a deleted workspace, 403 without `workspace:read`.
 */
export async function workspaceLists(
  context: AppContext,
  actor: Actor,
  workspace: WorkspaceRow,
): Promise<WorkspaceACL> {
  if (workspace.deleted) throw notFound()
  const { db } = context.database
  const off = context.config.disableWorkspaceSharing
  const users = off ? {} : accessListOf(workspace.user_acl)
  const groups = off ? {} : accessListOf(workspace.group_acl)
  const guard = { action: 'read' as const, object: workspaceObject(workspace) }
  const userRows = await listUsersByIds(actor, db, guard, Object.keys(users))
  const groupRows = await listGroupsByIds(actor, db, guard, Object.keys(groups))
  return {
    users: userRows.map((row) => ({
      id: row.id,
      username: row.username,
      name: row.name,
      avatar_url: row.avatar_url,
      role: shownRole('workspace', users[row.id]),
    })),
    group: groupRows.map((row) => ({
      ...presentGroup(row, []),
      role: shownRole('workspace', groups[row.id]),
    })),
  }
}

/** A workspace before and after its lists were changed. */
export interface WorkspaceListsChange {
  readonly before: HeldWorkspace['row']
  readonly after: HeldWorkspace['row']
}

/**
 * Changes the entries of a workspace's lists that are named, and no others (RB-54, RB-57, WS-169).
 *
 * @throws ApiError 404, 403 where workspaces are not shared or without `workspace:share`, 400 for one's own entry and
 * with one validation for each fault.
 */
export async function changeWorkspaceLists(
  context: AppContext,
  actor: Actor,
  id: string,
  given: {
    readonly user_roles?: Readonly<Record<string, string>> | undefined
    readonly group_roles?: Readonly<Record<string, string>> | undefined
  },
): Promise<WorkspaceListsChange> {
  const fields: GivenRoles = {
    users: { field: 'user_roles', roles: given.user_roles },
    groups: { field: 'group_roles', roles: given.group_roles },
  }
  const change = readAccessChange('workspace', fields)
  return context.database.transaction(async (tx) => {
    const held = await holdWorkspaceLists(actor, tx, id)
    requireSharing(context, held)
    refuseOwnEntry(actor, held, change)
    const guard = { action: 'share' as const, object: workspaceObject(held.row) }
    const changed = await changeLists(actor, tx, { kind: 'workspace', guard, fields }, held.lists, change)
    if (!changed.ok)
      throw badRequest('Invalid request to update workspace ACL', { validations: changed.faults })
    return { before: held.row, after: await storeWorkspaceLists(actor, tx, held, changed.lists) }
  })
}

/** Shares a workspace with nobody any more. @throws ApiError 404, 403 as {@link changeWorkspaceLists}. */
export async function clearWorkspaceLists(
  context: AppContext,
  actor: Actor,
  id: string,
): Promise<WorkspaceListsChange> {
  return context.database.transaction(async (tx) => {
    const held = await holdWorkspaceLists(actor, tx, id)
    requireSharing(context, held)
    const after = await storeWorkspaceLists(actor, tx, held, { users: {}, groups: {} })
    return { before: held.row, after }
  })
}

/** RB-21, RB-25, RB-57. @throws ApiError 403. */
function requireSharing(context: AppContext, held: HeldWorkspace): void {
  if (context.config.disableWorkspaceSharing)
    throw new ApiError(403, 'Workspace sharing is disabled for this deployment.', {
      detail: 'An administrator can allow it by removing --disable-workspace-sharing.',
    })
  const message = 'Workspace sharing is disabled for this organization.'
  switch (held.sharing) {
    case 'everyone':
      return
    case 'none':
      throw new ApiError(403, message)
    case 'service_accounts':
      if (!held.ownerIsServiceAccount)
        throw new ApiError(403, message, {
          detail: 'Only workspaces of service accounts can be shared in it.',
        })
  }
}

/** RB-57. @throws ApiError 400 for one's own entry, unless every workspace of the organization is theirs to share. */
function refuseOwnEntry(actor: Actor, { row }: HeldWorkspace, change: AccessChange): void {
  if (!change.users.has(actor.id)) return
  if (isAllowed(actor, 'share', { type: 'workspace', id: row.id, organization: row.organization_id })) return
  throw badRequest('You cannot change your own workspace sharing role.')
}
