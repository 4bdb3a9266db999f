import { useQuery } from '@tanstack/react-query'
import { SearchX } from 'lucide-react'
import { type ReactNode, useCallback, useState } from 'react'

import { statusOf } from '../api/errors.ts'
import { useAddress, useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { buttonClass } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { formatDuration } from '../ui/duration.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { AgentLog } from './agent-log.tsx'
import { BuildList, reasonWords, transitionWord } from './build-list.tsx'
import { JobLog } from './build-log.tsx'
import { buildQuery } from './queries.ts'
import { useWorkspace } from './workspace-context.ts'
import { isMoving, jobLook } from './workspace-look.ts'

/** `/@owner/workspace/builds/n`: what happened and how long it took (UI-801). */
export function BuildPage() {
  const { workspace } = useWorkspace()
  const number = useRouteParam('build')
  const [search, change] = useAddress()
  const question = useQuery(buildQuery(workspace.owner_name, workspace.name, number))
  const [below, setBelow] = useState(false)
  const showBelow = useCallback(() => setBelow(true), [])
  // The stream of the workspace knows the latest build better.
  const latest = workspace.latest_build
  const build = String(latest.build_number) === number ? latest : question.data
  if (build === undefined) {
    if (!question.isError)
      return (
        <AfterDelay>
          <div className="skeleton h-96 rounded-card" />
        </AfterDelay>
      )
    return statusOf(question.error) === 404 ? (
      <EmptyState
        icon={SearchX}
        title={`${workspace.name} has no build ${number}`}
        action={
          <AppLink className={buttonClass({})} href={paths.workspace(workspace.owner_name, workspace.name)}>
            Back to the workspace
          </AppLink>
        }
      >
        Its builds are numbered from 1 to {workspace.latest_build.build_number}.
      </EmptyState>
    ) : (
      <ErrorNotice error={question.error} onRetry={() => void question.refetch()} />
    )
  }
  const agents = build.resources.flatMap((resource) => resource.agents ?? [])
  const agent = agents.find(({ id }) => id === search.logs)
  const { started_at: started, completed_at: completed } = build.job
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_280px]">
      <div className="flex min-w-0 flex-col gap-4">
        <Breadcrumbs
          above={[
            { label: 'Workspaces', href: paths.workspaces() },
            { label: workspace.name, href: paths.workspace(workspace.owner_name, workspace.name) },
          ]}
          here={`Build ${build.build_number}`}
        />
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
          <h2 className="text-lg font-semibold">
            {transitionWord(build)}{' '}
            <span className="font-normal text-ink-3 tabular-nums">#{build.build_number}</span>
          </h2>
          <StateBadge look={jobLook(build.job.status)} since={started ?? build.created_at} />
        </div>
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm sm:grid-cols-4">
          <Fact label="By">
            {build.initiator_name}, {reasonWords(build)}
          </Fact>
          <Fact label="When">
            <TimeAgo time={build.created_at} />
          </Fact>
          <Fact label="Took">
            {started === undefined || completed === undefined
              ? '–'
              : formatDuration(Date.parse(completed) - Date.parse(started))}
          </Fact>
          <Fact label="Version">{build.template_version_name}</Fact>
        </dl>
        {build.job.error === undefined || build.job.error === '' ? null : (
          <Notice tone="bad" title={`Build failed: ${build.job.error}`} />
        )}
        <div className="overflow-hidden rounded-card border border-line bg-surface">
          {agents.length === 0 ? null : (
            <div className="flex gap-4 overflow-x-auto border-b border-line px-4">
              <LogTab current={agent === undefined} onSelect={() => change({ logs: undefined })}>
                Build
              </LogTab>
              {agents.map((one) => (
                <LogTab key={one.id} current={agent?.id === one.id} onSelect={() => change({ logs: one.id })}>
                  {one.name}
                </LogTab>
              ))}
            </div>
          )}
          {agent === undefined ? (
            <JobLog
              key={build.id}
              of={{ kind: 'build', id: build.id }}
              running={isMoving(build.status)}
              fileName={`${workspace.name}-build-${build.build_number}.log`}
              height="max(320px, calc(100dvh - 400px))"
              onRead={showBelow}
            />
          ) : (
            <AgentLog key={agent.id} agent={agent} height="max(320px, calc(100dvh - 400px))" />
          )}
        </div>
      </div>
      {/* Under the log on phones, which would push it away. */}
      <div className={below || agent !== undefined ? undefined : 'max-lg:invisible'}>
        <Section title="Builds" flush>
          <BuildList workspace={workspace} current={build.build_number} />
        </Section>
      </div>
    </div>
  )
}

function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-ink-3">{label}</dt>
      <dd className="truncate">{children}</dd>
    </div>
  )
}

function LogTab({
  current,
  onSelect,
  children,
}: {
  readonly current: boolean
  readonly onSelect: () => void
  readonly children: ReactNode
}) {
  return (
    <button
      type="button"
      aria-pressed={current}
      onClick={onSelect}
      className={classNames(
        '-mb-px h-9 shrink-0 border-b-2 text-sm outline-offset-[-2px]',
        current ? 'border-accent font-medium' : 'border-transparent text-ink-2 hover:text-ink',
      )}
    >
      {children}
    </button>
  )
}
