import * as contract from '@slipway/contract'
import { audited, auditedWrite } from '../audit/index.ts'
import { type Actor, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { ApiError, badRequest, notFound } from '../errors/index.ts'
import { getOrganization } from '../organizations/index.ts'
import { SearchQuery } from '../search/index.ts'
import { announceDeleted, announceDeprecated } from './announce.ts'
import { BuildTimes } from './build-times.ts'
import { createTemplate } from './create-template.ts'
import { listExamples } from './examples.ts'
import { requireName } from './names.ts'
import { presentTemplate } from './present.ts'
import { settingsOfUpdate } from './settings.ts'
import {
  closeToEveryone,
  deleteTemplate,
  getTemplate,
  getTemplateByName,
  listTemplates,
  lockTemplate,
  type TemplateRow,
  type TemplateSearch,
  templateHasWorkspaces,
  updateTemplate,
} from './store/templates.ts'
import type { TemplateEffect } from './template-effect.ts'

/**
 * Templates: make, read, list, change, delete (WS §6).
 *
 * @param effects what a change does to what was made of a template.
 */
export function templateRoutes(context: AppContext, effects: readonly TemplateEffect[]): BoundRoute[] {
  const db = context.database.db
  const times = new BuildTimes(context)
  const present = async (rows: readonly TemplateRow[]): Promise<contract.Template[]> => {
    const timesOf = await times.of(rows.map((row) => row.id))
    return rows.map((row) => presentTemplate(row, timesOf(row.id)))
  }
  const presentOne = async (row: TemplateRow): Promise<contract.Template> =>
    presentTemplate(row, (await times.of([row.id]))(row.id))
  return [
    forSession(contract.listTemplates, async ({ actor, query }) =>
      present(await listTemplates(actor, db, await parseSearch(context, actor, query.q ?? ''))),
    ),
    forSession(contract.listOrganizationTemplates, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const search = await parseSearch(context, actor, query.q ?? '')
      return present(await listTemplates(actor, db, { ...search, organizationId: organization.id }))
    }),
    forSession(contract.createTemplate, (incoming) =>
      audited(context, incoming, { type: 'template', action: 'create' }, async (draft) => {
        const { actor, params, body, reply } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        const template = await createTemplate(context, actor, organization.id, body)
        draft.after = template
        reply.code(201)
        return presentOne(template)
      }),
    ),
    forSession(contract.getTemplateByName, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      return presentOne(await getTemplateByName(actor, db, organization.id, params.templatename ?? ''))
    }),
    forSession(contract.listTemplateExamples, async ({ actor }) => {
      if (!isAllowed(actor, 'read', { type: 'template', anyOrganization: true })) throw notFound()
      return listExamples()
    }),
    forSession(contract.listOrganizationTemplateExamples, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      if (!isAllowed(actor, 'read', { type: 'template', organization: organization.id })) throw notFound()
      return listExamples()
    }),
    forSession(contract.getTemplate, async ({ actor, params }) =>
      presentOne(await getTemplate(actor, db, params.template ?? '')),
    ),
    forSession(contract.updateTemplate, async (incoming) => {
      const { actor, params, body } = incoming
      const load = (id = params.template ?? '') => getTemplate(actor, db, id)
      let deprecated = ''
      const news: (() => Promise<void>)[] = []
      const after = await auditedWrite(context, incoming, 'template', load, async ({ id }) => {
        if (body.name !== undefined && body.name !== '') requireName(body.name)
        await context.database.transaction(async (tx) => {
          const template = await lockTemplate(actor, tx, id)
          await updateTemplate(actor, tx, template, {
            ...settingsOfUpdate(body),
            ...(body.name === undefined || body.name === '' ? {} : { name: body.name }),
          })
          if (body.disable_everyone_group_access === true) await closeToEveryone(actor, tx, template)
          const change = {
            before: template,
            after: await getTemplate(actor, tx, id),
            countsAsUsed: body.update_workspace_last_used_at === true,
            restartsDormancy: body.update_workspace_dormant_at === true,
          }
          for (const effect of effects)
            news.push(...[await effect(tx, change)].filter((tell) => tell !== undefined))
          deprecated = template.deprecated
        })
      })
      for (const tell of news) await tell()
      if (after.deprecated !== '' && after.deprecated !== deprecated) await announceDeprecated(context, after)
      return presentOne(after)
    }),
    forSession(contract.deleteTemplate, (incoming) =>
      audited(context, incoming, { type: 'template', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const template = await getTemplate(actor, db, params.template ?? '')
        draft.before = template
        await context.database.transaction(async (tx) => {
          // Marked first: whoever is about to make a workspace of it then waits, or is seen by the look below.
          await deleteTemplate(actor, tx, template)
          if (await templateHasWorkspaces(actor, tx, template))
            throw badRequest('All workspaces must be deleted before a template can be removed.')
        })
        await announceDeleted(context, template, incoming.owner)
        return { message: 'Template has been deleted!' }
      }),
    ),
  ]
}

async function parseSearch(context: AppContext, actor: Actor, text: string): Promise<TemplateSearch> {
  const query = new SearchQuery(text)
  const organization = query.one('organization')
  const author = query.one('author')
  const search = {
    exactName: query.one('exact_name'),
    exactDisplayName: query.one('exact_display_name'),
    name: query.one('name'),
    displayName: query.one('display_name') ?? query.text,
    ids: query.uuids('ids'),
    deprecated: query.flag('deprecated'),
    authorId: author === 'me' ? actor.id : query.uuid('author_id'),
    author: author === 'me' ? undefined : author,
    agentsAllowed: query.flag('agents-allowed'),
    hasAiTask: query.flag('has-ai-task'),
    hasExternalAgent: query.flag('has_external_agent'),
    deleted: query.flag('deleted'),
  }
  const faults = query.finish()
  if (faults.length > 0) throw badRequest('Invalid template search query.', { validations: faults })
  if (organization === undefined) return search
  try {
    return { ...search, organizationId: (await getOrganization(actor, context.database.db, organization)).id }
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error
    throw badRequest('Invalid template search query.', {
      validations: [
        {
          field: 'organization',
          detail: `organization ${JSON.stringify(organization)} either does not exist, or you are unauthorized to view it`,
        },
      ],
    })
  }
}
