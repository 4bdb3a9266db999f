import { CircleCheck, CirclePlay, CircleX } from 'lucide-react'
import { useEffect, useState } from 'react'

import type { ConnectionLog } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { formatDuration } from '../ui/duration.ts'
import { StateBadge } from '../ui/state-badge.tsx'
import type { Column } from '../ui/table.tsx'
import { exactTime, TimeAgo } from '../ui/time-ago.tsx'
import { codeText, hasFailed, isOngoing, typeLabel } from './connection-words.ts'

/** In line with the name, where rows are cards. */
const ON_CARD = '@max-xl:pl-4'

/** Columns of the connection log; organizations are named where there are several, and people are links to their pages. */
export function connectionColumns(several: boolean, mayViewUsers: boolean): readonly Column<ConnectionLog>[] {
  return [
    {
      id: 'workspace',
      header: 'Workspace',
      className: 'min-w-52',
      cell: (row) => (
        <span className="block min-w-0">
          <AppLink
            href={paths.workspace(row.workspace_owner_username, row.workspace_name)}
            className="block truncate font-medium hover:text-accent"
          >
            <bdi>
              {row.workspace_owner_username}/{row.workspace_name}
            </bdi>
          </AppLink>
          <span className="block truncate text-xs text-ink-2">
            {row.agent_name}
            {several ? ` in ${row.organization.display_name || row.organization.name}` : ''}
            <span className="@2xl:hidden">, {typeLabel(row.type)}</span>
            <span className="@3xl:hidden">
              , <TimeAgo time={row.connect_time} />
            </span>
          </span>
        </span>
      ),
    },
    {
      id: 'type',
      header: 'Type',
      from: 'md',
      cell: (row) => (
        <span className="whitespace-nowrap">
          {typeLabel(row.type)}
          {row.web_info === undefined || row.web_info.slug_or_port === '' ? null : (
            <code className="ml-1.5 text-xs text-ink-2">{row.web_info.slug_or_port}</code>
          )}
        </span>
      ),
    },
    {
      id: 'who',
      header: 'From',
      className: ON_CARD,
      cell: (row) => (
        <span className="block max-w-48 truncate" title={row.web_info?.user_agent}>
          {row.web_info === undefined ? null : row.web_info.user === null ? (
            <span className="block truncate">a visitor</span>
          ) : !mayViewUsers ? (
            <bdi className="block truncate">{row.web_info.user.username}</bdi>
          ) : (
            <AppLink
              href={paths.user(row.web_info.user.username)}
              className="block truncate hover:text-accent"
            >
              <bdi>{row.web_info.user.username}</bdi>
            </AppLink>
          )}
          <span className="block truncate text-xs text-ink-2 tabular-nums">
            {row.ip === '' ? 'address not known' : row.ip}
          </span>
        </span>
      ),
    },
    {
      id: 'started',
      header: 'Started',
      from: 'lg',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          <TimeAgo time={row.connect_time} />
        </span>
      ),
    },
    {
      id: 'duration',
      header: 'Duration',
      from: 'xl',
      align: 'end',
      cell: (row) => <Duration row={row} />,
    },
    {
      id: 'end',
      header: 'End',
      className: ON_CARD,
      cell: (row) => (
        <span className="block @max-5xl:flex @max-5xl:flex-wrap @max-5xl:items-baseline @max-5xl:gap-x-2">
          <End row={row} />
          {row.ssh_info === undefined ? null : (
            <span className="text-xs text-ink-2 tabular-nums @5xl:hidden">
              <Duration row={row} />
            </span>
          )}
        </span>
      ),
    },
  ]
}

/** From start to end; of a session that goes on, up to now. */
function Duration({ row }: { readonly row: ConnectionLog }) {
  const start = Date.parse(row.connect_time)
  if (row.ssh_info === undefined) return <span className="text-ink-2">–</span>
  const end = row.ssh_info.disconnect_time
  if (end === undefined) return <Ticking since={start} />
  return (
    <time title={`Until ${exactTime(end)}`} className="whitespace-nowrap">
      {formatDuration(Date.parse(end) - start)}
    </time>
  )
}

function Ticking({ since }: { readonly since: number }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now())
    }, 1000)
    return () => clearInterval(timer)
  }, [])
  return <span className="whitespace-nowrap">{formatDuration(Math.max(0, now - since))}</span>
}

/** How it has ended, and why. */
function End({ row }: { readonly row: ConnectionLog }) {
  if (isOngoing(row)) return <StateBadge look={{ label: 'Ongoing', tone: 'run', icon: CirclePlay }} />
  const code = codeText(row)
  const reason = row.ssh_info?.disconnect_reason ?? ''
  const failed = hasFailed(row)
  return (
    <span className="block max-w-40">
      <StateBadge
        look={{
          label: code ?? 'Ended',
          tone: failed ? 'bad' : 'off',
          icon: failed ? CircleX : CircleCheck,
        }}
      />
      {reason === '' ? null : (
        <span className="block truncate text-xs text-ink-2" title={reason}>
          {reason}
        </span>
      )}
    </span>
  )
}
