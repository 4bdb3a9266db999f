import { recordEntry } from '../audit/index.ts'
import { PREBUILDS_USER, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { announceBuild } from './announce.ts'
import { type EndedBuild, findAuditedBuild } from './store/audited-builds.ts'

const actor = systemActor('provisionerd', 'a build that has ended is recorded for its initiator')

/**
 * Counts a build that has ended, writes that to the audit log, 200 when it succeeded and 500 else (RB-102), and tells whom
 * it concerns.
 */
export async function recordBuild(context: AppContext, jobId: string, succeeded: boolean): Promise<void> {
  const found = await findAuditedBuild(actor, context.database.db, jobId)
  if (found === undefined) return
  const { build, initiator } = found
  count(context, found, succeeded)
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

function count({ buildMetrics }: AppContext, found: EndedBuild, succeeded: boolean): void {
  const { createdAt, startedAt, completedAt } = found
  const since = (time: Date | null): number | undefined =>
    time === null || completedAt === null ? undefined : (completedAt.getTime() - time.getTime()) / 1_000
  buildMetrics.ended({
    ownerName: found.owner.username,
    workspaceName: found.workspaceName,
    organizationName: found.organizationName,
    templateName: found.templateName,
    versionName: found.versionName,
    presetName: found.presetName,
    transition: found.build.transition,
    succeeded,
    seconds: since(startedAt),
    creationSeconds: found.isFirstStart ? since(createdAt) : undefined,
    isPrebuild: found.initiator.id === PREBUILDS_USER,
  })
}
