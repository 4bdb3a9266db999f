import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { announceAutoPaused, announceAutoUpdated, announceDormant } from './announce.ts'
import { createBuild, targetOf } from './create-build.ts'
import { type DueChange, dormancy, versionForAutostart } from './lifecycle.ts'
import { type AutomaticChange, recordAutomaticChange } from './record-automatic-change.ts'
import { tryLockWorkspace, updateWorkspace } from './store/workspace-changes.ts'
import { getWorkspace, type WorkspaceRow } from './store/workspaces.ts'

const actor = systemActor('autostart', 'workspaces start and stop when their time has come')

/** Rolls a transition back that no live provisioner could carry out: it is tried again at the next tick (WS-236). */
class NoProvisioner extends Error {}

/**
 * Makes a change of a workspace that nobody has asked for, records it and tells its owner. A lock for each workspace keeps
 * two replicas from doing the same. It never throws: one that fails must not stop the others, and somebody else's build in
 * between is no failure.
 *
 * @param dueOf what is to be done, by the workspace as it is once it is locked.
 * @param reason what the log says of it.
 */
export async function changeWorkspace(
  context: AppContext,
  id: string,
  dueOf: (row: WorkspaceRow) => DueChange | undefined,
  reason: string,
): Promise<void> {
  const { database, log, clock } = context
  let tried: AutomaticChange | undefined
  try {
    const done = await context.buildMetrics.enqueueing((attempt) =>
      database.transaction(
        async (tx): Promise<AutomaticChange | undefined> => {
          if (!(await tryLockWorkspace(actor, tx, id))) return undefined
          const row = await getWorkspace(actor, tx, id)
          const due = dueOf(row)
          if (due === undefined) return undefined
          tried = { before: row, due }
          if (due.dormant) await updateWorkspace(actor, tx, row, dormancy(row, clock.now()))
          if (due.build === undefined) return { ...tried, after: await getWorkspace(actor, tx, id) }
          const { matching } = await createBuild(
            context,
            actor,
            tx,
            targetOf(row),
            {
              ...due.build,
              initiatorId: row.owner_id,
              ...(due.build.transition === 'start' ? versionForAutostart(row) : {}),
            },
            attempt,
          )
          if (matching.available === 0) throw new NoProvisioner()
          log.info(reason, { workspace_id: id, ...due.build })
          return { ...tried, after: await getWorkspace(actor, tx, id) }
        },
        { isolation: 'repeatable read' },
      ),
    )
    if (done === undefined) return
    await recordAutomaticChange(context, done)
    await announce(context, done)
  } catch (error) {
    if (error instanceof NoProvisioner || (error instanceof ApiError && error.status === 409)) return
    log.warn('a workspace could not be changed in its time', {
      workspace_id: id,
      error: describeError(error),
    })
    await recordFailure(context, tried)
  }
}

async function announce(context: AppContext, { before, after, due }: AutomaticChange): Promise<void> {
  if (due.dormant === true) await announceDormant(context, before)
  if (due.build?.reason === 'task_auto_pause') await announceAutoPaused(context, before)
  if (
    after !== undefined &&
    due.build?.transition === 'start' &&
    after.template_version_id !== before.template_version_id
  )
    await announceAutoUpdated(context, after)
}

async function recordFailure(context: AppContext, tried: AutomaticChange | undefined): Promise<void> {
  if (tried === undefined) return
  try {
    await recordAutomaticChange(context, tried)
  } catch (error) {
    context.log.warn('a change that failed could not be recorded', { error: describeError(error) })
  }
}
