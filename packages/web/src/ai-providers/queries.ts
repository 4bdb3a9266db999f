import { queryOptions } from '@tanstack/react-query'

import { getAIProvider, listAIProviders } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { refreshModels } from '../chats/queries.ts'

export const providersQuery = queryOptions({
  queryKey: ['ai-providers'],
  queryFn: ({ signal }) => api.call(listAIProviders, { signal }),
})

export function providerQuery(idOrName: string) {
  return queryOptions({
    queryKey: ['ai-provider', idOrName],
    queryFn: ({ signal }) => api.call(getAIProvider, { params: { idOrName }, signal }),
  })
}

/** Everything that shows providers, or what they offer, is read again. */
export async function refreshProviders(): Promise<void> {
  await Promise.all([
    queries.invalidateQueries({ queryKey: ['ai-providers'] }),
    queries.invalidateQueries({ queryKey: ['ai-provider'] }),
    refreshModels(),
  ])
}

/** Nothing asks for a deleted provider any more; the lists are read again. */
export async function forgetProvider(...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await queries.cancelQueries({ queryKey: ['ai-provider', id] })
    queries.removeQueries({ queryKey: ['ai-provider', id] })
  }
  await Promise.all([queries.invalidateQueries({ queryKey: ['ai-providers'] }), refreshModels()])
}
