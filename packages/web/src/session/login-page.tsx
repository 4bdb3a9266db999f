import { useQuery } from '@tanstack/react-query'
import { Navigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'

import { localPath } from '../api/local-path.ts'
import { useAddress } from '../navigation/address.ts'
import { paths } from '../paths.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { type AuthMethods, ProviderLinks } from './login-providers.tsx'
import type { NextStep } from './next-step.ts'
import { PasswordForm } from './password-form.tsx'
import { authMethodsQuery, hasFirstUserQuery, meQuery } from './sign-in-queries.ts'
import { StandAlonePage } from './stand-alone-page.tsx'

const LoginStep = lazy(async () => ({ default: (await import('./login-step.tsx')).LoginStep }))

/** A message in an address is anybody's: enough for a sentence of the server and not for a letter. */
const LONGEST_MESSAGE = 300

/** `/login`: the ways in that the deployment offers, and the second step where an account has one (UI-601). */
export function LoginPage() {
  const [search] = useAddress()
  const target = localPath(search.redirect, location.origin)
  const firstUser = useQuery(hasFirstUserQuery)
  const methods = useQuery(authMethodsQuery)
  const [next, setNext] = useState<NextStep>()
  const me = useQuery({ ...meQuery, enabled: next === undefined })

  // Signed in already: on to where the visitor was going, as a new page (UI-104, UI-207).
  const signedIn = me.data !== undefined
  useEffect(() => {
    if (signedIn) location.replace(target)
  }, [signedIn, target])

  if (firstUser.data === false) return <Navigate to={paths.setup()} replace />
  if (next !== undefined)
    return (
      <Suspense fallback={<Waiting />}>
        <LoginStep next={next} target={target} onBack={() => setNext(undefined)} />
      </Suspense>
    )
  return (
    <StandAlonePage title="Sign in" context={`to ${location.host}`}>
      <div className="flex flex-col gap-4">
        <Reason reason={search.reason} message={search.message} />
        {methods.isError ? (
          <ErrorNotice
            error={methods.error}
            title="The ways to sign in could not be read"
            onRetry={() => void methods.refetch()}
          />
        ) : null}
        {methods.data !== undefined ? (
          <Ways methods={methods.data} target={target} onNext={setNext} />
        ) : methods.isError ? null : (
          <Waiting />
        )}
      </div>
    </StandAlonePage>
  )
}

function Waiting() {
  return (
    <div className="flex h-40 items-center justify-center text-ink-3" role="status">
      <Spinner className="size-5" />
      <span className="sr-only">Loading</span>
    </div>
  )
}

/** Why the visitor is here, where something sent them. */
function Reason({
  reason,
  message,
}: {
  readonly reason: string | undefined
  readonly message: string | undefined
}) {
  if (message !== undefined) return <Notice tone="info" title={message.slice(0, LONGEST_MESSAGE)} />
  if (reason === 'expired')
    return (
      <Notice tone="info" title="Your session has ended">
        Sign in again to continue where you were.
      </Notice>
    )
  if (reason === 'password')
    return (
      <Notice tone="ok" title="Your password was changed">
        Sign in with the new one.
      </Notice>
    )
  return null
}

function Ways({
  methods,
  target,
  onNext,
}: {
  readonly methods: AuthMethods
  readonly target: string
  readonly onNext: (next: NextStep) => void
}) {
  const { providers, password, terms_of_service_url: terms = '' } = methods
  if (providers.length === 0 && !password.enabled)
    return (
      <Notice tone="bad" title="No way to sign in is enabled">
        An operator of this deployment has to enable passwords, GitHub or OpenID Connect.
      </Notice>
    )
  return (
    <>
      <ProviderLinks providers={providers} target={target} />
      {password.enabled && providers.length > 0 ? (
        <div className="flex items-center gap-3 text-xs text-ink-2">
          <hr className="flex-1 border-line" /> or <hr className="flex-1 border-line" />
        </div>
      ) : null}
      {password.enabled ? <PasswordForm providers={providers} target={target} onNext={onNext} /> : null}
      {terms === '' ? null : (
        <p className="text-xs text-ink-2">
          By signing in you accept the{' '}
          <a className="link" href={terms} target="_blank" rel="noopener noreferrer">
            terms of service
          </a>
          .
        </p>
      )}
    </>
  )
}
