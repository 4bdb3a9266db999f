import type { CreateTemplateVersionDryRunRequest } from '@slipway/contract'
import { type Actor, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, notFound } from '../errors/index.ts'
import { type JobRow, queueJob, type Tags } from '../provisioning/index.ts'
import { requireName } from './names.ts'
import type { VersionRow } from './store/versions.ts'

/**
 * Queues a dry run of a version (WS-115): what a build with these values would make, without making it.
 *
 * @throws ApiError 404 for who may not create workspaces, 425 while the import runs, 400 for a bad name.
 */
export async function createDryRun(
  context: AppContext,
  actor: Actor,
  version: VersionRow,
  request: CreateTemplateVersionDryRunRequest,
): Promise<JobRow> {
  const own = { type: 'workspace', organization: version.organization_id, owner: actor.id } as const
  if (!isAllowed(actor, 'create', own)) throw notFound()
  if (version.job.completed_at === null) throw new ApiError(425, 'Template version job has not finished')
  const name = request.workspace_name ?? ''
  if (name !== '') requireName(name, 'workspace_name')
  const { job } = await context.database.transaction((tx) =>
    queueJob(tx, {
      organizationId: version.organization_id,
      initiatorId: actor.id,
      provisioner: version.job.provisioner,
      fileId: version.job.file_id,
      type: 'template_version_dry_run',
      input: {
        template_version_id: version.id,
        workspace_name: name === '' ? 'dryrun' : name,
        rich_parameter_values: request.rich_parameter_values ?? [],
        user_variable_values: request.user_variable_values ?? [],
      },
      tags: tagsOf(version.job.tags),
    }),
  )
  return job
}

/** Stored tags as texts. */
export function tagsOf(stored: unknown): Tags {
  return Object.fromEntries(Object.entries(recordOf(stored)).map(([key, value]) => [key, String(value)]))
}

/** A stored JSON object; empty when it is none. */
export function recordOf(stored: unknown): Readonly<Record<string, unknown>> {
  return typeof stored === 'object' && stored !== null && !Array.isArray(stored) ? { ...stored } : {}
}
