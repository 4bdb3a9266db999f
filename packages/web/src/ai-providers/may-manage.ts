import { mayManageMcpServers } from '../mcp-servers/may-manage.ts'
import type { Permissions } from '../session/queries.ts'

/** Whether any of the pages about models and agents is open to the viewer (UI-306). */
export function maySeeAiSettings(permissions: Permissions): boolean {
  return permissions.viewAnyAIProvider || permissions.editDeploymentConfig || mayManageMcpServers(permissions)
}
