import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone } from '../edge/index.ts'

/** What clients ask before anybody has signed in. */
export function deploymentRoutes(context: AppContext): BoundRoute[] {
  return [
    forAnyone(contract.apiRoot, async () => ({ message: '👋' })),
    forAnyone(contract.getBuildInfo, async () => ({
      external_url: '',
      version: context.version,
      dashboard_url: context.config.accessUrl,
      telemetry: false,
      workspace_proxy: false,
      agent_api_version: '2.11',
      provisioner_api_version: '1.18',
      upgrade_message: '',
      deployment_id: context.deploymentId,
    })),
  ]
}
