import { queryOptions } from '@tanstack/react-query'

import {
  getAIGatewaySettings,
  getAIProviderRouting,
  listAIGatewayClients,
  listAIGatewayModels,
  listAIModelPriceChanges,
  listAIModelPrices,
} from '@slipway/contract'
import { api } from '../api/client.ts'

export const gatewaySettingsQuery = queryOptions({
  queryKey: ['ai-gateway-settings'],
  queryFn: ({ signal }) => api.call(getAIGatewaySettings, { signal }),
})

/** What models cost: prices of the release and those of the deployment. */
export const pricesQuery = queryOptions({
  queryKey: ['ai-model-prices'],
  queryFn: ({ signal }) => api.call(listAIModelPrices, { query: { source: 'all' }, signal }),
})

/** What has changed of the price of one model, or of the last hundred of all. */
export function priceChangesQuery(of: { readonly provider: string; readonly model: string } | undefined) {
  return queryOptions({
    queryKey: [...pricesQuery.queryKey, 'changes', of?.provider, of?.model],
    queryFn: ({ signal }) =>
      api.call(listAIModelPriceChanges, {
        query: of === undefined ? {} : { provider: of.provider, model: of.model },
        signal,
      }),
  })
}

export function routingQuery(provider: string) {
  return queryOptions({
    queryKey: ['ai-provider-routing', provider],
    queryFn: ({ signal }) => api.call(getAIProviderRouting, { params: { idOrName: provider }, signal }),
  })
}

/** Models that were asked for, of the records that the viewer may read. */
export const usedModelsQuery = queryOptions({
  queryKey: ['ai-gateway-models'],
  queryFn: ({ signal }) => api.call(listAIGatewayModels, { query: { limit: 200 }, signal }),
  staleTime: 60_000,
})

/** Programs that asked, likewise. */
export const usedClientsQuery = queryOptions({
  queryKey: ['ai-gateway-clients'],
  queryFn: ({ signal }) => api.call(listAIGatewayClients, { query: { limit: 200 }, signal }),
  staleTime: 60_000,
})
