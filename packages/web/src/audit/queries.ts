import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { listAuditLogs } from '@slipway/contract'
import { api } from '../api/client.ts'
import { PAGE_SIZE } from '../ui/pagination.tsx'

/** One page of the audit log, youngest first. */
export function auditQuery({ filter, page }: { readonly filter: string; readonly page: number }) {
  return queryOptions({
    queryKey: ['audit', filter, page],
    queryFn: ({ signal }) =>
      api.call(listAuditLogs, {
        query: { q: filter, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}
