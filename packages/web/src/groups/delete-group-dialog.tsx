import { useMutation } from '@tanstack/react-query'

import { deleteGroup, type PaginatedGroup } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
import { groupTitle } from './group-words.ts'

/** Deletes a group once its name was typed (UI-506). */
export function DeleteGroupDialog({
  group,
  onClose,
  onDeleted,
}: {
  readonly group: PaginatedGroup
  readonly onClose: () => void
  /** Leaves the pages of the group before they ask for it again. */
  readonly onDeleted?: () => void
}) {
  const remove = useMutation({
    mutationFn: () => api.call(deleteGroup, { params: { group: group.id } }),
    onSuccess: () => {
      onClose()
      onDeleted?.()
      queries.removeQueries({ queryKey: ['group', group.organization_id, group.name] })
      void queries.invalidateQueries({ queryKey: ['groups', group.organization_id] })
      toasts.done(`${groupTitle(group)} was deleted`)
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Delete ${groupTitle(group)}?`}
      description={
        <>
          Its members stay in the organization. They lose what only this group gives them: templates, shared
          workspaces, and its share of their budget.
          {group.source === 'oidc'
            ? ' The identity provider may create it again when one of them next signs in.'
            : ''}
        </>
      }
      verb="Delete group"
      danger
      typedName={group.name}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    />
  )
}
