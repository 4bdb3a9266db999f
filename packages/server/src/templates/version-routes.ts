import * as contract from '@slipway/contract'
import { audited, auditedWrite } from '../audit/index.ts'
import { type Actor, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession, type SessionRequest } from '../edge/index.ts'
import { ApiError, badRequest, forbidden, notFound } from '../errors/index.ts'
import type { ExternalAuth } from '../external-auth/index.ts'
import { getOrganization } from '../organizations/index.ts'
import {
  answerJobLogs,
  cancelJob,
  countMatching,
  JOB_LOG_FAULTS,
  queuePlaces,
  type TagReader,
} from '../provisioning/index.ts'
import { listResources, presentResource } from '../resources/index.ts'
import { tagsOf } from './create-dry-run.ts'
import { createVersion } from './create-version.ts'
import { listRequirements } from './list-requirements.ts'
import { requireVersionName } from './names.ts'
import { presentParameter, presentPreset, presentVariable, presentVersion } from './present.ts'
import { renderParameters } from './render-parameters.ts'
import { getTemplate, getTemplateByName, updateTemplate } from './store/templates.ts'
import { listParameters, listPresets, listVariables } from './store/version-parts.ts'
import {
  archiveVersions,
  findPreviousVersion,
  getVersion,
  getVersionByName,
  isVersionInUse,
  listVersions,
  updateVersion,
  type VersionRow,
  versionObject,
} from './store/versions.ts'
import { watchParameters } from './watch-parameters.ts'

/** Parts of a version are read for whoever may read the version itself. */
const parts = systemActor('provisionerd', 'parts of a version that was read as the caller')
const daemons = systemActor(
  'system_read_provisioner_daemons',
  'places in the queue count daemons that the caller may not list',
)

