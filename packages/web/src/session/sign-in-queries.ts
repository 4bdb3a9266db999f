import { queryOptions } from '@tanstack/react-query'

import { getAuthMethods, getFirstUser, getUser, type User } from '@slipway/contract'
import { api } from '../api/client.ts'
import { takeEmbedded } from '../api/embedded.ts'
import { statusOf } from '../api/errors.ts'

/** The signed-in user. Its 401 is what "signed out" means (UI-201). */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => api.call(getUser, { params: { user: 'me' }, signal }),
  initialData: () => takeEmbedded<User>('user'),
  staleTime: 60_000,
  retry: false,
})

/** Whether the deployment has its first user (UI-208). */
export const hasFirstUserQuery = queryOptions({
  queryKey: ['first-user'],
  queryFn: async ({ signal }) => {
    try {
      await api.call(getFirstUser, { signal })
      return true
    } catch (error) {
      if (statusOf(error) === 404) return false
      throw error
    }
  },
})

export const authMethodsQuery = queryOptions({
  queryKey: ['auth-methods'],
  queryFn: ({ signal }) => api.call(getAuthMethods, { signal }),
  staleTime: 60_000,
})
