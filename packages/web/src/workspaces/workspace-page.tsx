import { useQuery } from '@tanstack/react-query'
import { CirclePause, CircleSlash, Play } from 'lucide-react'

import type { Workspace } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { organizationTitle } from '../organizations/organization-titles.ts'
import { paths } from '../paths.ts'
import { organizationsQuery } from '../session/queries.ts'
import { Button } from '../ui/button.tsx'
import { CopyableId } from '../ui/copyable.tsx'
import { Detail, DetailList } from '../ui/detail.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Section } from '../ui/page.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { AgentCard } from './agent-card.tsx'
import { AgentFigures } from './agent-figures.tsx'
import { BuildList } from './build-list.tsx'
import { JobLog } from './build-log.tsx'
import { BuildProgress } from './build-progress.tsx'
import { Deadline } from './deadline.tsx'
import { ResourceCard } from './resource-card.tsx'
import { useWorkspaceActions } from './use-workspace-actions.tsx'
import { parseSchedule } from './weekly-schedule.ts'
import { useWorkspace } from './workspace-context.ts'
import { agentsOf, isMoving } from './workspace-look.ts'
import { WorkspaceNotices } from './workspace-notices.tsx'

const RECENT_BUILDS = 6

/** `/@owner/workspace`: state, agents, the log of the build while it matters (UI-721). */
export function WorkspacePage() {
  const { workspace, live } = useWorkspace()
  const { offered, dialog } = useWorkspaceActions()
  const { latest_build: build } = workspace
  const actions = offered(workspace)
  const start = actions.find(({ action }) => action === 'start' || action === 'update-start')
  const agents = build.transition === 'start' ? agentsOf(workspace) : []
  const resources = build.resources.filter(
    (resource) =>
      build.status === 'running' &&
      !resource.hide &&
      ((resource.agents ?? []).length === 0 || (resource.metadata ?? []).length > 0),
  )
  const logMatters = isMoving(build.status) || build.status === 'failed' || build.status === 'canceled'
  return (
    <AgentFigures agents={build.status === 'running' || build.status === 'starting' ? agents : []}>
      <div className="grid gap-6 lg:grid-cols-[minmax(0,1fr)_280px]">
        <div className="flex min-w-0 flex-col gap-4">
          <WorkspaceNotices workspace={workspace} actions={actions} />
          {logMatters ? (
            <>
              <BuildProgress workspace={workspace} />
              <div className="overflow-hidden rounded-card border border-line">
                <JobLog
                  of={{ kind: 'build', id: build.id }}
                  running={isMoving(build.status)}
                  fileName={`${workspace.name}-build-${build.build_number}.log`}
                  height="min(420px, 60dvh)"
                />
              </div>
            </>
          ) : null}
          {build.status === 'running' || build.status === 'starting'
            ? agents.map((agent) => <AgentCard key={agent.id} workspace={workspace} agent={agent} />)
            : null}
          {build.status === 'running' && agents.length === 0 ? (
            <div className="rounded-card border border-line bg-surface">
              <EmptyState icon={CircleSlash} title="Nothing to open here">
                The template of this workspace has no agent, so it has no terminal and no apps.
              </EmptyState>
            </div>
          ) : null}
          {build.status === 'stopped' ? (
            <div className="rounded-card border border-line bg-surface">
              <EmptyState
                icon={CirclePause}
                title="The workspace is stopped"
                action={
                  start === undefined ? null : (
                    <Button
                      tone="primary"
                      onClick={start.run}
                      disabled={start.disabled}
                      icon={<Play className="size-3.5" />}
                    >
                      {start.label}
                    </Button>
                  )
                }
              >
                Files are kept. Start it to open terminals and apps.
              </EmptyState>
            </div>
          ) : null}
          {resources.map((resource) => (
            <ResourceCard key={resource.id} resource={resource} />
          ))}
        </div>
        <aside className="flex min-w-0 flex-col gap-4" aria-label="About this workspace">
          <Details workspace={workspace} live={live} />
          <Section title="Builds" flush>
            <BuildList workspace={workspace} limit={RECENT_BUILDS} />
          </Section>
        </aside>
        {dialog}
      </div>
    </AgentFigures>
  )
}

function Details({ workspace, live }: { readonly workspace: Workspace; readonly live: boolean }) {
  const organizations = useQuery(organizationsQuery).data ?? []
  const organization = organizations.find(({ id }) => id === workspace.organization_id)
  const running = workspace.latest_build.status === 'running'
  const schedule =
    workspace.autostart_schedule === undefined ? undefined : parseSchedule(workspace.autostart_schedule)
  const to = paths.workspaceSchedule(workspace.owner_name, workspace.name)
  return (
    <Section title="Details">
      <DetailList>
        {running ? (
          <Detail label="Stops">
            <Deadline workspace={workspace} />
          </Detail>
        ) : null}
        <Detail label="Starts">
          <AppLink href={to} className="text-ink-2 hover:text-ink hover:underline">
            {schedule === undefined
              ? (workspace.autostart_schedule ?? '') === ''
                ? 'by hand'
                : workspace.autostart_schedule
              : `${String(schedule.hour).padStart(2, '0')}:${String(schedule.minute).padStart(2, '0')}, ${schedule.days.length === 7 ? 'daily' : `${schedule.days.length} days a week`}`}
          </AppLink>
        </Detail>
        <Detail label="Last used">
          <TimeAgo time={workspace.last_used_at} />
        </Detail>
        <Detail label="Created">
          <TimeAgo time={workspace.created_at} />
        </Detail>
        {organizations.length > 1 ? (
          <Detail label="Organization">
            {organization === undefined ? workspace.organization_name : organizationTitle(organization)}
          </Detail>
        ) : null}
        {workspace.latest_build.daily_cost > 0 ? (
          <Detail label="Daily cost">{workspace.latest_build.daily_cost}</Detail>
        ) : null}
        <Detail label="Id">
          <CopyableId id={workspace.id} short />
        </Detail>
        {live ? null : (
          <Detail label="Updates">
            <span className="text-warn">every 10 s, no live connection</span>
          </Detail>
        )}
      </DetailList>
    </Section>
  )
}
