import { type Actor, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, forbidden } from '../errors/index.ts'
import { cancelJob } from '../provisioning/index.ts'
import { getTemplate } from '../templates/index.ts'
import type { BuildRow } from './store/builds.ts'
import { isBuildStuck } from './store/stuck-builds.ts'
import { workspaceObject } from './store/workspace-object.ts'
import { getWorkspace } from './store/workspaces.ts'

const system = systemActor('provisionerd', 'who may update the workspace may end its job')

/**
 * Asks a build to stop (WS-186). Who owns the workspace can always get out of a state that does not end by
 * itself (L-10…L-13): a build that nobody runs yet, or that does not get on, may be canceled whatever the
 * template says, and asking again after 30 s ends it even if its provisioner never answers (WS-317).
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
  if (
    !isAllowed(actor, 'update', workspaceObject(workspace)) ||
    (expected !== 'pending' && !(await mayCancelProgress(context, actor, build)))
  )
    throw forbidden('User is not allowed to cancel workspace builds. Owner role is required.', {
      detail: 'A build that does not get on may be canceled by everybody who may update the workspace.',
    })
  await context.database.transaction(async (tx) => {
    const { outcome, status } = await cancelJob(system, tx, build.job.id)
    if (outcome === 'completed') throw badRequest('Job has already completed!')
    if (outcome === 'already canceled')
      throw badRequest('Job has already been marked as canceled!', {
        detail: 'When it has not ended after 30 seconds, cancel it again: it is then ended by force.',
      })
    // Thrown inside the transaction, so that the mark is undone.
    if (expected !== undefined && status !== expected)
      throw new ApiError(412, 'Job is not in the expected state.')
  })
}

/** Whether the actor may stop a build that makes progress, or this one makes none. */
async function mayCancelProgress(context: AppContext, actor: Actor, build: BuildRow): Promise<boolean> {
  const db = context.database.db
  if (actor.roles.some((role) => role.name === 'owner' && role.organizationId === undefined)) return true
  const template = await getTemplate(system, db, build.template_id)
  return template.allow_user_cancel_workspace_jobs || (await isBuildStuck(system, db, build.id))
}
