import { queryOptions } from '@tanstack/react-query'

import { listUserSecrets } from '@slipway/contract'
import { api, queries } from '../api/client.ts'

/** The viewer's secrets, without their values. */
export const secretsQuery = queryOptions({
  queryKey: ['secrets'],
  queryFn: ({ signal }) => api.call(listUserSecrets, { params: { user: 'me' }, signal }),
})

/** Reads them again after one changed. */
export function refreshSecrets(): Promise<void> {
  return queries.invalidateQueries({ queryKey: secretsQuery.queryKey })
}
