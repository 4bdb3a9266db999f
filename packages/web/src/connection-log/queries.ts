import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { listConnectionLogs } from '@slipway/contract'
import { api } from '../api/client.ts'
import { PAGE_SIZE } from '../ui/pagination.tsx'

/** One page of the connection log, youngest first. */
export function connectionsQuery({ filter, page }: { readonly filter: string; readonly page: number }) {
  return queryOptions({
    queryKey: ['connections', filter, page],
    queryFn: ({ signal }) =>
      api.call(listConnectionLogs, {
        query: { q: filter, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}
