import { type Actor, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, forbidden, notFound } from '../errors/index.ts'
import { cancelJob } from '../provisioning/index.ts'
import { getTemplate } from '../templates/index.ts'
import type { BuildRow } from './store/builds.ts'
import { workspaceObject } from './store/workspace-object.ts'
import { getWorkspace } from './store/workspaces.ts'

/**
 * Asks a build to stop (WS-186). Who owns the workspace can always get out of a state that does not end by
 * itself: a build that nobody runs yet may be canceled whatever the template says (L-10…L-13).
 *
 * @throws ApiError 400, 403, 404 or 412 as WS-186 lists.
 */
export async function cancelBuild(
  context: AppContext,
  actor: Actor,
  build: BuildRow,
  expected: 'running' | 'pending' | undefined,
): Promise<void> {
  const db = context.database.db
  const workspace = await getWorkspace(actor, db, build.workspace_id)
  if (!isAllowed(actor, 'update', workspaceObject(workspace))) throw notFound()
  const template = await getTemplate(systemActor('provisionerd'), db, build.template_id)
  const isOwnerRole = actor.roles.some((role) => role.name === 'owner' && role.organizationId === undefined)
  if (!template.allow_user_cancel_workspace_jobs && !isOwnerRole && expected !== 'pending')
    throw forbidden('User is not allowed to cancel workspace builds. Owner role is required.', {
      detail: undefined,
    })
  await context.database.transaction(async (tx) => {
    const { outcome, status } = await cancelJob(systemActor('provisionerd'), tx, build.job.id)
    if (outcome === 'completed') throw badRequest('Job has already completed!')
    if (outcome === 'already canceled') throw badRequest('Job has already been marked as canceled!')
    // Thrown inside the transaction, so that the mark is undone.
    if (expected !== undefined && status !== expected)
      throw new ApiError(412, 'Job is not in the expected state.')
  })
}
