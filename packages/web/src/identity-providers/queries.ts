import { queryOptions } from '@tanstack/react-query'

import { getIdentityProvider, getProviderTest, listIdentityProviders } from '@slipway/contract'
import { api } from '../api/client.ts'

const TEST_POLL_MS = 1500

/** Every way to sign in at a provider, from the settings and from here. */
export const identityProvidersQuery = queryOptions({
  queryKey: ['identity-providers'],
  queryFn: ({ signal }) => api.call(listIdentityProviders, { signal }),
})

export function identityProviderQuery(provider: string) {
  return queryOptions({
    queryKey: ['identity-providers', provider],
    queryFn: ({ signal }) =>
      api.call(getIdentityProvider, { params: { identityprovider: provider }, signal }),
  })
}

/** A test sign-in, asked for until somebody has gone through it. */
export function providerTestQuery(provider: string, test: string) {
  return queryOptions({
    queryKey: ['identity-provider-test', provider, test],
    queryFn: ({ signal }) =>
      api.call(getProviderTest, { params: { identityprovider: provider, providertest: test }, signal }),
    refetchInterval: (query) =>
      query.state.status === 'error' ||
      (query.state.data !== undefined && query.state.data.state !== 'pending')
        ? false
        : TEST_POLL_MS,
  })
}
