import { useMutation } from '@tanstack/react-query'

import { deleteUserAIBudgetOverride } from '@slipway/contract'
import { api } from '../api/client.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshBudgets } from './queries.ts'

/** Takes a user's own budget away: those of their groups count again. */
export function RemoveOverrideDialog({
  user,
  onClose,
}: {
  readonly user: { readonly id: string; readonly username: string }
  readonly onClose: () => void
}) {
  const remove = useMutation({
    mutationFn: () => api.call(deleteUserAIBudgetOverride, { params: { user: user.id } }),
    onSuccess: async () => {
      await refreshBudgets()
      toasts.done(`${user.username} has the budget of their groups again`)
      onClose()
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Remove the budget of ${user.username}?`}
      description="The budgets of their groups apply again, from the next request on. If there are none, nothing limits what they spend."
      verb="Remove"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    />
  )
}
