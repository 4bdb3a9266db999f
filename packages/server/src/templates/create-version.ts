import type { CreateTemplateVersionRequest } from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, validationFailed } from '../errors/index.ts'
import { type FileRow, getFile } from '../files/index.ts'
import {
  type Matching,
  mergeTags,
  normalizeTags,
  queueJob,
  type TagReader,
  type Tags,
} from '../provisioning/index.ts'
import { storeExample } from './examples.ts'
import { randomVersionName, requireVersionName } from './names.ts'
import { getTemplate, templateObject } from './store/templates.ts'
import { getVersion, insertVersion, type VersionRow } from './store/versions.ts'

/** Longest number behind a random name. */
const MAX_NAME_DIGITS = 8

/**
 * Makes a version and queues its import, for provisioners with the tags of WS-101.
 *
 * @throws ApiError 400, 403, 404, 409 as WS-100 lists.
 */
export async function createVersion(
  context: AppContext,
  tagReader: TagReader,
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
  const object =
    template === undefined
      ? ({ type: 'template', organization: organizationId } as const)
      : templateObject(template)
  // Before anything of the caller is stored or evaluated.
  authorize(actor, template === undefined ? 'create' : 'update', object)
  const file = await archiveOf(context, actor, request)
  const tags = mergeTags(await tagsOfArchive(tagReader, request, file), requestedTags(request))
  const store = (name: string) =>
    context.database.transaction(async (tx) => {
      const { job, matching } = await queueJob(tx, {
        organizationId,
        initiatorId: actor.id,
        provisioner: request.provisioner,
        fileId: file.id,
        type: 'template_version_import',
        input: {
          template_id: template?.id ?? null,
          user_variable_values: request.user_variable_values ?? [],
        },
        tags: normalizeTags(tags, actor.id),
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
        object,
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

/** Tags that the template asks of its provisioners with its defaults. @throws ApiError 400 naming each wrong one. */
async function tagsOfArchive(
  tagReader: TagReader,
  request: CreateTemplateVersionRequest,
  file: FileRow,
): Promise<Tags> {
  const { workspaceTags, tagFaults } = await tagReader.read(
    request.provisioner,
    file.data,
    request.user_variable_values ?? [],
  )
  if (tagFaults.length > 0)
    throw badRequest('Unable to parse workspace tags', {
      validations: tagFaults.map(({ name, detail }) => ({ field: name, detail })),
    })
  return Object.fromEntries(workspaceTags.map(({ name, value }) => [name, value]))
}

function requestedTags({ tags = {} }: CreateTemplateVersionRequest): Tags {
  if (Object.keys(tags).some((name) => name === '' || name.includes('\0')))
    throw validationFailed([{ field: 'tags', detail: 'names must not be empty or hold NUL characters' }])
  return tags
}

async function archiveOf(
  context: AppContext,
  actor: Actor,
  request: CreateTemplateVersionRequest,
): Promise<FileRow> {
  if (request.example_id !== undefined)
    return getFile(actor, context.database.db, await storeExample(context, actor, request.example_id))
  if (request.file_id === undefined)
    throw badRequest('Validation failed.', {
      validations: [{ field: 'file_id', detail: 'either file_id or example_id is required' }],
    })
  try {
    return await getFile(actor, context.database.db, request.file_id)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw new ApiError(404, 'File not found.')
    throw error
  }
}
