import { useQuery } from '@tanstack/react-query'

import { beginStepUp, stepUp } from '@slipway/contract'
import { api } from '../api/client.ts'
import type { StepUpRequest } from '../api/step-up.ts'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { type Proof, ProofForm } from './proof-form.tsx'

/** Has the viewer prove again who they are before something that a stolen session must not do (L-32). */
export function StepUpDialog({ request }: { readonly request: StepUpRequest }) {
  const options = useQuery({
    queryKey: ['step-up'],
    queryFn: ({ signal }) => api.call(beginStepUp, { params: { user: 'me' }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  })
  const send = async (proof: Proof) => {
    const challenge = 'passkey' in proof && options.data !== undefined ? options.data.challenge_id : undefined
    try {
      await api.call(stepUp, {
        params: { user: 'me' },
        body: { ...proof, ...(challenge === undefined ? {} : { challenge_id: challenge }) },
      })
    } catch (error) {
      // A challenge is good for one signature.
      if ('passkey' in proof) void options.refetch()
      throw error
    }
    request.settle(true)
  }
  return (
    <Dialog
      open
      onClose={() => request.settle(false)}
      title="Confirm it is you"
      description="This changes who can act as you, so please prove it is you. We ask again after ten minutes."
    >
      {options.data === undefined ? (
        options.isError ? (
          <ErrorNotice error={options.error} onRetry={() => void options.refetch()} />
        ) : (
          <div role="status" className="flex h-20 items-center justify-center text-ink-3">
            <Spinner className="size-5" />
            <span className="sr-only">Loading</span>
          </div>
        )
      ) : (
        <ProofForm
          methods={options.data.methods}
          passkeyOptions={options.data.passkey_options}
          verb="Confirm"
          onProof={send}
        />
      )}
    </Dialog>
  )
}
