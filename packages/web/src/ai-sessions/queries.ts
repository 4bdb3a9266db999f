import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'

import { getAIGatewaySession, listAIGatewaySessions } from '@slipway/contract'
import { api } from '../api/client.ts'
import { PAGE_SIZE } from '../ui/pagination.tsx'
import { withRange } from './session-words.ts'

/** One page of sessions, those that were active last in front. */
export function sessionsQuery({ filter, page }: { readonly filter: string; readonly page: number }) {
  return queryOptions({
    queryKey: ['ai-sessions', filter, page],
    queryFn: ({ signal }) =>
      api.call(listAIGatewaySessions, {
        query: { q: withRange(filter, Date.now()), limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

const THREADS = 50

/** A session, with more of its threads at each page. */
export function sessionQuery(id: string, initiator: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ['ai-session', id, initiator],
    queryFn: ({ signal, pageParam }) =>
      api.call(getAIGatewaySession, {
        params: { session_id: id },
        query: {
          limit: THREADS,
          ...(pageParam === '' ? {} : { after_id: pageParam }),
          ...(initiator === undefined ? {} : { initiator }),
        },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (last, pages) => {
      const shown = pages.reduce((sum, { threads }) => sum + threads.length, 0)
      return shown < last.thread_count ? last.threads.at(-1)?.id : undefined
    },
  })
}
