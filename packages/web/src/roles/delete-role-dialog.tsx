import { useMutation } from '@tanstack/react-query'

import { type AssignableRoles, deleteCustomRole } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOrganization } from '../organizations/organization-context.ts'
import { roleTitle } from '../organizations/role-words.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'

/** Deletes a role of the organization once its name was typed (UI-506, RB-39). */
export function DeleteRoleDialog({
  role,
  onClose,
  onDeleted,
}: {
  readonly role: AssignableRoles
  readonly onClose: () => void
  readonly onDeleted?: () => void
}) {
  const { organization } = useOrganization()
  const remove = useMutation({
    mutationFn: () =>
      api.call(deleteCustomRole, { params: { organization: organization.id, roleName: role.name } }),
    onSuccess: () => {
      onClose()
      onDeleted?.()
      void queries.invalidateQueries({ queryKey: ['organization-roles', organization.id] })
      void queries.invalidateQueries({ queryKey: ['members', organization.id] })
      void queries.invalidateQueries({ queryKey: ['organizations'] })
      toasts.done(`${roleTitle(role)} was deleted`)
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Delete the role ${roleTitle(role)}?`}
      description="Members who have it lose it at once, with everything it permits. This cannot be undone."
      verb="Delete role"
      danger
      typedName={role.name}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    />
  )
}
