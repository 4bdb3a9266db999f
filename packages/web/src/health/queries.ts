import { queryOptions } from '@tanstack/react-query'

import { getHealth } from '@slipway/contract'
import { api } from '../api/client.ts'

const POLL_MS = 30_000

/** The latest health report; the server makes a new one when it is old. */
export const healthQuery = queryOptions({
  queryKey: ['health'],
  queryFn: ({ signal }) => api.call(getHealth, { query: {}, signal }),
  refetchInterval: POLL_MS,
})
