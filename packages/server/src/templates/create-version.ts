import type { CreateTemplateVersionRequest } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { getFile } from '../files/index.ts'
import { type Matching, normalizeTags, queueJob } from '../provisioning/index.ts'
import { storeExample } from './examples.ts'
import { randomVersionName, requireVersionName } from './names.ts'
import { getTemplate, templateObject } from './store/templates.ts'
import { getVersion, insertVersion, type VersionRow } from './store/versions.ts'

/** Longest number behind a random name. */
const MAX_NAME_DIGITS = 8

/** Makes a version and queues its import (WS-100). @throws ApiError 400, 403, 404, 409 as WS-100 lists. */
export async function createVersion(
  context: AppContext,
  actor: Actor,
  organizationId: string,
  request: CreateTemplateVersionRequest,
): Promise<{ readonly version: VersionRow; readonly matching: Matching }> {
  const db = context.database.db
  if (request.example_id !== undefined && request.file_id !== undefined)
    throw badRequest('You cannot specify both an example_id and a file_id.')
  const given = request.name === undefined || request.name === '' ? undefined : request.name
  if (given !== undefined) requireVersionName(given)
  const message = request.message ?? ''
  if (Buffer.byteLength(message) > 1_048_576)
    throw badRequest('Validation failed.', {
      validations: [{ field: 'message', detail: 'must be at most 1 MiB' }],
    })
  const template =
    request.template_id === undefined ? undefined : await getTemplate(actor, db, request.template_id)
  if (template !== undefined && template.organization_id !== organizationId)
    throw badRequest('The template belongs to another organization.', {
      validations: [{ field: 'template_id', detail: 'belongs to another organization' }],
    })
  const fileId = await archiveOf(context, actor, request)
  const store = (name: string) =>
    context.database.transaction(async (tx) => {
      const { job, matching } = await queueJob(tx, {
        organizationId,
        initiatorId: actor.id,
        provisioner: request.provisioner,
        fileId,
        type: 'template_version_import',
        input: {
          template_id: template?.id ?? null,
          user_variable_values: request.user_variable_values ?? [],
        },
        tags: normalizeTags(request.tags ?? {}, actor.id),
      })
      const version = await insertVersion(
        actor,
        tx,
        {
          templateId: template?.id ?? null,
          organizationId,
          name,
          message,
          jobId: job.id,
          createdBy: actor.id,
        },
        template === undefined
          ? { type: 'template', organization: organizationId }
          : templateObject(template),
      )
      return { version, matching }
    })
  const made = await (given === undefined ? withRandomName(store) : store(given))
  return { version: await getVersion(actor, db, made.version), matching: made.matching }
}

/** Tries another name when a version of the template has the random one already. */
async function withRandomName<T>(store: (name: string) => Promise<T>): Promise<T> {
  for (let digits = 1; ; digits += 1) {
    try {
      return await store(randomVersionName(digits))
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409) || digits === MAX_NAME_DIGITS) throw error
    }
  }
}

async function archiveOf(
  context: AppContext,
  actor: Actor,
  request: CreateTemplateVersionRequest,
): Promise<string> {
  if (request.example_id !== undefined) return storeExample(context, actor, request.example_id)
  if (request.file_id === undefined)
    throw badRequest('Validation failed.', {
      validations: [{ field: 'file_id', detail: 'either file_id or example_id is required' }],
    })
  try {
    return (await getFile(actor, context.database.db, request.file_id)).id
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw new ApiError(404, 'File not found.')
    throw error
  }
}
