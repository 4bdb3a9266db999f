import { useMutation } from '@tanstack/react-query'

import { deleteOAuth2App, type OAuth2ProviderApp } from '@slipway/contract'
import { api } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
import { forgetApp } from './queries.ts'

/** Asks before an app goes with all that was issued through it (UI-206, UI-506). */
export function DeleteAppDialog({
  app,
  onClose,
  onDeleted,
}: {
  readonly app: OAuth2ProviderApp
  readonly onClose: () => void
  /** Leaves what shows the app, before anything is read again. */
  readonly onDeleted?: () => void
}) {
  const remove = useMutation({
    mutationFn: async () => {
      try {
        await api.call(deleteOAuth2App, { params: { app: app.id } })
      } catch (error) {
        // Somebody else was faster.
        if (statusOf(error) !== 404) throw error
      }
    },
    onSuccess: async () => {
      onClose()
      onDeleted?.()
      toasts.done(`The app ${app.name} was deleted`)
      await forgetApp(app.id)
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Delete the app ${app.name}?`}
      description="All sessions and tokens issued through it end at once, for everybody who has authorized it. Its secrets stop working, and nobody can sign in with it anymore."
      verb="Delete app"
      danger
      typedName={app.name}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    />
  )
}
