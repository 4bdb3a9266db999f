import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { resolveParameters } from '../provisioning/index.ts'
import { listParameters } from '../templates/index.ts'
import { versionForAutostart } from './lifecycle.ts'
import { listBuildParameters } from './store/builds.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

const parts = systemActor('provisionerd', 'parts of a build that was read as the caller')

/** Whether the next start by the schedule would move to a newer version that refuses the present values (WS-167). */
export async function mismatchesAtAutostart(context: AppContext, workspace: WorkspaceRow): Promise<boolean> {
  const { template_version_id: versionId } = versionForAutostart(workspace)
  if (versionId === undefined || versionId === workspace.template_version_id) return false
  const { db } = context.database
  const { faults } = resolveParameters(await listParameters(parts, db, versionId), {
    preset: [],
    given: [],
    previous: await listBuildParameters(parts, db, workspace.build_id),
    firstBuild: false,
  })
  return faults.length > 0
}
