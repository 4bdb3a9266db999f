import { useMutation, useQuery } from '@tanstack/react-query'
import { Laptop, LogOut, Smartphone, Terminal } from 'lucide-react'
import { useState } from 'react'

import { deleteOtherSessions, deleteSession, type Session } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useSignOut } from '../session/use-sign-out.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { describeDevice } from './device-words.ts'
import { sessionsQuery } from './queries.ts'

const refresh = () => queries.invalidateQueries({ queryKey: sessionsQuery.queryKey })

/** `/settings/sessions`: where the viewer is signed in, and how to end that (UI-B23). */
export function SessionsPage() {
  const online = useOnline()
  const signOut = useSignOut()
  const sessions = useQuery(sessionsQuery)
  const [doomed, setDoomed] = useState<Session>()
  const [endingOthers, setEndingOthers] = useState(false)
  const end = useMutation({
    mutationFn: (session: Session) => api.call(deleteSession, { params: { user: 'me', keyid: session.id } }),
    onSuccess: async (_, session) => {
      await refresh()
      setDoomed(undefined)
      toasts.done(`${describeDevice(session.user_agent).title} was signed out`)
    },
  })
  const endOthers = useMutation({
    mutationFn: () => api.call(deleteOtherSessions, { params: { user: 'me' } }),
    onSuccess: async () => {
      await refresh()
      setEndingOthers(false)
      toasts.done('All other sessions were ended')
    },
  })
  const rows = sessions.data?.toSorted(
    (a, b) => Number(b.current) - Number(a.current) || b.last_used.localeCompare(a.last_used),
  )
  const others = rows?.filter(({ current }) => !current).length ?? 0
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="min-w-0 flex-1 basis-60 text-sm text-ink-2">
          Browsers and command lines signed in as you. If you do not recognize one, end it and change your
          password.
        </p>
        {others === 0 ? null : (
          <Button disabled={!online} onClick={() => setEndingOthers(true)}>
            End all others
          </Button>
        )}
      </div>
      {sessions.isError ? (
        <ErrorNotice
          error={sessions.error}
          title="The sessions could not be read"
          onRetry={() => void sessions.refetch()}
        />
      ) : null}
      {sessions.isError && rows === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Sessions"
            columns={COLUMNS}
            rows={rows}
            rowKey={(row) => row.id}
            rowLabel={(row) => describeDevice(row.user_agent).title}
            actions={(row) =>
              row.current ? (
                <Button tone="quiet" size="dense" disabled={!online} onClick={signOut}>
                  Sign out
                </Button>
              ) : (
                <Button
                  tone="quiet"
                  size="dense"
                  disabled={!online}
                  aria-label={`End the session of ${describeDevice(row.user_agent).title}`}
                  onClick={() => setDoomed(row)}
                >
                  End
                </Button>
              )
            }
            empty={
              <EmptyState icon={LogOut} title="No session">
                You are using a token, not a session. See Tokens.
              </EmptyState>
            }
          />
        </div>
      )}
      <ConfirmDialog
        open={doomed !== undefined}
        onClose={() => {
          setDoomed(undefined)
          end.reset()
        }}
        title={`End the session of ${doomed === undefined ? '' : describeDevice(doomed.user_agent).title}?`}
        description="It is signed out at once, and its open terminals and pages disconnect."
        verb="End the session"
        danger
        busy={end.isPending}
        error={end.error}
        onConfirm={() => (doomed === undefined ? undefined : end.mutate(doomed))}
      />
      <ConfirmDialog
        open={endingOthers}
        onClose={() => {
          setEndingOthers(false)
          endOthers.reset()
        }}
        title="End all other sessions?"
        description={`${others === 1 ? 'One browser or command line is' : `${others} browsers and command lines are`} signed out at once. This page stays signed in. Tokens stay valid.`}
        verb="End all others"
        danger
        busy={endOthers.isPending}
        error={endOthers.error}
        onConfirm={() => endOthers.mutate()}
      />
    </div>
  )
}

const ICONS = { browser: Laptop, phone: Smartphone, program: Terminal } as const

const COLUMNS: readonly Column<Session>[] = [
  {
    id: 'device',
    header: 'Device',
    cell: (row) => {
      const { kind, title } = describeDevice(row.user_agent)
      const Icon = ICONS[kind]
      return (
        <span className="flex min-w-0 items-center gap-2.5" title={row.user_agent}>
          <Icon className="size-4 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
          <bdi className="truncate font-medium">{title}</bdi>
          {row.current ? <Mark>This session</Mark> : null}
        </span>
      )
    },
  },
  {
    id: 'address',
    header: 'Address',
    from: 'sm',
    cell: (row) => <code className="whitespace-nowrap text-xs text-ink-2">{row.ip_address}</code>,
  },
  {
    id: 'used',
    header: 'Last used',
    className: '@max-xl:pl-4',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <span className="@xl:hidden">Used </span>
        {row.current ? 'now' : <TimeAgo time={row.last_used} />}
      </span>
    ),
  },
  {
    id: 'created',
    header: 'Signed in',
    from: 'md',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={row.created_at} />
      </span>
    ),
  },
  {
    id: 'expires',
    header: 'Ends',
    from: 'lg',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={row.expires_at} />
      </span>
    ),
  },
]
