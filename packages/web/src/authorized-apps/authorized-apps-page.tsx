import { queryOptions, useMutation, useQuery } from '@tanstack/react-query'
import { AppWindow } from 'lucide-react'
import { useState } from 'react'

import {
  deleteOAuth2Grant,
  deleteOAuth2Tokens,
  listOAuth2Grants,
  type OAuth2ProviderGrant,
  postMcp,
  scopeInWords,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { type AuthorizedApp, byApp, reachOf } from './grants.ts'

const grantsQuery = queryOptions({
  queryKey: ['oauth2-grants'],
  queryFn: ({ signal }) => api.call(listOAuth2Grants, { params: { user: 'me' }, signal }),
})

/** What is about to be revoked: one grant, or all of an app. */
interface Doomed {
  readonly app: AuthorizedApp
  readonly grant: OAuth2ProviderGrant | undefined
}

/** `/settings/oauth2-provider`: apps that act for the viewer, and how to stop them (OA-22, OA-B10, UI-1506). */
export function AuthorizedAppsPage() {
  const grants = useQuery(grantsQuery)
  const [doomed, setDoomed] = useState<Doomed>()
  const revoke = useMutation({
    mutationFn: ({ app, grant }: Doomed) =>
      grant === undefined
        ? api.call(deleteOAuth2Tokens, { query: { client_id: app.id } })
        : api.call(deleteOAuth2Grant, { params: { user: 'me', oauth2grant: grant.id } }),
    onSuccess: async (_, { app }) => {
      await queries.invalidateQueries({ queryKey: grantsQuery.queryKey })
      setDoomed(undefined)
      toasts.done(`${app.name} has lost this access`)
    },
  })
  return (
    <div className="flex flex-col gap-4">
      <p className="text-sm text-ink-2">
        These apps act for you within what you agreed to. Revoking takes effect at once; the app then has to
        ask you again.
      </p>
      {grants.isError ? (
        <ErrorNotice
          error={grants.error}
          title="The apps could not be read"
          onRetry={() => void grants.refetch()}
        />
      ) : null}
      <Apps grants={grants.data} failed={grants.isError} onRevoke={setDoomed} />
      {doomed === undefined ? null : (
        <ConfirmDialog
          open
          onClose={() => {
            setDoomed(undefined)
            revoke.reset()
          }}
          title={
            doomed.grant === undefined && doomed.app.grants.length > 1
              ? `Revoke all access of ${doomed.app.name}?`
              : `Revoke access of ${doomed.app.name}?`
          }
          description={
            doomed.grant === undefined || doomed.app.grants.length === 1
              ? 'It is signed out everywhere and can no longer act for you until you agree again.'
              : 'Anything signed in with this authorization is signed out. Its other authorizations stay.'
          }
          verb="Revoke"
          danger
          busy={revoke.isPending}
          error={revoke.error}
          onConfirm={() => revoke.mutate(doomed)}
        />
      )}
    </div>
  )
}

function Apps({
  grants,
  failed,
  onRevoke,
}: {
  readonly grants: readonly OAuth2ProviderGrant[] | undefined
  readonly failed: boolean
  readonly onRevoke: (doomed: Doomed) => void
}) {
  if (grants === undefined)
    return failed ? null : (
      <AfterDelay>
        <div aria-busy="true" className="flex flex-col gap-4">
          <div className="skeleton h-36 rounded-card" />
          <div className="skeleton h-36 rounded-card" />
        </div>
      </AfterDelay>
    )
  if (grants.length === 0)
    return (
      <div className="rounded-card border border-line bg-surface">
        <EmptyState
          icon={AppWindow}
          title="No app acts for you"
          action={
            <AppLink href={paths.settings('mcp')} className={buttonClass({})}>
              Connect an MCP client
            </AppLink>
          }
        >
          When you sign in to an IDE, an MCP client or another app with your Slipway account, it appears here.
        </EmptyState>
      </div>
    )
  return (
    <ul className="flex flex-col gap-4">
      {byApp(grants).map((app) => (
        <li key={app.id}>
          <App app={app} onRevoke={onRevoke} />
        </li>
      ))}
    </ul>
  )
}

function App({
  app,
  onRevoke,
}: {
  readonly app: AuthorizedApp
  readonly onRevoke: (doomed: Doomed) => void
}) {
  const online = useOnline()
  const several = app.grants.length > 1
  return (
    <section className="rounded-card border border-line bg-surface" aria-labelledby={`app-${app.id}`}>
      <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
        <span className="inline-flex size-8 shrink-0 items-center justify-center rounded-control border border-line bg-bg">
          <ThingIcon src={app.icon} className="size-4.5" />
        </span>
        <div className="min-w-0 flex-1 basis-40">
          <div className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
            <h2 id={`app-${app.id}`} className="min-w-0 break-words text-base font-semibold">
              <bdi>{app.name}</bdi>
            </h2>
            {app.selfRegistered ? <Mark>Self-registered, unverified</Mark> : null}
          </div>
          <p className="text-xs text-ink-2">
            First authorized <TimeAgo time={app.firstAuthorizedAt} />
          </p>
        </div>
        <Button
          size="dense"
          disabled={!online}
          aria-label={`${several ? 'Revoke all of' : 'Revoke'} ${app.name}`}
          onClick={() => onRevoke({ app, grant: undefined })}
        >
          {several ? 'Revoke all' : 'Revoke'}
        </Button>
      </div>
      <ul className="border-t border-line">
        {app.grants.map((grant) => (
          <li
            key={grant.id}
            className="flex flex-wrap items-start gap-x-6 gap-y-3 border-b border-line px-4 py-3 last:border-b-0"
          >
            <Grant grant={grant} />
            {several ? (
              <Button
                size="dense"
                tone="quiet"
                disabled={!online}
                aria-label={`Revoke this authorization of ${app.name}`}
                onClick={() => onRevoke({ app, grant })}
              >
                Revoke
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Grant({ grant }: { readonly grant: OAuth2ProviderGrant }) {
  return (
    <>
      <ul aria-label="It may" className="flex min-w-0 flex-1 basis-56 flex-col gap-1 text-sm">
        {grant.scopes.map((scope) => (
          <li key={scope} title={scope}>
            {scopeInWords(scope)}
          </li>
        ))}
      </ul>
      <dl className="grid min-w-0 flex-1 basis-56 grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1 text-sm">
        <dt className="text-ink-2">Last used</dt>
        <dd>
          <TimeAgo time={grant.last_used_at} />
          {grant.ip_address === '' ? null : (
            <>
              {' '}
              <span className="text-ink-2">from</span>{' '}
              <code className="inline-block max-w-full break-all text-xs">{grant.ip_address}</code>
            </>
          )}
        </dd>
        <dt className="text-ink-2">Authorized</dt>
        <dd>
          <TimeAgo time={grant.created_at} />
        </dd>
        <dt className="text-ink-2">Reaches</dt>
        <dd className="break-all">{reachOf(grant.resource, postMcp.path)}</dd>
      </dl>
    </>
  )
}
