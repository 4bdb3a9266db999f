import { queryOptions } from '@tanstack/react-query'

import { getAuthorizationServerMetadata } from '@slipway/contract'
import { api } from '../api/client.ts'

/** What clients read about this deployment; it says the access URL, which may be another than that of this page. */
export const metadataQuery = queryOptions({
  queryKey: ['authorization-server-metadata'],
  queryFn: ({ signal }) => api.call(getAuthorizationServerMetadata, { signal }),
  staleTime: 60_000,
})
