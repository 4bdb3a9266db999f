import { queryOptions } from '@tanstack/react-query'

import {
  type AuthorizationCheck,
  checkAuthorization,
  getMcpServerConfig,
  getMcpServerConfigAcl,
  listMcpServerConfigs,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'

/** The MCP servers of an organization that the viewer may see. */
export function mcpServersQuery(organization: string) {
  return queryOptions({
    queryKey: ['mcp-servers', organization],
    queryFn: ({ signal }) => api.call(listMcpServerConfigs, { params: { organization }, signal }),
  })
}

export function mcpServerQuery(organization: string, mcpserverconfig: string) {
  return queryOptions({
    queryKey: ['mcp-server', mcpserverconfig],
    queryFn: ({ signal }) =>
      api.call(getMcpServerConfig, { params: { organization, mcpserverconfig }, signal }),
  })
}

export function mcpServerListsQuery(organization: string, mcpserverconfig: string) {
  return queryOptions({
    queryKey: ['mcp-server', mcpserverconfig, 'lists'],
    queryFn: ({ signal }) =>
      api.call(getMcpServerConfigAcl, { params: { organization, mcpserverconfig }, signal }),
  })
}

/** Everything that shows MCP servers is read again. */
export async function refreshMcpServers(): Promise<void> {
  await Promise.all(
    ['mcp-servers', 'mcp-server'].map((key) => queries.invalidateQueries({ queryKey: [key] })),
  )
}

/** Nothing asks for a deleted server any more; the lists are read again. */
export async function forgetMcpServer(id: string): Promise<void> {
  const queryKey = ['mcp-server', id]
  await queries.cancelQueries({ queryKey })
  queries.removeQueries({ queryKey })
  await queries.invalidateQueries({ queryKey: ['mcp-servers'] })
}

/** What the viewer may do with the MCP servers of an organization, asked in one request (UI-311). */
export function mcpPermissionsQuery(organization: string) {
  const check = (action: string): AuthorizationCheck => ({
    action,
    object: { resource_type: 'mcp_server_config', organization_id: organization },
  })
  return queryOptions({
    queryKey: ['mcp-permissions', organization],
    queryFn: async ({ signal }): Promise<McpPermissions> => {
      const checks = {
        create: check('create'),
        update: check('update'),
        delete: check('delete'),
        share: check('share'),
      }
      const answers = await api.call(checkAuthorization, { body: { checks }, signal })
      return { ...NO_MCP_PERMISSIONS, ...answers }
    },
    staleTime: 60_000,
  })
}

export interface McpPermissions {
  readonly create: boolean
  readonly update: boolean
  readonly delete: boolean
  readonly share: boolean
}

export const NO_MCP_PERMISSIONS: McpPermissions = {
  create: false,
  update: false,
  delete: false,
  share: false,
}
