import type { SharedWorkspaceActor } from '@slipway/contract'
import { type AccessList, accessListOf, aclRoleOf, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { isUuid } from '../search/index.ts'
import { listSharedNames } from './store/shared-with.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

const reader = systemActor('provisionerd', 'names of those who share a workspace that was read as the caller')

/**
 * With whom each workspace is shared (WS-142): one statement more, whatever their number, and none while nothing is
 * shared. Where the deployment does not share workspaces, lists say nothing (RB-25).
 */
export async function sharedWith(
  context: AppContext,
  rows: readonly WorkspaceRow[],
): Promise<(row: WorkspaceRow) => SharedWorkspaceActor[]> {
  if (context.config.disableWorkspaceSharing) return () => []
  const lists = new Map(
    rows.map((row) => [row.id, { user: accessListOf(row.user_acl), group: accessListOf(row.group_acl) }]),
  )
  const ids = (kind: 'user' | 'group'): string[] => [
    ...new Set([...lists.values()].flatMap((list) => Object.keys(list[kind]).filter(isUuid))),
  ]
  const [users, groups] = [ids('user'), ids('group')]
  if (users.length + groups.length === 0) return () => []
  const names = await listSharedNames(reader, context.database.db, users, groups)
  return (row) =>
    names.flatMap(({ kind, id, name, avatar_url }) => {
      const list: AccessList = lists.get(row.id)?.[kind] ?? {}
      const actions = list[id]
      if (actions === undefined) return []
      const role = aclRoleOf('workspace', actions)
      const known = role === 'admin' || role === 'use' ? role : ''
      return [{ actor_type: kind, id, name, avatar_url, roles: [known] }]
    })
}
