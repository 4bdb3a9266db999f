import { useMutation, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { deleteOtherSessions, resetSignInDelay, type User } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { factorsQuery, signInDelayQuery, userSessionsQuery } from './queries.ts'
import { ResetFactorsDialog } from './user-questions.tsx'

interface UserSecurityProps {
  readonly user: User
  readonly self: boolean
  readonly mayUpdate: boolean
  readonly onResetPassword: () => void
}

/** How an account is protected, and how somebody who is locked out comes in again. */
export function UserSecurity({ user, self, mayUpdate, onResetPassword }: UserSecurityProps) {
  if (user.is_service_account)
    return (
      <Section title="Security">
        <p className="text-sm text-ink-2">
          A service account does not sign in. It acts with tokens that an administrator creates for it.
        </p>
      </Section>
    )
  return (
    <Section
      title="Security"
      {...(self
        ? {
            actions: (
              <AppLink href={paths.settings('security')} className="link text-sm">
                Your own security settings
              </AppLink>
            ),
          }
        : {})}
      flush
    >
      {user.login_type === 'password' ? (
        <Row
          title="Password"
          action={
            mayUpdate && !self ? (
              <Button size="dense" onClick={onResetPassword}>
                Reset password
              </Button>
            ) : null
          }
        >
          A reset replaces it with a generated one, shown once.
        </Row>
      ) : null}
      <Factors user={user} mayReset={mayUpdate && !self} />
      <Delay user={user} mayReset={mayUpdate} />
      <Sessions user={user} mayEnd={mayUpdate && !self} />
    </Section>
  )
}

function Factors({ user, mayReset }: { readonly user: User; readonly mayReset: boolean }) {
  const factors = useQuery(factorsQuery(user.id))
  const [asked, setAsked] = useState(false)
  const { data } = factors
  if (data?.available === false)
    return <Row title="Second factors">The provider of the account asks for them, not Slipway.</Row>
  const kinds =
    data === undefined
      ? []
      : [
          ...(data.totp.enabled ? ['authenticator app'] : []),
          ...(data.passkeys.length > 0
            ? [`${data.passkeys.length} ${data.passkeys.length === 1 ? 'passkey' : 'passkeys'}`]
            : []),
        ]
  return (
    <>
      <Row
        title="Second factors"
        error={factors.error}
        onRetry={() => void factors.refetch()}
        action={
          mayReset && kinds.length > 0 ? (
            <Button size="dense" onClick={() => setAsked(true)}>
              Remove all
            </Button>
          ) : null
        }
      >
        {data === undefined
          ? ' '
          : kinds.length === 0
            ? data.required
              ? 'None yet. The next sign-in asks for one.'
              : 'None'
            : `${kinds.join(' and ')}, ${data.recovery_codes_left} recovery ${data.recovery_codes_left === 1 ? 'code' : 'codes'} left`}
      </Row>
      {asked ? (
        <ResetFactorsDialog
          user={user}
          onClose={() => setAsked(false)}
          onDone={() => void queries.invalidateQueries({ queryKey: factorsQuery(user.id).queryKey })}
        />
      ) : null}
    </>
  )
}

function Delay({ user, mayReset }: { readonly user: User; readonly mayReset: boolean }) {
  const delay = useQuery(signInDelayQuery(user.id))
  const reset = useMutation({
    mutationFn: () => api.call(resetSignInDelay, { params: { user: user.id } }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: signInDelayQuery(user.id).queryKey })
      toasts.done(`${user.username} can try again at once`)
    },
    onError: (error) => toasts.failed(`${user.username} was not unlocked`, error),
  })
  const { data } = delay
  return (
    <Row
      title="Failed sign-ins"
      error={delay.error}
      onRetry={() => void delay.refetch()}
      action={
        mayReset && data !== undefined && data.failures > 0 ? (
          <Button size="dense" busy={reset.isPending} onClick={() => reset.mutate()}>
            Unlock
          </Button>
        ) : null
      }
    >
      {data === undefined ? (
        ' '
      ) : data.delayed_until !== undefined ? (
        <span className="text-warn">
          {data.failures} in a row; sign-ins are refused until <TimeAgo time={data.delayed_until} />
        </span>
      ) : data.failures === 0 ? (
        'None'
      ) : (
        `${data.failures} in a row`
      )}
    </Row>
  )
}

function Sessions({ user, mayEnd }: { readonly user: User; readonly mayEnd: boolean }) {
  const sessions = useQuery(userSessionsQuery(user.id))
  const [asked, setAsked] = useState(false)
  const end = useMutation({
    mutationFn: () => api.call(deleteOtherSessions, { params: { user: user.id } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: userSessionsQuery(user.id).queryKey })
      setAsked(false)
      toasts.done(`${user.username} was signed out everywhere`)
    },
  })
  const count = sessions.data?.length ?? 0
  const last = sessions.data
    ?.map(({ last_used }) => last_used)
    .sort()
    .at(-1)
  return (
    <>
      <Row
        title="Sessions"
        error={sessions.error}
        onRetry={() => void sessions.refetch()}
        action={
          mayEnd && count > 0 ? (
            <Button size="dense" onClick={() => setAsked(true)}>
              End all
            </Button>
          ) : null
        }
      >
        {sessions.data === undefined ? (
          ' '
        ) : count === 0 ? (
          'Not signed in anywhere'
        ) : (
          <>
            {count} {count === 1 ? 'browser or command line' : 'browsers and command lines'}, last used{' '}
            <TimeAgo time={last} />
          </>
        )}
      </Row>
      <ConfirmDialog
        open={asked}
        onClose={() => {
          setAsked(false)
          end.reset()
        }}
        title={`End all sessions of ${user.username}?`}
        description="Browsers and command lines are signed out at once, and open terminals disconnect. Tokens stay valid."
        verb="End all sessions"
        danger
        busy={end.isPending}
        error={end.error}
        onConfirm={() => end.mutate()}
      />
    </>
  )
}

function Row({
  title,
  children,
  action = null,
  error,
  onRetry,
}: {
  readonly title: string
  readonly children: ReactNode
  readonly action?: ReactNode
  readonly error?: unknown
  readonly onRetry?: () => void
}) {
  return (
    <div className="flex min-h-12 flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-2 text-sm last:border-b-0">
      <h3 className="w-36 shrink-0 font-medium">{title}</h3>
      <div className="min-w-0 flex-1 basis-48 text-ink-2 first-letter:uppercase">
        {error === undefined || error === null ? (
          children
        ) : (
          <ErrorNotice error={error} {...(onRetry === undefined ? {} : { onRetry })} />
        )}
      </div>
      {action}
    </div>
  )
}
