import type { Permissions } from '../session/queries.ts'

/** Whether somebody manages MCP servers of any organization, or looks after them: any of the four will do (UI-306). */
export function mayManageMcpServers(permissions: Permissions): boolean {
  return (
    permissions.viewAnyMCPServerConfigs ||
    permissions.createAnyMCPServerConfig ||
    permissions.updateAnyMCPServerConfig ||
    permissions.deleteAnyMCPServerConfig
  )
}
