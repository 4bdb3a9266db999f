import * as contract from '@slipway/contract'
import { type Actor, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { ApiError, badRequest, forbidden, notFound } from '../errors/index.ts'
import {
  answerJobLogs,
  cancelJob,
  countMatching,
  getJob,
  JOB_LOG_FAULTS,
  type JobRow,
  presentJob,
  presentMatching,
  queuePlaces,
} from '../provisioning/index.ts'
import { listResources, presentResource } from '../resources/index.ts'
import { createDryRun, recordOf, tagsOf } from './create-dry-run.ts'
import { getVersion, type VersionRow } from './store/versions.ts'

const parts = systemActor('provisionerd', 'parts of a dry run that was read as the caller')
const daemons = systemActor('system_read_provisioner_daemons', 'where a dry run stands in the queue')

type Params = Readonly<Record<string, string>>

/** Trying a version out without building anything (WS-115). */
export function dryRunRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  const version = (actor: Actor, params: Params): Promise<VersionRow> =>
    getVersion(actor, db, params.templateversion ?? '')
  /** A dry run of this version, for those who may read (or change) workspaces of who asked for it. */
  const dryRun = async (
    actor: Actor,
    params: Params,
    action: 'read' | 'update' = 'read',
  ): Promise<JobRow> => {
    const row = await version(actor, params)
    const job = await getJob(parts, db, params.jobID ?? '')
    if (job.type !== 'template_version_dry_run' || recordOf(job.input).template_version_id !== row.id)
      throw forbidden('The job is no dry run of this template version.')
    const workspace = {
      type: 'workspace',
      organization: job.organization_id,
      owner: job.initiator_id,
    } as const
    if (!isAllowed(actor, action, workspace)) throw notFound()
    return job
  }
  const present = async (job: JobRow): Promise<contract.ProvisionerJob> =>
    presentJob(job, (await queuePlaces(daemons, db, [job.id])).get(job.id))
  return [
    forSession(contract.createDryRun, async ({ actor, params, body }) =>
      present(await createDryRun(context, actor, await version(actor, params), body)),
    ),
    forSession(contract.getDryRun, async ({ actor, params }) => present(await dryRun(actor, params))),
    forSession(
      contract.listDryRunLogs,
      async ({ actor, params, query, ...request }) =>
        answerJobLogs(context, (await dryRun(actor, params)).id, query, request),
      JOB_LOG_FAULTS,
    ),
    forSession(contract.listDryRunResources, async ({ actor, params }) => {
      const job = await dryRun(actor, params)
      if (job.completed_at === null) throw badRequest("Job hasn't completed!")
      return (await listResources(parts, db, [job.id])).map((resource) =>
        presentResource(resource, { wildcardHost: '', workspace: undefined }),
      )
    }),
    forSession(contract.getDryRunMatchedProvisioners, async ({ actor, params }) => {
      const job = await dryRun(actor, params)
      return presentMatching(
        await countMatching(daemons, db, {
          organizationId: job.organization_id,
          provisioner: job.provisioner,
          tags: tagsOf(job.tags),
        }),
      )
    }),
    forSession(contract.cancelDryRun, async ({ actor, params }) => {
      const job = await dryRun(actor, params, 'update')
      const { outcome } = await context.database.transaction((tx) => cancelJob(parts, tx, job.id))
      if (outcome === 'completed') throw badRequest('Job has already completed.')
      if (outcome === 'already canceled') throw badRequest('Job has already been marked as canceled.')
      return { message: 'Job has been marked as canceled.' }
    }),
    forSession(contract.listLegacySchema, async ({ actor, params }) => {
      await finished(await version(actor, params))
      return []
    }),
    forSession(contract.listLegacyParameters, async ({ actor, params }) => {
      await finished(await version(actor, params))
      return []
    }),
  ]
}

async function finished(row: VersionRow): Promise<void> {
  if (row.job.completed_at === null) throw new ApiError(425, 'Template version job has not finished')
}
