import { recordEntry } from '../audit/index.ts'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { announceBuild } from './announce.ts'
import { findAuditedBuild } from './store/audited-builds.ts'

const actor = systemActor('provisionerd', 'a build that has ended is recorded for its initiator')

/** Writes the end of a build to the audit log, 200 when it succeeded and 500 else (RB-102), and tells whom it concerns. */
export async function recordBuild(context: AppContext, jobId: string, succeeded: boolean): Promise<void> {
  const found = await findAuditedBuild(actor, context.database.db, jobId)
  if (found === undefined) return
  const { build, initiator } = found
  await recordEntry(context, {
    type: 'workspace_build',
    action: build.transition,
    user: initiator,
    organizationId: found.organizationId,
    resourceId: build.id,
    target: '',
    icon: '',
    diff: {},
    status: succeeded ? 200 : 500,
    additionalFields: {
      workspace_name: found.workspaceName,
      build_number: String(build.build_number),
      build_reason: build.reason,
      workspace_owner: found.owner.username,
      workspace_id: build.workspace_id,
    },
    requestId: jobId,
    ip: undefined,
    userAgent: '',
  })
  await announceBuild(context, found, succeeded)
}
