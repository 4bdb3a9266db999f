import * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { getOrganization, knownUserId } from '../organizations/index.ts'
import { getQuota } from './store/quota.ts'

/** What workspaces of users may cost (WS-66). */
export function quotaRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  const quota = async (
    actor: Actor,
    organization: string,
    user: string,
  ): Promise<contract.WorkspaceQuota> => {
    const { id: organizationId } = await getOrganization(actor, db, organization)
    const userId = await knownUserId(context, actor, user)
    const { budget, consumed } = await getQuota(actor, db, { userId, organizationId })
    return { budget, credits_consumed: consumed }
  }
  return [
    forSession(contract.getWorkspaceQuota, ({ actor, params }) =>
      quota(actor, params.organization ?? '', params.user ?? ''),
    ),
    forSession(contract.getDefaultWorkspaceQuota, ({ actor, params }) =>
      quota(actor, 'default', params.user ?? ''),
    ),
  ]
}
