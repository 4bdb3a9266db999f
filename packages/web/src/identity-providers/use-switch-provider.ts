import { useMutation } from '@tanstack/react-query'

import { type IdentityProvider, updateIdentityProvider } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { toasts } from '../ui/toast.tsx'

/** Enables or disables a provider. */
export function useSwitchProvider() {
  return useMutation({
    mutationFn: ({ provider, enabled }: { readonly provider: IdentityProvider; readonly enabled: boolean }) =>
      api.call(updateIdentityProvider, { params: { identityprovider: provider.id }, body: { enabled } }),
    onSuccess: (provider) => {
      void queries.invalidateQueries({ queryKey: ['identity-providers'] })
      void queries.invalidateQueries({ queryKey: ['auth-methods'] })
      const name = provider.display_name || provider.id
      toasts.done(
        provider.enabled ? `${name} is now on the sign-in page` : `${name} is no longer on the sign-in page`,
      )
    },
    onError: (error, { provider }) =>
      toasts.failed(`${provider.display_name || provider.id} was not changed`, error),
  })
}
