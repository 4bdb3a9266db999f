import { useMutation } from '@tanstack/react-query'

import { type ChatModelConfig, deleteChatModelConfig } from '@slipway/contract'
import { api } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { refreshModels } from '../chats/queries.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
import { modelTitle } from './model-title.ts'

/** Asks before a model goes. */
export function DeleteModelDialog({
  model,
  onClose,
  onDeleted,
}: {
  readonly model: ChatModelConfig
  readonly onClose: () => void
  readonly onDeleted?: () => void
}) {
  const name = modelTitle(model)
  const remove = useMutation({
    mutationFn: async () => {
      try {
        await api.call(deleteChatModelConfig, { params: { modelConfig: model.id } })
      } catch (error) {
        // Somebody else was faster.
        if (statusOf(error) !== 404) throw error
      }
    },
    onSuccess: async () => {
      onClose()
      onDeleted?.()
      toasts.done(`The model ${name} was deleted`)
      await refreshModels()
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Delete ${name}?`}
      description={`Chats that use it continue with the default model.${model.is_default ? ' It is the default itself, so another one takes its place.' : ''}`}
      verb="Delete model"
      danger
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    />
  )
}
