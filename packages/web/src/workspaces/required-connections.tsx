import { useQuery } from '@tanstack/react-query'
import { CircleCheck } from 'lucide-react'
import { useState } from 'react'

import type { TemplateVersionExternalAuth } from '@slipway/contract'
import { pollEvery } from '../api/polling.ts'
import { requiredConnectionsQuery } from '../external-auth/queries.ts'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'

const POLL_MS = 2000

interface Connections {
  /** The answer is here; until then none is missing because none is known. */
  readonly known: boolean
  readonly all: readonly TemplateVersionExternalAuth[]
  /** Those without which no workspace can be made. */
  readonly missing: readonly TemplateVersionExternalAuth[]
  readonly error: unknown
  readonly retry: () => void
  /** Somebody is connecting one in another tab: the answer is asked for until it is there (UI-606). */
  readonly waitFor: (id: string) => void
  readonly waiting: ReadonlySet<string>
}

/** What a template wants its users to be connected to, and what of that is missing. */
export function useRequiredConnections(version: string, ownerId: string): Connections {
  const [waiting, setWaiting] = useState<ReadonlySet<string>>(new Set())
  const query = useQuery({
    ...requiredConnectionsQuery(version, ownerId),
    refetchInterval: (state) =>
      (state.state.data ?? []).some(({ id, authenticated }) => waiting.has(id) && !authenticated)
        ? pollEvery(POLL_MS)(state)
        : false,
  })
  const all = query.data ?? []
  return {
    known: query.data !== undefined,
    all,
    missing: all.filter(({ authenticated, optional }) => !authenticated && !optional),
    error: query.error,
    retry: () => void query.refetch(),
    waitFor: (id) => setWaiting(new Set([...waiting, id])),
    waiting,
  }
}

/** Each provider that the template needs, with a way to connect it. */
export function RequiredConnections({
  connections: { all, error, retry, waitFor, waiting },
  owner,
}: {
  readonly connections: Connections
  readonly owner: { readonly id: string; readonly username: string }
}) {
  const user = useUser()
  if (error !== null)
    return (
      <ErrorNotice
        error={error}
        title="What the template must be connected to is not known"
        onRetry={retry}
      />
    )
  if (all.length === 0) return null
  const own = owner.id === user.id
  return (
    <Section
      title="Accounts"
      help={
        own
          ? 'The workspace uses your accounts at these providers.'
          : `The workspace uses the accounts of ${owner.username}, and only they can connect them.`
      }
      flush
    >
      <ul>
        {all.map((provider) => (
          <li
            key={provider.id}
            className="flex min-h-12 items-center gap-3 border-b border-line px-4 py-2 last:border-0"
          >
            <ThingIcon src={provider.display_icon} className="size-4" />
            <span className="flex min-w-0 flex-1 flex-wrap items-center gap-x-2 text-sm">
              <span className="truncate font-medium">{provider.display_name}</span>
              {provider.optional ? <Mark>optional</Mark> : null}
            </span>
            {provider.authenticated ? (
              <StateBadge look={{ label: 'Connected', tone: 'ok', icon: CircleCheck }} />
            ) : (
              <>
                {waiting.has(provider.id) ? (
                  <span role="status" className="flex items-center gap-1.5 text-xs text-ink-2">
                    <Spinner /> Waiting for you
                  </span>
                ) : null}
                {own ? (
                  <a
                    href={paths.externalAuth(provider.id)}
                    target="_blank"
                    rel="noreferrer"
                    aria-label={`Connect ${provider.display_name} in a new tab`}
                    className={buttonClass({ size: 'dense' })}
                    onClick={() => waitFor(provider.id)}
                  >
                    Connect
                  </a>
                ) : (
                  <span className="text-sm text-ink-2">Not connected</span>
                )}
              </>
            )}
          </li>
        ))}
      </ul>
    </Section>
  )
}
