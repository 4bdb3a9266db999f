import { randomUUID } from 'node:crypto'

import type { CreateWorkspaceBuildRequest } from '@slipway/contract'
import { type Actor, isAllowed, PREBUILDS_USER, systemActor } from '../authz/index.ts'
import type { BuildAttempt } from '../build-metrics/index.ts'
import type { AppContext, Db } from '../context.ts'
import { ApiError, badRequest, conflict, forbidden, notFound } from '../errors/index.ts'
import { type Matching, normalizeTags, queueJob, resolveParameters } from '../provisioning/index.ts'
import { deleteAgentsOfOtherBuilds } from '../resources/index.ts'
import {
  getTemplate,
  getVersion,
  listParameters,
  listPresets,
  presetValues,
  templateObject,
  type VersionRow,
  versionObject,
} from '../templates/index.ts'
import { requireMayFollow, requireQueueable } from './on-success.ts'
import { completeOrphan } from './orphan.ts'
import { choosePreset } from './presets.ts'
import { BUILD_ACTIVE_MESSAGE, type BuildRow, insertBuild, listBuildParameters } from './store/builds.ts'
import { insertFollowUp } from './store/follow-ups.ts'
import { mayTransition, type WorkspaceOwnership, workspaceObject } from './store/workspace-object.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

const parts = systemActor(
  'provisionerd',
  'parts of a version and of earlier builds that the caller need not see',
)

/** What is asked of a build. */
export type BuildRequest = Pick<
  CreateWorkspaceBuildRequest,
  | 'transition'
  | 'template_version_id'
  | 'rich_parameter_values'
  | 'template_version_preset_id'
  | 'orphan'
  | 'log_level'
  | 'dry_run'
  | 'on_success'
> & {
  readonly reason?: BuildRow['reason'] | undefined
  /** Whom the build is done for, when that is not who asks (WS-238). */
  readonly initiatorId?: string | undefined
  /** Raw provisioner state that replaces the stored one. */
  readonly state?: Buffer | undefined
}

/** The workspace that a build is for. */
export interface BuildTarget extends WorkspaceOwnership {
  readonly name: string
  readonly deleted: boolean
  readonly template_id: string
  readonly template_require_active_version: boolean
  readonly template_active_version_id: string
  /** The latest build; undefined for the first one. */
  readonly latest:
    | {
        readonly id: string
        readonly number: number
        readonly versionId: string
        /** Its job has not ended. */
        readonly active: boolean
      }
    | undefined
}

/** A build that was queued. */
export interface MadeBuild {
  readonly id: string
  readonly matching: Matching
}

/**
 * Queues a build of a workspace, checking in the order of WS-170. Runs in the caller's transaction, so that
 * nothing half-made stays behind; workers hear of the job after the commit.
 *
 * @param attempt hears that a build was queued; it counts once the transaction has ended.
 * @throws ApiError as WS-170 lists.
 */
