import { Type } from 'typebox'

import { getTemplate, getWorkspace, listTemplates } from '@slipway/contract'
import { defineTool, type Tool, ToolFault } from '../tool.ts'
import { searchWorkspaces } from './workspaces.ts'

const MAX_RESULTS = 100
const OBJECT_ID = /^(template|workspace):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i

const Found = Type.Object({
  id: Type.String(),
  title: Type.String(),
  text: Type.String(),
  url: Type.String(),
})

const search = defineTool({
  name: 'search',
  title: 'Search',
  description:
    'Finds templates or workspaces. The query is `templates` or `workspaces`, with a filter behind a slash if wanted: `templates/name:docker`, `workspaces/owner:ada status:running`. Without a filter workspaces are yours.',
  effect: 'reads',
  input: Type.Object({
    query: Type.String({ description: '`templates[/filter]` or `workspaces[/filter]`.' }),
  }),
  output: Type.Object({ results: Type.Array(Found) }),
  scopes: [],
  scopesOf: ({ query }) => [query.startsWith('workspaces') ? 'workspace:read' : 'template:read'],
  run: async ({ query }, context) => {
    const slash = query.indexOf('/')
    const kind = slash < 0 ? query.trim() : query.slice(0, slash).trim()
    const filter = slash < 0 ? '' : query.slice(slash + 1).trim()
    switch (kind) {
      case 'templates': {
        const found = await context.api.call(listTemplates, { query: filter === '' ? {} : { q: filter } })
        return {
          results: found.slice(0, MAX_RESULTS).map((template) => ({
            id: `template:${template.id}`,
            title: template.display_name === '' ? template.name : template.display_name,
            text: template.description,
            url: `${context.accessUrl}/templates/${template.organization_name}/${template.name}`,
          })),
        }
      }
      case 'workspaces': {
        const found = await searchWorkspaces(context, filter === '' ? 'owner:me' : filter)
        return {
          results: found.map((one) => ({
            id: `workspace:${one.id}`,
            title: `${one.owner_name}/${one.name}`,
            text: `Owner: ${one.owner_name}, template: ${one.template_name}, status: ${one.latest_build.status}`,
            url: `${context.accessUrl}/@${one.owner_name}/${one.name}`,
          })),
        }
      }
      default:
        throw new ToolFault('the query must begin with templates or workspaces')
    }
  },
})

const fetchObject = defineTool({
  name: 'fetch',
  title: 'Fetch',
  description: 'Gives all about a template or workspace that search has found, by its id.',
  effect: 'reads',
  input: Type.Object({
    id: Type.String({ description: '`template:<uuid>` or `workspace:<uuid>`, as search gives it.' }),
  }),
  output: Found,
  scopes: [],
  scopesOf: ({ id }) => [id.startsWith('workspace:') ? 'workspace:read' : 'template:read'],
  run: async ({ id }, { api, accessUrl }) => {
    const [, kind, uuid = ''] = OBJECT_ID.exec(id) ?? []
    switch (kind) {
      case 'template': {
        const template = await api.call(getTemplate, { params: { template: uuid } })
        return {
          id,
          title: template.display_name === '' ? template.name : template.display_name,
          text: JSON.stringify(template),
          url: `${accessUrl}/templates/${template.organization_name}/${template.name}`,
        }
      }
      case 'workspace': {
        const workspace = await api.call(getWorkspace, { params: { workspace: uuid } })
        return {
          id,
          title: `${workspace.owner_name}/${workspace.name}`,
          text: JSON.stringify(workspace),
          url: `${accessUrl}/@${workspace.owner_name}/${workspace.name}`,
        }
      }
      default:
        throw new ToolFault(`${JSON.stringify(id)} is no id that search gives`)
    }
  },
})

/** The two tools that research assistants ask for. */
export const researchTools: readonly Tool[] = [search, fetchObject]
