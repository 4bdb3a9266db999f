import {
  type Actor,
  accessListOf,
  isAllowed,
  PREBUILDS_USER,
  type ResourceObject,
} from '../../authz/index.ts'

/** The columns that decide who may do what with a workspace. */
export interface WorkspaceOwnership {
  readonly id: string
  readonly owner_id: string
  readonly organization_id: string
  readonly dormant_at: Date | null
  readonly user_acl: unknown
  readonly group_acl: unknown
}

/** What permissions speak of; a dormant workspace is a resource type of its own (WS-164). */
export function workspaceObject(row: WorkspaceOwnership): ResourceObject {
  return {
    type: row.dormant_at === null ? 'workspace' : 'workspace_dormant',
    id: row.id,
    owner: row.owner_id,
    organization: row.organization_id,
    userAcl: accessListOf(row.user_acl),
    groupAcl: accessListOf(row.group_acl),
  }
}

/** The permission that a transition needs (WS-170 row 2). */
export function transitionAction(
  transition: 'start' | 'stop' | 'delete',
  workspace: Pick<WorkspaceOwnership, 'dormant_at'>,
): 'start' | 'stop' | 'delete' | 'update' {
  return transition === 'start' && workspace.dormant_at !== null ? 'update' : transition
}

/**
 * Whether the actor may bring a workspace into another state. Those that nobody has claimed yet are also for who keeps
 * prebuilt workspaces in order, as far as changing and deleting them goes (RB-19).
 */
export function mayTransition(
  actor: Actor,
  transition: 'start' | 'stop' | 'delete',
  workspace: WorkspaceOwnership,
): boolean {
  const action = transitionAction(transition, workspace)
  const object = workspaceObject(workspace)
  if (isAllowed(actor, action, object)) return true
  if (workspace.owner_id !== PREBUILDS_USER || (action !== 'update' && action !== 'delete')) return false
  const { id, owner, organization } = object
  return isAllowed(actor, action, { type: 'prebuilt_workspace', id, owner, organization })
}
