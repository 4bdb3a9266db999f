import { hostname } from 'node:os'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import type { Engine, JobRow } from '../provisioning/index.ts'
import { isOnlyMachine } from '../replicas/index.ts'
import { changeWorkspace } from './change-workspace.ts'
import { statePurpose } from './create-build.ts'
import { type DueChange, dueChange } from './lifecycle.ts'
import { type AwayWorkspace, listAwayWorkspaces } from './store/away-workspaces.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

const PAUSE_MS = 30_000

const actor = systemActor('provisionerd', 'what should run is compared with what this machine runs')

/**
 * Starts workspaces again that ran on this machine and of which nothing is left, as after a restart of the machine (L-16):
 * at the start of the server, and every half a minute. With replicas on other machines, which might take the build and
 * have another home folder, the workspace is left to its owner, whom its health tells.
 */
export function revivalJob(
  context: AppContext,
  engines: ReadonlyMap<JobRow['provisioner'], Engine>,
): PeriodicJob {
  /** Builds whose loss the log has told. */
  let told: ReadonlySet<string> = new Set()
  return new PeriodicJob(context, {
    service: 'lifecycle-executor',
    pauseMs: PAUSE_MS,
    failure: 'workspaces that this machine has lost could not be looked for',
    async round(closing) {
      const { database, log } = context
      const gone: AwayWorkspace[] = []
      for (const away of await listAwayWorkspaces(actor, database.db)) {
        closing.throwIfAborted()
        if (await isGone(context, engines, away)) gone.push(away)
      }
      if (gone.length === 0) return
      if (await isOnlyMachine(actor, database.db, hostname())) {
        for (const { id, build_id: lost } of gone)
          await changeWorkspace(
            context,
            id,
            (row) => startAgain(row, lost, context.clock.now()),
            'a workspace starts again because nothing of it runs any more',
          )
        return
      }
      for (const { id, build_id: lost } of gone)
        if (!told.has(lost))
          log.warn('nothing of a workspace runs any more: its owner can restart it', { workspace_id: id })
      told = new Set(gone.map((one) => one.build_id))
    },
  })
}

async function isGone(
  context: AppContext,
  engines: ReadonlyMap<JobRow['provisioner'], Engine>,
  { id, provisioner, provisioner_state: sealed }: AwayWorkspace,
): Promise<boolean> {
  const engine = engines.get(provisioner)
  if (engine === undefined) return false
  try {
    return await engine.isGone(id, context.secrets.sealer.open(sealed, statePurpose(id)))
  } catch (error) {
    // The next build says it to whom it concerns; the others must not wait for that.
    context.log.debug('what runs of a workspace cannot be told', {
      workspace_id: id,
      error: describeError(error),
    })
    return false
  }
}

/** A start, unless somebody has built it meanwhile, or its time is over: then it is stopped as it would be else. */
function startAgain(row: WorkspaceRow, lostBuild: string, now: Date): DueChange | undefined {
  if (row.build_id !== lostBuild || row.deleted || row.dormant_at !== null) return undefined
  return dueChange(row, now) === undefined
    ? { build: { transition: 'start', reason: 'autostart' } }
    : undefined
}
