import { useMutation, useQuery } from '@tanstack/react-query'

import { beginTotp, confirmTotp } from '@slipway/contract'
import { api } from '../api/client.ts'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { toasts } from '../ui/toast.tsx'
import { TotpSetup } from './totp-setup.tsx'

interface AddTotpDialogProps {
  readonly onClose: () => void
  readonly onAdded: (recoveryCodes: readonly string[]) => void
}

/** Sets an authenticator app up, once it has shown a right code. */
export function AddTotpDialog({ onClose, onAdded }: AddTotpDialogProps) {
  const begun = useQuery({
    queryKey: ['new-totp'],
    queryFn: () => api.call(beginTotp, { params: { user: 'me' } }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  })
  const confirm = useMutation({
    mutationFn: (code: string) =>
      api.call(confirmTotp, {
        params: { user: 'me' },
        body: { challenge_id: begun.data?.challenge_id ?? '', totp_code: code },
      }),
    onSuccess: ({ recovery_codes }) => {
      toasts.done('The authenticator app was set up')
      onAdded(recovery_codes)
    },
  })
  return (
    <Dialog open onClose={onClose} title="Set up an authenticator app">
      {begun.data === undefined ? (
        begun.isError ? (
          <ErrorNotice error={begun.error} onRetry={() => void begun.refetch()} />
        ) : (
          <div role="status" className="flex h-60 items-center justify-center text-ink-3">
            <Spinner className="size-5" />
            <span className="sr-only">Loading</span>
          </div>
        )
      ) : (
        <TotpSetup
          secret={begun.data.secret}
          url={begun.data.otpauth_url}
          verb="Set up the app"
          busy={confirm.isPending || confirm.isSuccess}
          error={confirm.error}
          onCode={(code) => confirm.mutate(code)}
        />
      )}
    </Dialog>
  )
}
