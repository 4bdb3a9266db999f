import type { ModelProviders } from '../ai-providers/index.ts'
import type { AppContext } from '../context.ts'
import type { BoundRoute } from '../edge/index.ts'
import type { Governance } from './governance.ts'
import { groupRoutes } from './group-routes.ts'
import { keyRoutes } from './key-routes.ts'
import { organizationRoutes } from './organization-routes.ts'
import { settingsRoutes } from './settings-routes.ts'

/** What may be asked of models, by whom and by which way (chapter 05 section 23). */
export function aiGovernanceRoutes(
  context: AppContext,
  parts: { readonly governance: Governance; readonly providers: ModelProviders },
): BoundRoute[] {
  const { governance, providers } = parts
  return [
    ...settingsRoutes(context, governance, providers),
    ...groupRoutes(context, governance),
    ...organizationRoutes(context, governance),
    ...keyRoutes(context),
  ]
}
