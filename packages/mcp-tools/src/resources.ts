import {
  getChat,
  getTemplate,
  getWorkspace,
  listChats,
  listTemplates,
  listWorkspaces,
} from '@slipway/contract'
import type { Api } from './api.ts'

const MAX_LISTED = 200
const URI = /^coder:\/\/(workspaces|templates|chats)\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i

/** A kind of object that clients can read by its address. */
export interface ResourceKind {
  readonly name: 'workspaces' | 'templates' | 'chats'
  readonly title: string
  readonly description: string
  /** Scopes that listing and reading need. */
  readonly scopes: readonly string[]
}

/** What is listed of a resource. */
export interface ListedResource {
  readonly uri: string
  readonly name: string
  readonly title: string
  readonly description: string
  readonly mimeType: string
}

/** The kinds of resources. */
export const resourceKinds: readonly ResourceKind[] = [
  {
    name: 'workspaces',
    title: 'Workspace',
    description: 'A workspace with its latest build, agents and apps.',
    scopes: ['workspace:read'],
  },
  {
    name: 'templates',
    title: 'Template',
    description: 'A template that workspaces are created from.',
    scopes: ['template:read'],
  },
  {
    name: 'chats',
    title: 'Chat',
    description: 'A conversation with an agent that works in a workspace, with its state.',
    scopes: ['chat:read'],
  },
]

/** The address of an object. */
export function resourceUri(kind: ResourceKind['name'], id: string): string {
  return `coder://${kind}/${id}`
}

/** What an address names; undefined for those that are not ours. */
export function parseResourceUri(
  uri: string,
): { readonly kind: ResourceKind['name']; readonly id: string } | undefined {
  const [, kind, id = ''] = URI.exec(uri) ?? []
  if (kind === 'workspaces' || kind === 'templates' || kind === 'chats') return { kind, id: id.toLowerCase() }
  return undefined
}

/** The caller's workspaces or chats, or the templates they may use; the first 200. */
export async function listResources(api: Api, kind: ResourceKind['name']): Promise<ListedResource[]> {
  switch (kind) {
    case 'workspaces': {
      const { workspaces } = await api.call(listWorkspaces, { query: { q: 'owner:me', limit: MAX_LISTED } })
      return workspaces.map((one) => ({
        uri: resourceUri(kind, one.id),
        name: `${one.owner_name}/${one.name}`,
        title: one.name,
        description: `Workspace of ${one.owner_name} from template ${one.template_name}, ${one.latest_build.status}`,
        mimeType: 'application/json',
      }))
    }
    case 'templates':
      return (await api.call(listTemplates)).slice(0, MAX_LISTED).map((template) => ({
        uri: resourceUri(kind, template.id),
        name: `${template.organization_name}/${template.name}`,
        title: template.display_name === '' ? template.name : template.display_name,
        description: template.description,
        mimeType: 'application/json',
      }))
    case 'chats':
      return (await api.call(listChats, { query: { limit: MAX_LISTED } })).map((chat) => ({
        uri: resourceUri(kind, chat.id),
        name: chat.id,
        title: chat.title,
        description: `Chat that is ${chat.status}`,
        mimeType: 'application/json',
      }))
  }
}

/** An object as JSON. @throws what the API throws, such as for one that is not there. */
export async function readResource(api: Api, kind: ResourceKind['name'], id: string): Promise<string> {
  switch (kind) {
    case 'workspaces':
      return JSON.stringify(await api.call(getWorkspace, { params: { workspace: id } }))
    case 'templates':
      return JSON.stringify(await api.call(getTemplate, { params: { template: id } }))
    case 'chats':
      return JSON.stringify(await api.call(getChat, { params: { chat: id } }))
  }
}
