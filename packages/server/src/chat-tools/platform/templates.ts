import { Type } from 'typebox'

import { systemActor } from '../../authz/index.ts'
import { ApiError } from '../../errors/index.ts'
import {
  getTemplate,
  getVersion,
  listParameters,
  listPresets,
  listTemplates,
  presetValues,
  type TemplateRow,
} from '../../templates/index.ts'
import { defineChatTool } from '../define.ts'
import { ToolFault } from '../fault.ts'
import { ownerOf } from '../owner.ts'
import { listTemplateUse } from '../store/templates.ts'
import type { ChatTool } from '../tool.ts'
import type { ToolTurn } from '../turn.ts'
import { rankTemplates, recommended } from './rank-templates.ts'

const PAGE = 10
const EXCERPT = 1_000
const README = 8_000
const RECENT_DAYS = 60

const system = systemActor('chatd', 'how templates are used decides which one is recommended')
const parts = systemActor('provisionerd', 'parts of a template that was read as the owner of the chat')

/** `list_templates`: what workspaces can be made of (CH-1112). */
export function listTemplatesTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'list_templates',
    description:
      'Lists the templates that workspaces of this chat can be made of, the most fitting first, ten to a page. A query looks in names and descriptions.',
    input: Type.Object({
      query: Type.Optional(Type.String({ maxLength: 200 })),
      page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    }),
    run: async ({ query = '', page = 1 }) => {
      const { context, chat } = turn
      const { db } = context.database
      const { actor } = await ownerOf(context, chat)
      const rows = await listTemplates(actor, db, {
        organizationId: chat.organization_id,
        deprecated: false,
        agentsAllowed: true,
      })
      const use = await listTemplateUse(
        system,
        db,
        chat.owner_id,
        rows.map(({ id }) => id),
        context.clock.now(),
      )
      const ranked = rankTemplates(
        rows.map((row) => ({
          id: row.id,
          name: row.name,
          displayName: row.display_name,
          description: row.description,
          active: use.get(row.id)?.active ?? 0,
          deleted: use.get(row.id)?.deleted ?? 0,
          daysSinceUse: recent(use.get(row.id)?.daysSinceUse),
          developers: use.get(row.id)?.developers ?? 0,
          row,
        })),
        query,
      )
      const best = recommended(ranked)
      const shown = ranked.slice((page - 1) * PAGE, page * PAGE)
      const templates = []
      for (const { template } of shown)
        templates.push({
          id: template.id,
          name: template.name,
          display_name: template.displayName,
          description: template.description,
          readme: excerpt((await getVersion(parts, db, template.row.active_version_id)).readme, EXCERPT),
          active_developers: template.developers,
          your_workspace_count: template.active,
          last_used_by_you:
            template.daysSinceUse === undefined ? null : `${Math.floor(template.daysSinceUse)} days ago`,
        })
      return {
        templates,
        page,
        ...(ranked.length > page * PAGE ? { next_page: page + 1 } : {}),
        ...(best === undefined ? {} : { recommended_template_id: best.id }),
        next_step: nextStep(rows.length, ranked.length, best?.name),
      }
    },
  })
}

function nextStep(all: number, matching: number, recommendation: string | undefined): string {
  if (all === 0) return 'No templates are available. Tell the user that an administrator has to add one.'
  if (matching === 0) return 'No template matches. Call list_templates again without a query.'
  return recommendation === undefined
    ? 'Ask the user which of these templates to use.'
    : `Use the template ${recommendation}: call create_workspace with its id.`
}

function recent(days: number | undefined): number | undefined {
  return days !== undefined && days <= RECENT_DAYS ? days : undefined
}

/** `read_template`: what a template asks for. */
export function readTemplateTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'read_template',
    description: 'Gives the description, parameters and presets of a template.',
    input: Type.Object({ template_id: Type.String({ format: 'uuid' }) }),
    run: async ({ template_id }) => {
      const { db } = turn.context.database
      const { actor } = await ownerOf(turn.context, turn.chat)
      const template = await usableTemplate(turn, actor, template_id)
      const version = await getVersion(parts, db, template.active_version_id)
      const parameters = await listParameters(parts, db, version.id)
      const presets = await listPresets(parts, db, version.id)
      return {
        id: template.id,
        name: template.name,
        display_name: template.display_name,
        description: template.description,
        readme: excerpt(version.readme, README),
        parameters: parameters.map((parameter) => ({
          name: parameter.name,
          display_name: parameter.displayName,
          description: parameter.description,
          type: parameter.type,
          required: parameter.required,
          mutable: parameter.mutable,
          ephemeral: parameter.ephemeral,
          default: parameter.defaultValue,
          options: parameter.options.map(({ name, value, description }) => ({ name, value, description })),
        })),
        presets: presets.map((preset) => ({
          id: preset.id,
          name: preset.name,
          description: preset.description,
          is_default: preset.is_default,
          parameters: presetValues(preset.parameters),
        })),
      }
    },
  })
}

/**
 * A template that workspaces of a chat may be made of (CH-1110).
 *
 * @throws ToolFault for one that is not there for the owner, of another organization, or closed to chats.
 */
export async function usableTemplate(
  turn: ToolTurn,
  actor: Parameters<typeof getTemplate>[0],
  id: string,
): Promise<TemplateRow> {
  const absent = (message: string): ToolFault =>
    new ToolFault('refused', message, 'Call list_templates to see those that can be used.')
  let template: TemplateRow
  try {
    template = await getTemplate(actor, turn.context.database.db, id)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) throw absent('template not found')
    throw error
  }
  if (template.organization_id !== turn.chat.organization_id) throw absent('template not found')
  if (!template.agents_allowed) throw absent(`The template ${template.name} is not open to chats.`)
  const { has_external_agent } = await getVersion(parts, turn.context.database.db, template.active_version_id)
  if (has_external_agent === true)
    throw absent(`Workspaces of the template ${template.name} are run by an agent outside.`)
  return template
}

function excerpt(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`
}