export async function createBuild(
  context: AppContext,
  actor: Actor,
  tx: Db,
  workspace: BuildTarget,
  request: BuildRequest,
  attempt: BuildAttempt,
): Promise<MadeBuild> {
  attempt.queued = undefined
  requireQueueable(request)
  requireSupported(request)
  if (workspace.deleted && request.transition !== 'delete')
    throw conflict('Cannot start a deleted workspace!')
  requirePermission(actor, workspace, request.transition)
  await requireExtras(context, actor, tx, workspace, request)
  if (request.on_success !== undefined) await requireMayFollow(actor, tx, workspace, request.on_success)
  const version = await usableVersion(tx, workspace, request)
  if (workspace.latest?.active === true) throw conflict(BUILD_ACTIVE_MESSAGE)
  const { values, presetId } = await parametersOf(tx, workspace, version, request)
  if (
    request.transition === 'start' &&
    workspace.template_require_active_version &&
    version.id !== workspace.template_active_version_id &&
    !isAllowed(actor, 'update', versionObject(version))
  )
    throw forbidden('The template requires its active version: update the workspace.')
  if (request.on_success !== undefined) await requireUsable(tx, workspace, request.on_success)

  const id = randomUUID()
  const initiatorId = request.initiatorId ?? actor.id
  const reason = request.reason ?? 'initiator'
  const { job, matching } = await queueJob(
    tx,
    {
      organizationId: workspace.organization_id,
      initiatorId,
      provisioner: version.job.provisioner,
      fileId: version.job.file_id,
      type: 'workspace_build',
      input: {
        workspace_build_id: id,
        ...(request.orphan === true ? { orphan: true } : {}),
        ...(request.log_level === undefined ? {} : { log_level: request.log_level }),
      },
      tags: normalizeTags(tagsOf(version.job.tags), workspace.owner_id),
    },
    { mayWait: request.transition === 'delete' },
  )
  attempt.queued = {
    provisioner: job.provisioner,
    reason,
    transition: request.transition,
    isPrebuild: initiatorId === PREBUILDS_USER,
    isImpossible: job.completed_at !== null,
  }
  await insertBuild(actor, tx, workspace, {
    id,
    workspaceId: workspace.id,
    templateVersionId: version.id,
    buildNumber: (workspace.latest?.number ?? 0) + 1,
    transition: request.transition,
    initiatorId,
    jobId: job.id,
    reason,
    presetId,
    state:
      request.orphan === true
        ? null
        : request.state === undefined
          ? undefined
          : context.secrets.sealer.seal(request.state, statePurpose(workspace.id)),
    parameters: values,
  })
  if (request.on_success !== undefined)
    await insertFollowUp(actor, tx, workspace, {
      parentBuildId: id,
      versionId: request.on_success.template_version_id,
      presetId: request.on_success.template_version_preset_id,
      parameters: request.on_success.rich_parameter_values ?? [],
    })
  if (request.orphan === true && matching.available === 0) {
    await completeOrphan(tx, job, workspace.id)
    await deleteAgentsOfOtherBuilds(parts, tx, workspace.id, undefined)
  }
  return { id, matching }
}

/** The workspace as {@link createBuild} needs it. */
export function targetOf(row: WorkspaceRow): BuildTarget {
  return {
    id: row.id,
    owner_id: row.owner_id,
    organization_id: row.organization_id,
    dormant_at: row.dormant_at,
    user_acl: row.user_acl,
    group_acl: row.group_acl,
    name: row.name,
    deleted: row.deleted,
    template_id: row.template_id,
    template_require_active_version: row.template_require_active_version,
    template_active_version_id: row.template_active_version_id,
    latest: {
      id: row.build_id,
      number: row.build_number,
      versionId: row.template_version_id,
      active: row.job.completed_at === null,
    },
  }
}

/** Binds a sealed state to its workspace. */
export function statePurpose(workspaceId: string): string {
  return `provisioner state of ${workspaceId}`
}

/** A dry run must never start a real build (WS-302). */
function requireSupported(request: BuildRequest): void {
  if (request.dry_run === true)
    throw badRequest('Workspace builds with dry_run are not supported.', {
      detail: 'Try the template version out with its dry-run route; nothing was built.',
      validations: [{ field: 'dry_run', detail: 'is not supported' }],
    })
}

/** What could not follow as things are is told before anything stops. @throws ApiError 400, 406. */
async function requireUsable(
  tx: Db,
  workspace: BuildTarget,
  next: NonNullable<BuildRequest['on_success']>,
): Promise<void> {
  const wanted = next.template_version_id ?? workspace.template_active_version_id
  const request = { ...next, template_version_id: wanted }
  await parametersOf(tx, workspace, await usableVersion(tx, workspace, request), request)
}

function requirePermission(actor: Actor, workspace: BuildTarget, transition: BuildRow['transition']): void {
  if (mayTransition(actor, transition, workspace)) return
  if (!isAllowed(actor, 'read', workspaceObject(workspace))) throw notFound()
  throw forbidden(`You do not have permission to ${transition} this workspace.`, { detail: undefined })
}

