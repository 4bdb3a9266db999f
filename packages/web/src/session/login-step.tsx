import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { beginLoginEnrolment, completeLogin, completeLoginEnrolment } from '@slipway/contract'
import { RecoveryCodes } from '../account/recovery-codes.tsx'
import { TotpSetup } from '../account/totp-setup.tsx'
import { api } from '../api/client.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Spinner } from '../ui/spinner.tsx'
import type { NextStep } from './next-step.ts'
import { ProofForm } from './proof-form.tsx'
import { StandAlonePage } from './stand-alone-page.tsx'

interface LoginStepProps {
  readonly next: NextStep
  readonly target: string
  readonly onBack: () => void
}

/** What follows a right password: the second factor, or setting one up where the deployment asks for it (L-32). */
export function LoginStep({ next, target, onBack }: LoginStepProps) {
  const back = (
    <button type="button" className="link self-start text-sm" onClick={onBack}>
      Back to sign-in
    </button>
  )
  if (next.kind === 'enrol')
    return (
      <StandAlonePage
        title="Set up a second factor"
        context="This deployment requires one in addition to your password. An authenticator app shows a new code every 30 seconds."
      >
        <Enrolment challengeId={next.challengeId} target={target} back={back} />
      </StandAlonePage>
    )
  const { challenge_id, methods, passkey_options } = next.required
  return (
    <StandAlonePage title="Confirm it is you" context={`The second step for ${next.email}.`}>
      <div className="flex flex-col gap-6">
        <ProofForm
          methods={methods}
          passkeyOptions={passkey_options}
          verb="Sign in"
          onProof={async (proof) => {
            if ('password' in proof) return
            await api.call(completeLogin, { body: { challenge_id, ...proof } })
            location.assign(target)
          }}
        />
        {back}
      </div>
    </StandAlonePage>
  )
}

function Enrolment({
  challengeId,
  target,
  back,
}: {
  readonly challengeId: string
  readonly target: string
  readonly back: React.ReactNode
}) {
  const [saved, setSaved] = useState(false)
  const begun = useQuery({
    queryKey: ['login-enrolment', challengeId],
    queryFn: ({ signal }) => api.call(beginLoginEnrolment, { body: { challenge_id: challengeId }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  })
  const confirm = useMutation({
    mutationFn: (code: string) =>
      api.call(completeLoginEnrolment, {
        body: { challenge_id: begun.data?.challenge_id ?? '', totp_code: code },
      }),
  })
  if (confirm.data !== undefined)
    return (
      <div className="flex flex-col gap-5">
        <RecoveryCodes codes={confirm.data.recovery_codes} saved={saved} onSaved={setSaved} />
        <Button tone="primary" disabled={!saved} onClick={() => location.assign(target)}>
          Go to the dashboard
        </Button>
      </div>
    )
  if (begun.data === undefined)
    return begun.isError ? (
      <div className="flex flex-col items-start gap-4">
        <ErrorNotice error={begun.error} />
        {back}
      </div>
    ) : (
      <div role="status" className="flex h-40 items-center justify-center text-ink-3">
        <Spinner className="size-5" />
        <span className="sr-only">Loading</span>
      </div>
    )
  return (
    <div className="flex flex-col gap-6">
      <TotpSetup
        secret={begun.data.secret}
        url={begun.data.otpauth_url}
        busy={confirm.isPending}
        error={confirm.error}
        onCode={(code) => confirm.mutate(code)}
        verb="Set up and sign in"
      />
      {back}
    </div>
  )
}
