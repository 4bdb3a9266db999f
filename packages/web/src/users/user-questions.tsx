import { useMutation } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { deleteUser, resetSecondFactors, suspendUser, type User } from '@slipway/contract'
import { api } from '../api/client.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'

interface AskProps {
  readonly user: User
  readonly onClose: () => void
  readonly onDone: () => void
}

/** Asks before an account is suspended. */
export function SuspendDialog({ user, onClose, onDone }: AskProps) {
  const suspend = useMutation({
    mutationFn: () => api.call(suspendUser, { params: { user: user.id } }),
    onSuccess: () => {
      onDone()
      onClose()
      toasts.done(`${user.username} was suspended`)
    },
  })
  return (
    <Ask
      title={`Suspend ${user.username}?`}
      description="The account cannot sign in and its tokens are refused. Its workspaces stay. You can activate it again."
      verb="Suspend"
      mutation={suspend}
      onClose={onClose}
    />
  )
}

/** Asks before an account goes for good. */
export function DeleteDialog({ user, onClose, onDone }: AskProps) {
  const remove = useMutation({
    mutationFn: () => api.call(deleteUser, { params: { user: user.id } }),
    onSuccess: () => {
      onDone()
      onClose()
      toasts.done(`${user.username} was deleted`)
    },
  })
  return (
    <Ask
      title={`Delete ${user.username}?`}
      description="The account, its tokens and keys are gone for good. Delete its workspaces first."
      verb="Delete user"
      typedName={user.username}
      mutation={remove}
      onClose={onClose}
    />
  )
}

/** Asks before somebody who has lost theirs can sign in by the password alone. */
export function ResetFactorsDialog({ user, onClose, onDone }: AskProps) {
  const reset = useMutation({
    mutationFn: () => api.call(resetSecondFactors, { params: { user: user.id } }),
    onSuccess: () => {
      onDone()
      onClose()
      toasts.done(`${user.username} has no second factors now`)
    },
  })
  return (
    <Ask
      title={`Remove all second factors of ${user.username}?`}
      description="The authenticator app, the passkeys and the recovery codes stop working; the password alone is enough until new ones are added. Make sure that it is really them asking."
      verb="Remove second factors"
      mutation={reset}
      onClose={onClose}
    />
  )
}

function Ask({
  title,
  description,
  verb,
  typedName,
  mutation,
  onClose,
}: {
  readonly title: string
  readonly description: ReactNode
  readonly verb: string
  readonly typedName?: string
  readonly mutation: { readonly mutate: () => void; readonly isPending: boolean; readonly error: unknown }
  readonly onClose: () => void
}) {
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={title}
      description={description}
      verb={verb}
      danger
      {...(typedName === undefined ? {} : { typedName })}
      busy={mutation.isPending}
      error={mutation.error}
      onConfirm={() => mutation.mutate()}
    />
  )
}
