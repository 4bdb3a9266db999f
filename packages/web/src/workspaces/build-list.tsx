import { useQuery } from '@tanstack/react-query'

import type { BuildReason, Workspace, WorkspaceBuild } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { buildsQuery } from './queries.ts'
import { jobLook } from './workspace-look.ts'

const TRANSITIONS = { start: 'Start', stop: 'Stop', delete: 'Delete' } as const
const REASONS: Record<BuildReason, string> = {
  initiator: 'on request',
  dashboard: 'from the dashboard',
  cli: 'from the command line',
  autostart: 'by its schedule',
  autostop: 'at its deadline',
  dormancy: 'not used for long',
  ssh_connection: 'for an SSH connection',
  vscode_connection: 'for VS Code',
  jetbrains_connection: 'for JetBrains',
  task_auto_pause: 'task paused',
  task_manual_pause: 'task paused',
  task_resume: 'task resumed',
}

/** "Start" and the like. */
export function transitionWord(build: Pick<WorkspaceBuild, 'transition'>): string {
  return TRANSITIONS[build.transition]
}

/** Why a build was made, in words. */
export function reasonWords(build: Pick<WorkspaceBuild, 'reason'>): string {
  return REASONS[build.reason]
}

/** The builds of a workspace, the newest first; each links to its log. */
export function BuildList({
  workspace,
  current,
  limit,
}: {
  readonly workspace: Workspace
  readonly current?: number
  readonly limit?: number
}) {
  const builds = useQuery(buildsQuery(workspace.id))
  if (builds.data === undefined)
    return builds.isError ? (
      <div className="p-3">
        <ErrorNotice error={builds.error} onRetry={() => void builds.refetch()} />
      </div>
    ) : (
      <AfterDelay>
        <div className="flex flex-col gap-3 p-4">
          {[0, 1, 2].map((row) => (
            <div key={row} className="skeleton h-4 w-full" />
          ))}
        </div>
      </AfterDelay>
    )
  return (
    <ol className="flex flex-col py-1">
      {builds.data.slice(0, limit).map((build) => (
        <li key={build.id}>
          <AppLink
            href={paths.workspaceBuild(workspace.owner_name, workspace.name, build.build_number)}
            aria-current={build.build_number === current ? 'page' : undefined}
            className="flex flex-col gap-0.5 px-4 py-2 outline-offset-[-2px] hover:bg-hover aria-[current=page]:bg-accent-wash"
          >
            <span className="flex items-center gap-2 text-sm">
              <span className="font-medium">{transitionWord(build)}</span>
              <span className="text-ink-2 tabular-nums">#{build.build_number}</span>
              <StateBadge
                look={jobLook(build.job.status)}
                since={build.job.started_at ?? build.created_at}
                className="ml-auto text-xs"
              />
            </span>
            <span className="flex justify-between gap-2 text-xs text-ink-2">
              <span className="truncate">
                {build.initiator_name}, {reasonWords(build)}
              </span>
              <span className="shrink-0">
                <TimeAgo time={build.created_at} />
              </span>
            </span>
          </AppLink>
        </li>
      ))}
    </ol>
  )
}
