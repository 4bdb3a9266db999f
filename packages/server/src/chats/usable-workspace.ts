import { type Actor, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { getWorkspace, workspaceObject } from '../workspaces/index.ts'

/**
 * A workspace that a chat may be bound to (CH-403): visible for the actor, who may also connect to it. What is missing
 * is not told.
 *
 * @param strange what is said of a workspace of another organization.
 * @throws ApiError 400.
 */
export async function usableWorkspace(
  context: AppContext,
  actor: Actor,
  id: string,
  organizationId: string,
  strange: string,
): Promise<string> {
  const refused = (message: string) =>
    badRequest(message, { validations: [{ field: 'workspace_id', detail: message }] })
  const workspace = await getWorkspace(actor, context.database.db, id).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  })
  if (workspace === undefined || workspace.deleted || !isAllowed(actor, 'ssh', workspaceObject(workspace)))
    throw refused('Workspace not found or you do not have access to this resource.')
  if (workspace.organization_id !== organizationId) throw refused(strange)
  return workspace.id
}
