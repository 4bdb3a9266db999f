import { mayManageMcpServers } from '../mcp-servers/may-manage.ts'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { TabLinks } from '../ui/tabs.tsx'

/** The pages about models and agents; each viewer has the tabs that they may open. */
export function AiTabs() {
  const permissions = usePermissions()
  if (permissions === undefined) return null
  return (
    <TabLinks
      label="AI settings"
      tabs={[
        ...(permissions.viewAnyAIProvider ? [{ to: paths.aiProviders(), label: 'Providers' }] : []),
        ...(permissions.editDeploymentConfig
          ? [
              { to: paths.aiModels(), label: 'Models' },
              { to: paths.aiAgents('coder-agents'), label: 'Agents' },
              { to: paths.aiAgents('instructions'), label: 'Instructions' },
              { to: paths.aiAgents('lifecycle'), label: 'Lifecycle' },
              { to: paths.aiGovernance(), label: 'Governance' },
              { to: paths.aiModelPrices(), label: 'Prices' },
            ]
          : []),
        ...(mayManageMcpServers(permissions) ? [{ to: paths.mcpServers(), label: 'MCP servers' }] : []),
      ]}
    />
  )
}
