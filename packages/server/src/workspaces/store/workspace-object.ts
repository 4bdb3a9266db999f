import { accessListOf, type ResourceObject } from '../../authz/index.ts'

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
