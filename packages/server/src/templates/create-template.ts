import type { CreateTemplateRequest } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, conflict, UNIQUE_DETAIL } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { requireName } from './names.ts'
import { settingsOfNewTemplate } from './settings.ts'
import { getTemplate, insertTemplate, type TemplateRow, templateNameTaken } from './store/templates.ts'
import { attachVersion, getVersion, type VersionRow } from './store/versions.ts'

/** Makes a template of a version that has none yet (WS-80). @throws ApiError in the order that WS-80 lists. */
export async function createTemplate(
  context: AppContext,
  actor: Actor,
  organizationId: string,
  request: CreateTemplateRequest,
): Promise<TemplateRow> {
  const db = context.database.db
  requireName(request.name)
  if (await templateNameTaken(actor, db, organizationId, request.name))
    throw conflict(`Template with name ${JSON.stringify(request.name)} already exists.`, {
      validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
    })
  const version = await versionOf(context, actor, organizationId, request.template_version_id)
  const settings = settingsOfNewTemplate(request)
  const id = await context.database.transaction(async (tx) => {
    const made = await insertTemplate(actor, tx, {
      ...settings,
      organizationId,
      name: request.name,
      provisioner: version.job.provisioner,
      activeVersionId: version.id,
      createdBy: actor.id,
      everyoneMayUse: request.disable_everyone_group_access !== true,
    })
    await attachVersion(actor, tx, version, made)
    return made
  })
  return getTemplate(actor, db, id)
}

async function versionOf(
  context: AppContext,
  actor: Actor,
  organizationId: string,
  id: string,
): Promise<VersionRow> {
  const version = isUuid(id)
    ? await getVersion(actor, context.database.db, id).catch((error: unknown) => {
        if (error instanceof ApiError && error.status === 404) return undefined
        throw error
      })
    : undefined
  if (version === undefined || version.organization_id !== organizationId)
    throw new ApiError(404, `Template version ${JSON.stringify(id)} does not exist.`, {
      validations: [{ field: 'template_version_id', detail: 'Template version does not exist' }],
    })
  if (version.archived)
    throw badRequest(`Template version ${version.id} is archived.`, {
      validations: [{ field: 'template_version_id', detail: 'Template version is archived' }],
    })
  if (version.template_id !== null)
    throw badRequest(`Template version ${version.id} is already part of a template`, {
      validations: [
        { field: 'template_version_id', detail: 'Template version is already part of a template' },
      ],
    })
  return version
}