async function requireExtras(
  context: AppContext,
  actor: Actor,
  tx: Db,
  workspace: BuildTarget,
  request: BuildRequest,
): Promise<void> {
  if (request.orphan === true && request.transition !== 'delete')
    throw badRequest('Orphan is only permitted when deleting a workspace.')
  if (request.orphan === true && request.state !== undefined)
    throw badRequest('Only one of orphan and state may be given.')
  if (request.orphan === true || request.state !== undefined) {
    const template = await getTemplate(parts, tx, workspace.template_id, { deletedToo: true })
    if (!isAllowed(actor, 'update', templateObject(template)))
      throw forbidden('Only template managers may provide custom state')
  }
  if (request.log_level === undefined) return
  if (!isAllowed(actor, 'read', { type: 'deployment_config' }))
    throw badRequest('Workspace builds with a custom log level are restricted to administrators only.')
  if (!context.config.enableTerraformDebugMode)
    throw badRequest('Terraform debug mode is disabled in the deployment configuration.')
}

async function versionOf(tx: Db, workspace: BuildTarget, request: BuildRequest): Promise<VersionRow> {
  const id =
    request.template_version_id ?? workspace.latest?.versionId ?? workspace.template_active_version_id
  try {
    return await getVersion(parts, tx, id)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404)
      throw badRequest('template version does not exist', {
        validations: [{ field: 'template_version_id', detail: 'template version does not exist' }],
      })
    throw error
  }
}

async function usableVersion(tx: Db, workspace: BuildTarget, request: BuildRequest): Promise<VersionRow> {
  const version = await versionOf(tx, workspace, request)
  if (version.template_id !== workspace.template_id)
    throw badRequest("template version doesn't match template", {
      validations: [{ field: 'template_version_id', detail: 'belongs to another template' }],
    })
  switch (version.job.job_status) {
    case 'pending':
    case 'running':
    case 'canceling':
      throw new ApiError(
        406,
        `The provided template version is ${version.job.job_status}. Wait for it to complete importing!`,
      )
    case 'failed':
      throw badRequest(
        `The provided template version ${JSON.stringify(version.name)} has failed to import: ${JSON.stringify(version.job.error ?? '')}. You cannot build workspaces with it!`,
      )
    case 'canceled':
      throw badRequest(
        'The provided template version was canceled during import. You cannot build workspaces with it!',
      )
    case 'succeeded':
      return version
  }
}

async function parametersOf(
  tx: Db,
  workspace: BuildTarget,
  version: VersionRow,
  request: BuildRequest,
): Promise<{
  readonly values: readonly { readonly name: string; readonly value: string }[]
  readonly presetId: string | null
}> {
  const presets = await listPresets(parts, tx, version.id)
  const given = request.rich_parameter_values ?? []
  const preset = choosePreset(presets, request.template_version_preset_id, given)
  const previous =
    workspace.latest === undefined ? [] : await listBuildParameters(parts, tx, workspace.latest.id)
  const { values, faults } = resolveParameters(await listParameters(parts, tx, version.id), {
    preset: preset === undefined ? [] : presetValues(preset.parameters),
    given,
    previous,
    firstBuild: workspace.latest === undefined,
  })
  // A stop or a delete must work whatever the template says about its parameters by now (L-12).
  if (faults.length > 0 && request.transition === 'start')
    throw badRequest('Unable to validate parameters', {
      validations: faults.map(({ name, detail }) => ({ field: name, detail })),
    })
  return { values, presetId: (preset ?? choosePreset(presets, undefined, values))?.id ?? null }
}

function tagsOf(stored: unknown): Record<string, string> {
  return typeof stored === 'object' && stored !== null
    ? Object.fromEntries(Object.entries(stored).map(([key, value]) => [key, String(value)]))
    : {}
}
