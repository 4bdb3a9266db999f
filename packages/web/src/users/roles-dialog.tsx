import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { type User, updateUserRoles } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { toasts } from '../ui/toast.tsx'
import { siteRolesQuery } from './queries.ts'
import { RoleChoices } from './role-choices.tsx'

/** Which roles an account has in the deployment (UI-1401). */
export function RolesDialog({
  user,
  onClose,
  onDone,
}: {
  readonly user: User
  readonly onClose: () => void
  readonly onDone: () => void
}) {
  const me = useUser()
  const known = useQuery(siteRolesQuery)
  const [roles, setRoles] = useState<readonly string[]>(user.roles.map(({ name }) => name))
  const save = useMutation({
    mutationFn: () => api.call(updateUserRoles, { params: { user: user.id }, body: { roles: [...roles] } }),
    onSuccess: () => {
      onDone()
      // One's own roles decide about everything on screen.
      if (user.id === me.id) void queries.invalidateQueries()
      onClose()
      toasts.done(`Roles of ${user.username} saved`)
    },
  })
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Roles of ${user.username}`}
      description="Everybody is a member. Roles add permissions."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            busy={save.isPending}
            disabled={known.data === undefined}
            onClick={() => save.mutate()}
          >
            Save roles
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <ErrorNotice error={save.error} title="The roles were not saved" />
        <RoleChoices value={roles} onChange={setRoles} />
      </div>
    </Dialog>
  )
}
