import type { AuthorizationCheck, Workspace } from '@slipway/contract'

/** What the viewer may do with one workspace beyond seeing it (UI-312). */
export interface WorkspacePermissions {
  /** Its settings, parameters and schedule. */
  readonly updateWorkspace: boolean
  /** Any version of its template, debug logs, and forgetting what a failed build left: all of them ask for the template. */
  readonly updateTemplate: boolean
}

export const NO_WORKSPACE_PERMISSIONS: WorkspacePermissions = {
  updateWorkspace: false,
  updateTemplate: false,
}

type Row = Pick<Workspace, 'id' | 'owner_id' | 'organization_id' | 'template_id'>
type Checks = Readonly<Record<string, AuthorizationCheck>>

/** The questions about the rows of a page, in as few requests as the server takes. */
export interface RowChecks {
  readonly requests: readonly Checks[]
  /** Which of the requests hold the questions about a row. */
  readonly requestsOf: (row: Row) => readonly number[]
  /** What the answers to all of those say about a row. */
  readonly read: (row: Row, answers: Readonly<Record<string, boolean>>) => WorkspacePermissions
}

/** So many questions about stored objects are taken in one request (RB-81). */
const MOST_STORED = 10

/**
 * What has to be asked about `rows` (UI-702). Roles alone decide about the viewer's own workspaces; those of others
 * may be shared, and templates may be lent, so that the stored object is asked about, each of them once. One request
 * is enough for a page of one's own workspaces from up to ten templates.
 */
export function rowChecks(rows: readonly Row[], viewerId: string): RowChecks {
  const requests: Record<string, AuthorizationCheck>[] = [{}]
  const requestOf = new Map<string, number>()
  let stored = 0
  for (const row of rows)
    for (const [key, check] of Object.entries(questionsOf(row, viewerId))) {
      if (requestOf.has(key)) continue
      if (check.object.resource_id !== undefined && ++stored > MOST_STORED) {
        requests.push({})
        stored = 1
      }
      const last = requests[requests.length - 1]
      if (last === undefined) continue
      last[key] = check
      requestOf.set(key, requests.length - 1)
    }
  const keysOf = (row: Row) => Object.keys(questionsOf(row, viewerId))
  return {
    requests,
    requestsOf: (row) => [...new Set(keysOf(row).flatMap((key) => requestOf.get(key) ?? []))],
    read: (row, answers) => ({
      updateWorkspace: answers[`${row.id}/updateWorkspace`] === true,
      updateTemplate: answers[`${row.template_id}/updateTemplate`] === true,
    }),
  }
}

function questionsOf(row: Row, viewerId: string): Checks {
  const object = {
    resource_type: 'workspace',
    owner_id: row.owner_id,
    organization_id: row.organization_id,
    ...(row.owner_id === viewerId ? {} : { resource_id: row.id }),
  }
  return {
    [`${row.template_id}/updateTemplate`]: {
      action: 'update',
      object: { resource_type: 'template', resource_id: row.template_id },
    },
    [`${row.id}/updateWorkspace`]: { action: 'update', object },
  }
}
