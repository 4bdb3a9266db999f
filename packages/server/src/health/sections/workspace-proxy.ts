import type { WorkspaceProxyReport } from '@slipway/contract'
import { type Section, WELL } from '../section.ts'

/** The server is its own only proxy, which the access URL stands for: there are no others to look at. */
export const workspaceProxySection: Section<WorkspaceProxyReport> = {
  name: 'WorkspaceProxy',
  look: async () => ({ ...WELL, warnings: [], workspace_proxies: { regions: [] } }),
  failed: (error) => ({
    severity: 'error',
    healthy: false,
    error,
    warnings: [],
    workspace_proxies: { regions: [] },
  }),
}
