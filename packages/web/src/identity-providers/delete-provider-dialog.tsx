import { useMutation } from '@tanstack/react-query'

import { deleteIdentityProvider, type IdentityProvider } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'

/** Asks before a provider goes: people that only it knows cannot sign in any more. */
export function DeleteProviderDialog({
  provider,
  onClose,
  onDeleted = () => undefined,
}: {
  readonly provider: IdentityProvider
  readonly onClose: () => void
  readonly onDeleted?: () => void
}) {
  const name = provider.display_name || provider.id
  const remove = useMutation({
    mutationFn: () => api.call(deleteIdentityProvider, { params: { identityprovider: provider.id } }),
    onSuccess: async () => {
      onClose()
      onDeleted()
      toasts.done(`${name} was deleted`)
      await queries.invalidateQueries({ queryKey: ['identity-providers'] })
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Delete ${name}?`}
      description="Its client secret is gone for good, and people who use it cannot sign in until they have another provider or a password. Their accounts and workspaces stay. To try this out first, disable it instead."
      verb="Delete provider"
      danger
      typedName={provider.id}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    />
  )
}
