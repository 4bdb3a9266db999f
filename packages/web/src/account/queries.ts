import { queryOptions } from '@tanstack/react-query'

import { getSecondFactors, listScopes, listSessions } from '@slipway/contract'
import { api } from '../api/client.ts'

const ME = { user: 'me' } as const

/** What protects the viewer's account beside the password. */
export const secondFactorsQuery = queryOptions({
  queryKey: ['second-factors'],
  queryFn: ({ signal }) => api.call(getSecondFactors, { params: ME, signal }),
})

/** Where the viewer is signed in. */
export const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: ({ signal }) => api.call(listSessions, { params: ME, signal }),
})

/** Scopes that a token can have. */
export const scopesQuery = queryOptions({
  queryKey: ['scopes'],
  queryFn: ({ signal }) => api.call(listScopes, { signal }),
  staleTime: Number.POSITIVE_INFINITY,
})
