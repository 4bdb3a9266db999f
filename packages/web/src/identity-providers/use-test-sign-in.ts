import { useMutation } from '@tanstack/react-query'

import { type IdentityProvider, startProviderTest } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { toasts } from '../ui/toast.tsx'

/** Begins a test sign-in and goes to its page, from where the provider is opened (L-29). */
export function useTestSignIn(provider: IdentityProvider) {
  const go = useGo()
  return useMutation({
    mutationFn: () => api.call(startProviderTest, { params: { identityprovider: provider.id } }),
    onSuccess: (test) => go(paths.identityProviderTest(provider.id, test.id)),
    onError: (error) => toasts.failed('The test was not started', error),
  })
}
