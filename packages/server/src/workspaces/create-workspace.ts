import { randomUUID } from 'node:crypto'

import type { CreateWorkspaceRequest } from '@slipway/contract'
import { type Actor, isAllowed, type ResourceObject, systemActor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import {
  ApiError,
  badRequest,
  conflict,
  forbidden,
  UNIQUE_DETAIL,
  validationFailed,
} from '../errors/index.ts'
import { declaredProviders, type ExternalAuth, orFailed } from '../external-auth/index.ts'
import type { Matching } from '../provisioning/index.ts'
import {
  getTemplate,
  getVersion,
  holdTemplate,
  requireName,
  type TemplateRow,
  templateObject,
} from '../templates/index.ts'
import { checkSchedule } from './autostart.ts'
import { createBuild } from './create-build.ts'
import { insertWorkspace, newWorkspaceObject, workspaceNameTaken } from './store/workspace-changes.ts'
import { getWorkspace, type WorkspaceRow } from './store/workspaces.ts'
import { ttlFromMs } from './ttl.ts'

const HOLDER = systemActor('provisionerd', 'a template is kept for as long as a workspace of it is made')

/** What is special about a workspace that is made. */
export interface Making {
  /** The organization that the template must belong to, where the request names one. */
  readonly organizationId?: string
  /** Chosen by who has to find the workspace again after a crash. */
  readonly id?: string
  /** Called once it is sure that the actor may make it; what it throws ends the matter. */
  readonly onAllowed?: (object: ResourceObject) => Promise<void>
  /** Makes up the name once it is sure that the workspace may be made; the one of the request does not count. */
  readonly chooseName?: () => Promise<string>
  /** Stores what belongs to the workspace, in its transaction and before its first build. */
  readonly alongside?: (tx: Db, workspace: MadeWorkspace) => Promise<void>
}

/** A workspace that is being made. */
export interface MadeWorkspace {
  readonly id: string
  readonly name: string
  readonly ownerId: string
  readonly organizationId: string
}

/**
 * Makes a workspace and queues its first build (WS-130).
 *
 * @throws ApiError in the order that WS-130 lists.
 */
export async function createWorkspace(
  context: AppContext,
  external: ExternalAuth,
  actor: Actor,
  ownerId: string,
  request: CreateWorkspaceRequest,
  { organizationId, id = randomUUID(), onAllowed, chooseName, alongside }: Making = {},
): Promise<{ readonly workspace: WorkspaceRow; readonly matching: Matching }> {
  const db = context.database.db
  if (chooseName === undefined) requireName(request.name)
  const { template, versionId } = await templateOf(context, actor, request)
  if (organizationId !== undefined && organizationId !== template.organization_id)
    throw validationFailed([{ field: 'template_id', detail: 'belongs to another organization' }])
  const object = newWorkspaceObject(template.organization_id, ownerId)
  if (!isAllowed(actor, 'create', object))
    throw forbidden('Unauthorized to create workspace.', {
      detail: 'You do not have permission to create workspaces for this owner in this organization.',
    })
  await onAllowed?.(object)
  if (!isAllowed(actor, 'use', templateObject(template)))
    throw forbidden(`Unauthorized access to use the template ${JSON.stringify(template.name)}.`, {
      detail: 'Ask an administrator of the template for the role "use".',
    })
  if (template.deprecated !== '')
    throw badRequest(
      `Template ${JSON.stringify(template.name)} has been deprecated, and cannot be used to create a new workspace.`,
      { detail: template.deprecated },
    )
  await requireExternalAuth(context, external, ownerId, versionId)
  const schedule = checkSchedule(request.autostart_schedule)
  if (schedule !== null && !template.allow_user_autostart)
    throw badRequest('Autostart is not allowed for workspaces using this template.')
  const ttlNs =
    request.ttl_ms === undefined || request.ttl_ms === 0
      ? template.default_ttl === 0
        ? null
        : template.default_ttl
      : ttlFromMs(request.ttl_ms)
  const owner = { organizationId: template.organization_id, ownerId }
  const name = chooseName === undefined ? request.name : await chooseName()
  if (await workspaceNameTaken(actor, db, owner, name))
    throw conflict(`Workspace ${JSON.stringify(name)} already exists.`, {
      validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
    })
  const { matching } = await context.buildMetrics.enqueueing((attempt) =>
    context.database.transaction(
      async (tx) => {
        if (!(await holdTemplate(HOLDER, tx, template.id))) throw deleted(template)
        await insertWorkspace(actor, tx, {
          id,
          ownerId,
          organizationId: template.organization_id,
          templateId: template.id,
          name,
          autostartSchedule: schedule,
          ttlNs,
          automaticUpdates: request.automatic_updates ?? 'never',
        })
        await alongside?.(tx, { id, name, ...owner })
        return createBuild(
          context,
          actor,
          tx,
          {
            id,
            owner_id: ownerId,
            organization_id: template.organization_id,
            dormant_at: null,
            user_acl: {},
            group_acl: {},
            name,
            deleted: false,
            template_id: template.id,
            template_require_active_version: template.require_active_version,
            template_active_version_id: template.active_version_id,
            latest: undefined,
          },
          {
            transition: 'start',
            template_version_id: versionId,
            ...(request.rich_parameter_values === undefined
              ? {}
              : { rich_parameter_values: request.rich_parameter_values }),
            ...(request.template_version_preset_id === undefined
              ? {}
              : { template_version_preset_id: request.template_version_preset_id }),
          },
          attempt,
        )
      },
      { isolation: 'repeatable read', attempts: 5 },
    ),
  )
  return { workspace: await getWorkspace(actor, db, id), matching }
}

/**
 * What counts are the owner's own connections, whoever makes the workspace (WS-131).
 *
 * @throws ApiError 403 naming every provider that the owner must connect to first, 500 when one cannot be asked.
 */
async function requireExternalAuth(
  context: AppContext,
  external: ExternalAuth,
  ownerId: string,
  versionId: string,
): Promise<void> {
  const version = await getVersion(
    systemActor(
      'provisionerd',
      'the version that a workspace is made of says what its owner must connect to',
    ),
    context.database.db,
    versionId,
  )
  const required = declaredProviders(version.external_auth_providers).filter(({ optional }) => !optional)
  const missing = (
    await orFailed('Failed to check the external auth of the owner.', () =>
      external.requirements(ownerId, required),
    )
  ).filter(({ authenticated }) => !authenticated)
  if (missing.length > 0)
    throw forbidden('External authentication is required to create a workspace with this template.', {
      validations: missing.map(({ id }) => ({ field: 'external_auth', detail: id })),
    })
}

async function templateOf(
  context: AppContext,
  actor: Actor,
  request: CreateWorkspaceRequest,
): Promise<{ readonly template: TemplateRow; readonly versionId: string }> {
  const db = context.database.db
  if ((request.template_id === undefined) === (request.template_version_id === undefined))
    throw validationFailed([
      { field: 'template_id', detail: 'exactly one of template_id and template_version_id is required' },
    ])
  if (request.template_id !== undefined) {
    const template = await getTemplate(actor, db, request.template_id, { deletedToo: true }).catch(
      missing('template_id'),
    )
    if (template.deleted) throw deleted(template)
    return { template, versionId: template.active_version_id }
  }
  const version = await getVersion(actor, db, request.template_version_id ?? '').catch(
    missing('template_version_id'),
  )
  if (version.template_id === null) throw missingError('template_version_id')
  if (version.archived)
    throw badRequest('Archived template versions cannot be used to make a workspace.', {
      validations: [{ field: 'template_version_id', detail: 'is archived' }],
    })
  const template = await getTemplate(
    systemActor('provisionerd', 'the template of a version that was read as the caller'),
    db,
    version.template_id,
  )
  return { template, versionId: version.id }
}

function deleted(template: TemplateRow): ApiError {
  return new ApiError(404, `Template ${JSON.stringify(template.name)} has been deleted!`)
}

function missing(field: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof ApiError && error.status === 404) throw missingError(field)
    throw error
  }
}

function missingError(field: string): ApiError {
  return badRequest('Template does not exist.', {
    validations: [{ field, detail: 'does not exist, or you may not see it' }],
  })
}
