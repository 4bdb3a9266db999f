import { queryOptions } from '@tanstack/react-query'

import { getExternalAuth, listExternalAuths, listTemplateVersionExternalAuth } from '@slipway/contract'
import { api } from '../api/client.ts'

/** All providers and the viewer's connections, each validated on the way. */
export const connectionsQuery = queryOptions({
  queryKey: ['external-auth'],
  queryFn: ({ signal }) => api.call(listExternalAuths, { signal }),
  // Connections are made in other tabs.
  refetchOnWindowFocus: true,
})

/** The viewer's connection to one provider. */
export const connectionQuery = (provider: string) =>
  queryOptions({
    queryKey: ['external-auth', 'of', provider],
    queryFn: ({ signal }) => api.call(getExternalAuth, { params: { externalauth: provider }, signal }),
    refetchOnWindowFocus: true,
  })

/** What a template wants its users to be connected to, and whether this one is. */
export const requiredConnectionsQuery = (version: string, userId: string) =>
  queryOptions({
    queryKey: ['external-auth', 'for', version, userId],
    queryFn: ({ signal }) =>
      api.call(listTemplateVersionExternalAuth, {
        params: { templateversion: version },
        query: { user_id: userId },
        signal,
      }),
    refetchOnWindowFocus: true,
  })
