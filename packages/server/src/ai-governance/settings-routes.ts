import * as contract from '@slipway/contract'
import type { ModelProviders } from '../ai-providers/index.ts'
import { audited } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import type { Governance } from './governance.ts'
import { findSettings } from './store/settings.ts'
import { getRouting, updateRouting } from './update-routing.ts'
import { presentSettings, updateSettings } from './update-settings.ts'

/** What holds for the deployment, and for each of its providers. */
export function settingsRoutes(
  context: AppContext,
  governance: Governance,
  providers: ModelProviders,
): BoundRoute[] {
  return [
    forSession(contract.getAIGatewaySettings, async ({ actor }) =>
      presentSettings(context, await findSettings(actor, context.database.db)),
    ),
    forSession(contract.updateAIGatewaySettings, (incoming) =>
      audited(context, incoming, { type: 'ai_provider', action: 'write' }, async (draft) => {
        const { actor, body } = incoming
        // Entries about settings have no row of their own to name.
        draft.resourceId = contract.NO_ID
        draft.target = 'AI gateway'
        const { before, after } = await updateSettings(context, actor, body)
        draft.additionalFields = { ai_gateway_settings: changesOf(before, after, body) }
        await governance.refresh()
        return after
      }),
    ),
    forSession(contract.getAIProviderRouting, async ({ actor, params }) =>
      getRouting(context, actor, params.idOrName ?? ''),
    ),
    forSession(contract.updateAIProviderRouting, (incoming) =>
      audited(context, incoming, { type: 'ai_provider', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const changed = await updateRouting(context, providers, actor, params.idOrName ?? '', body)
        draft.before = { ...changed.provider, routing: changed.before }
        draft.after = { ...changed.provider, routing: changed.after }
        await governance.refresh()
        return changed.after
      }),
    ),
  ]
}

/** The settings that were given, as they were and as they are; of secrets only that they were. */
function changesOf(
  before: contract.AIGatewaySettings,
  after: contract.AIGatewaySettings,
  { guardrails, export_webhook_secret: exportSecret, ...plain }: contract.UpdateAIGatewaySettingsRequest,
): Readonly<Record<string, unknown>> {
  const changes: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(plain))
    changes[name] = { old: Reflect.get(before, name), new: value }
  if (guardrails !== undefined) changes.guardrails = { old: before.guardrails, new: after.guardrails }
  if (exportSecret !== undefined) changes.export_webhook_secret = { secret: true }
  if (guardrails?.webhook_secret !== undefined) changes.guardrail_webhook_secret = { secret: true }
  return changes
}