/** Versions of templates, their imports and what these found (WS §7). */
export function templateVersionRoutes(
  context: AppContext,
  tagReader: TagReader,
  external: ExternalAuth,
): BoundRoute[] {
  const db = context.database.db
  const version = (actor: Actor, params: Readonly<Record<string, string>>): Promise<VersionRow> =>
    getVersion(actor, db, params.templateversion ?? '')
  const present = async (row: VersionRow): Promise<contract.TemplateVersion> => {
    if (row.job.job_status !== 'pending') return presentVersion(row)
    const places = await queuePlaces(daemons, db, [row.job.id])
    const matching = await countMatching(daemons, db, {
      organizationId: row.organization_id,
      provisioner: row.job.provisioner,
      tags: tagsOf(row.job.tags),
    })
    return presentVersion(row, { place: places.get(row.job.id), matching })
  }
  /** Runs a change of a version with its entry in the audit log; resolves to the version as it is then. */
  const changed = (incoming: SessionRequest, work: (row: VersionRow) => Promise<void>): Promise<VersionRow> =>
    auditedWrite(
      context,
      incoming,
      'template_version',
      (id = incoming.params.templateversion ?? '') => getVersion(incoming.actor, db, id),
      work,
    )
  const named = async (actor: Actor, params: Readonly<Record<string, string>>): Promise<VersionRow> => {
    const organization = await getOrganization(actor, db, params.organization ?? '')
    const template = await getTemplateByName(actor, db, organization.id, params.templatename ?? '')
    return getVersionByName(actor, db, template.id, params.templateversionname ?? '')
  }
  return [
    forSession(contract.createTemplateVersion, (incoming) =>
      audited(context, incoming, { type: 'template_version', action: 'create' }, async (draft) => {
        const { actor, params, body } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        const made = await createVersion(context, tagReader, actor, organization.id, body)
        draft.after = made.version
        return presentVersion(made.version, { matching: made.matching })
      }),
    ),
    forSession(contract.getOrganizationTemplateVersion, async ({ actor, params }) =>
      present(await named(actor, params)),
    ),
    forSession(contract.getPreviousTemplateVersion, async ({ actor, params, reply }) => {
      const previous = await findPreviousVersion(actor, db, await named(actor, params))
      if (previous !== undefined) return present(previous)
      reply.code(204)
      return undefined
    }),
    forSession(contract.listTemplateVersions, async ({ actor, params, query }) => {
      const template = await getTemplate(actor, db, params.template ?? '')
      const rows = await listVersions(actor, db, template, {
        includeArchived: query.include_archived ?? false,
        afterId: query.after_id,
        limit: query.limit,
        offset: query.offset,
      })
      return rows.map((row) => presentVersion(row))
    }),
    forSession(contract.getTemplateVersionByName, async ({ actor, params }) => {
      const template = await getTemplate(actor, db, params.template ?? '')
      return present(await getVersionByName(actor, db, template.id, params.templateversionname ?? ''))
    }),
    forSession(contract.setActiveTemplateVersion, async (incoming) => {
      const { actor, params, body } = incoming
      const load = (id = params.template ?? '') => getTemplate(actor, db, id)
      await auditedWrite(context, incoming, 'template', load, async (template) => {
        const row = await getVersion(actor, db, body.id)
        if (row.template_id !== template.id)
          throw badRequest("The provided template version doesn't belong to the specified template.")
        if (row.job.job_status !== 'succeeded')
          throw forbidden('Only versions that have been built successfully can be promoted.')
        if (row.archived) throw badRequest('The provided template version is archived.')
        await updateTemplate(actor, db, template, { active_version_id: row.id })
      })
      return { message: 'Updated the active template version!' }
    }),
    forSession(contract.getTemplateVersion, async ({ actor, params }) =>
      present(await version(actor, params)),
    ),
    forSession(contract.updateTemplateVersion, async (incoming) => {
      const { actor, body } = incoming
      const after = await changed(incoming, async (row) => {
        const name = body.name === undefined || body.name === '' ? undefined : body.name
        if (name !== undefined) requireVersionName(name)
        await updateVersion(actor, db, row, {
          ...(name === undefined ? {} : { name }),
          ...(body.message === undefined ? {} : { message: body.message }),
        })
      })
      return present(after)
    }),
    forSession(contract.archiveTemplateVersion, async (incoming) => {
      const { actor } = incoming
      await changed(incoming, async (row) => {
        if (row.archived) throw badRequest('Template version is already archived.')
        if (row.template === null) throw badRequest('Cannot archive a template version without a template.')
        if (row.template.active_version_id === row.id)
          throw badRequest('Cannot archive the active template version.')
        if (await isVersionInUse(actor, db, row))
          throw badRequest(
            'Cannot archive a template version that a workspace uses: update the workspace first.',
          )
        await updateVersion(actor, db, row, { archived: true })
      })
      return { message: 'Template version archived.' }
    }),
    forSession(contract.archiveTemplateVersions, async ({ actor, params, body }) => {
      const template = await getTemplate(actor, db, params.template ?? '')
      return {
        template_id: template.id,
        archived_ids: await archiveVersions(actor, db, template, body.all ?? false),
      }
    }),
    forSession(contract.unarchiveTemplateVersion, async (incoming) => {
      const { actor } = incoming
      await changed(incoming, async (row) => {
        if (!row.archived) throw badRequest('Template version is not archived.')
        await updateVersion(actor, db, row, { archived: false })
      })
      return { message: 'Template version unarchived.' }
    }),
    forSession(contract.cancelTemplateVersion, async ({ actor, params }) => {
      const row = await version(actor, params)
      if (!isAllowed(actor, 'update', versionObject(row))) throw notFound()
      const { outcome } = await context.database.transaction((tx) =>
        cancelJob(
          systemActor('workspace_builder', 'who may update the template may cancel its import'),
          tx,
          row.job.id,
        ),
      )
      if (outcome === 'completed') throw badRequest('Job has already completed!')
      if (outcome === 'already canceled') throw badRequest('Job has already been marked as canceled!')
      return { message: 'Job has been marked as canceled...' }
    }),
    forSession(
      contract.listTemplateVersionLogs,
      async ({ actor, params, query, ...request }) => {
        const row = await version(actor, params)
        return answerJobLogs(context, row.job.id, query, request)
      },
      JOB_LOG_FAULTS,
    ),
    forSession(contract.listTemplateVersionResources, async ({ actor, params }) => {
      const row = await version(actor, params)
      if (row.job.completed_at === null) throw badRequest("Job hasn't completed!")
      const resources = await listResources(parts, db, [row.job.id])
      return resources.map((resource) =>
        presentResource(resource, { wildcardHost: '', workspace: undefined }),
      )
    }),
    forSession(contract.listTemplateVersionParameters, async ({ actor, params }) => {
      const row = await finished(await version(actor, params), 425)
      return (await listParameters(parts, db, row.id)).map(presentParameter)
    }),
    forSession(contract.listTemplateVersionVariables, async ({ actor, params }) => {
      const row = await finished(await version(actor, params), 403)
      return (await listVariables(parts, db, row.id)).map(presentVariable)
    }),
    forSession(contract.listTemplateVersionPresets, async ({ actor, params }) => {
      const row = await version(actor, params)
      return (await listPresets(parts, db, row.id)).map(presentPreset)
    }),
    forSession(contract.listTemplateVersionExternalAuth, async ({ actor, params, query }) =>
      listRequirements(external, actor, await version(actor, params), query.user_id ?? actor.id),
    ),
    forSession(contract.evaluateDynamicParameters, async ({ actor, params, body }) =>
      renderParameters(context, actor, await version(actor, params), {
        id: 0,
        inputs: body.inputs ?? {},
        ownerId: body.owner_id,
      }),
    ),
    forSession(contract.watchDynamicParameters, async ({ actor, params, query, upgrade }) => {
      await watchParameters(context, actor, await version(actor, params), query.user_id, upgrade)
      return undefined
    }),
  ]
}

async function finished(row: VersionRow, status: 403 | 425): Promise<VersionRow> {
  if (row.job.completed_at === null) throw new ApiError(status, 'Template version job has not finished')
  return row
}
