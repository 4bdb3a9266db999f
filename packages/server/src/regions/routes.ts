import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, baseUrl, forSession } from '../edge/index.ts'

/** Through which places workspaces are reached; the server itself is the first (AC-230). */
export function regionRoutes({ config, deploymentId }: AppContext): BoundRoute[] {
  return [
    forSession(contract.listRegions, async ({ context }) => ({
      regions: [
        {
          id: deploymentId,
          name: 'primary',
          display_name: 'Default',
          icon_url: '',
          healthy: true,
          path_app_url: baseUrl(context, config.accessUrl),
          wildcard_hostname: config.wildcardAccessUrl,
        },
      ],
    })),
  ]
}
