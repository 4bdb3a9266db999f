import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import { type User, updatePassword } from '@slipway/contract'
import { OnceShown } from '../account/once-shown.tsx'
import { api } from '../api/client.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx'
import { generatedPassword } from './generated-password.ts'

/** Gives an account a generated password, shown once (UI-1401). */
export function ResetPasswordDialog({
  user,
  onClose,
}: {
  readonly user: User
  readonly onClose: () => void
}) {
  const [password] = useState(generatedPassword)
  const reset = useMutation({
    mutationFn: () => api.call(updatePassword, { params: { user: user.id }, body: { password } }),
  })
  if (reset.isSuccess)
    return (
      <Dialog
        open
        onClose={onClose}
        title={`New password of ${user.username}`}
        description="Pass it on in a safe way: it will not be shown again. Ask them to change it after signing in."
        footer={
          <Button tone="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <OnceShown label="Password" secret={password} />
      </Dialog>
    )
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Reset the password of ${user.username}?`}
      description="The current password stops working, and all sessions of the account end. A generated password replaces it."
      verb="Reset password"
      danger
      busy={reset.isPending}
      error={reset.error}
      onConfirm={() => reset.mutate()}
    />
  )
}
