import { useQuery } from '@tanstack/react-query'

import type { Organization } from '@slipway/contract'
import { useAddress } from '../navigation/address.ts'
import { organizationsForQuery } from '../organizations/queries.ts'
import { type McpPermissions, mcpPermissionsQuery, NO_MCP_PERMISSIONS } from './queries.ts'

/** In which organizations the viewer sees MCP servers. */
export const SEES_SERVERS = ['mcp_server_config', 'read'] as const

interface ChosenOrganization {
  /** Those to choose from; `undefined` while they are read. */
  readonly choices: readonly Organization[] | undefined
  readonly organization: Organization | undefined
  readonly may: McpPermissions | undefined
  readonly error: unknown
  readonly retry: () => void
  readonly choose: (organization: Organization | undefined) => void
}

/** The organization whose MCP servers are shown: `?org=`, else the default one (UI-401). */
export function useChosenOrganization(): ChosenOrganization {
  const [{ org }, change] = useAddress()
  const open = useQuery(organizationsForQuery(SEES_SERVERS))
  const choices = open.data
  const organization =
    choices?.find(({ name, id }) => name === org || id === org) ??
    choices?.find(({ is_default: first }) => first) ??
    choices?.[0]
  const may = useQuery({
    ...mcpPermissionsQuery(organization?.id ?? ''),
    enabled: organization !== undefined,
  })
  return {
    choices,
    organization,
    may: may.data ?? (may.isError ? NO_MCP_PERMISSIONS : undefined),
    error: open.error,
    retry: () => void open.refetch(),
    choose: (next) => (next === undefined ? undefined : change({ org: next.name }, true)),
  }
}
