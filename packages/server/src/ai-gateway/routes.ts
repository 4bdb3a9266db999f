import * as contract from '@slipway/contract'
import { checkedProvider, noteProviderCheck } from '../ai-providers/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import { GATEWAY_OFF } from './exchange/gateway-error.ts'
import type { ModelGateway } from './model-gateway.ts'
import { priceRoutes } from './prices/price-routes.ts'
import { foundByTest } from './resilience/found-troubles.ts'
import { nameRoutes, sessionRoutes } from './sessions/session-routes.ts'
import { budgetRoutes } from './spend/budget-routes.ts'
import { spendRoutes } from './spend/routes.ts'
import { testProvider } from './test-provider.ts'

/** What administrators and users ask of the gateway beside models. */
export function aiGatewayRoutes(context: AppContext, gateway: ModelGateway): BoundRoute[] {
  return [
    forSession(contract.testAIProvider, async ({ actor, params }) => {
      const provider = await checkedProvider(context, actor, params.idOrName ?? '')
      const test = await testProvider(gateway.parts, provider)
      await foundByTest(gateway.parts, provider, test)
      await noteProviderCheck(context, actor, provider.id, {
        ok: test.ok,
        error: test.ok ? '' : (test.results.find(({ error }) => error !== '')?.error ?? ''),
      })
      return test
    }),
    ...whileOn(context, [
      ...priceRoutes(context),
      ...budgetRoutes(context, gateway.parts.governance),
      ...spendRoutes(context, gateway.parts.governance),
      ...sessionRoutes(context, gateway),
      ...nameRoutes(context, gateway),
    ]),
  ]
}

/** Routes that answer only where the gateway is on (AG-6). */
function whileOn(
  { config }: Pick<AppContext, 'config'>,
  routes: readonly BoundRoute[],
): readonly BoundRoute[] {
  if (config.aiGatewayEnabled) return routes
  return routes.map((bound) => ({
    ...bound,
    handle: async () => {
      throw new ApiError(403, GATEWAY_OFF)
    },
  }))
}
