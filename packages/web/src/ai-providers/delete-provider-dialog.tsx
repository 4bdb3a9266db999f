import { useMutation, useQuery } from '@tanstack/react-query'

import { type AIProvider, deleteAIProvider } from '@slipway/contract'
import { api } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { modelConfigsQuery } from '../chats/queries.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
import { whatStops } from './provider-words.ts'
import { forgetProvider } from './queries.ts'

/** Asks before a provider goes, with what goes with it (UI-506, UI-1303). */
export function DeleteProviderDialog({
  provider,
  onClose,
  onDeleted,
}: {
  readonly provider: AIProvider
  readonly onClose: () => void
  readonly onDeleted?: () => void
}) {
  const models = useQuery(modelConfigsQuery)
  const remove = useMutation({
    mutationFn: async () => {
      try {
        await api.call(deleteAIProvider, { params: { idOrName: provider.id } })
      } catch (error) {
        // Somebody else was faster.
        if (statusOf(error) !== 404) throw error
      }
    },
    onSuccess: async () => {
      onClose()
      onDeleted?.()
      toasts.done(`The provider ${provider.display_name} was deleted`)
      await forgetProvider(provider.id, provider.name)
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Delete ${provider.display_name}?`}
      description={`${whatStops(provider, models.data)} Its keys are deleted, and gateway clients that use it get errors at once. To stop it for a while, turn it off instead.`}
      verb="Delete provider"
      danger
      typedName={provider.name}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    />
  )
}
