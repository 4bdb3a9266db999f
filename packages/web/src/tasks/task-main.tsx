import { type ReactNode, useRef } from 'react'

import type { Task, Workspace, WorkspaceAgent } from '@slipway/contract'
import type { ComposerHandle } from '../chat-conversation/conversation-context.ts'
import { framingOf } from '../chats/panel/framing.ts'
import { PreviewTab } from '../chats/panel/preview-tab.tsx'
import { useAddress } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { useCheck } from '../session/use-check.ts'
import { Notice } from '../ui/notice.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AgentLog } from '../workspaces/agent-log.tsx'
import { appTarget } from '../workspaces/app-target.ts'
import { JobLog } from '../workspaces/build-log.tsx'
import { BuildProgress } from '../workspaces/build-progress.tsx'
import { useAppPlace } from '../workspaces/use-app-place.ts'
import { isMoving } from '../workspaces/workspace-look.ts'
import { FollowUpBox } from './follow-up-box.tsx'
import { TaskLog } from './task-log.tsx'
import { TaskPrompt } from './task-prompt.tsx'
import { type TaskStage, takesMessages } from './task-stage.ts'

interface MainProps {
  readonly task: Task
  readonly workspace: Workspace | undefined
  /** While the workspace runs. */
  readonly agent: WorkspaceAgent | undefined
  readonly stage: TaskStage
}

/** The task itself: the app that carries it out, or what stands between it and the viewer, and where to write to it. */
export function TaskMain(props: MainProps) {
  const { task, workspace, agent, stage } = props
  const [search, change] = useAddress()
  const app = agent?.apps.find(({ id }) => id === task.workspace_app_id)
  const shows = stage === 'active' && workspace !== undefined && agent !== undefined && app !== undefined
  if (!shows) return <Conversation {...props} />
  return (
    <ActiveMain
      {...props}
      workspace={workspace}
      agent={agent}
      slug={app.slug}
      view={search.view}
      onView={(view) => change({ view })}
    />
  )
}

/** A task that runs: its app in a frame, or what was said where the app cannot be in one. */
function ActiveMain({
  slug,
  view,
  onView,
  ...props
}: MainProps & {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly slug: string
  /** `app` or `log`; by default what shows more. */
  readonly view: string | undefined
  readonly onView: (view: 'app' | 'log') => void
}) {
  const { workspace, agent } = props
  const app = agent.apps.find((one) => one.slug === slug)
  const { place, host } = useAppPlace(workspace, agent, true)
  const framed =
    app !== undefined &&
    host.data !== undefined &&
    framingOf(appTarget(app, place), new URL(location.href), place.appHost).kind === 'frame'
  const shown = view === 'app' || view === 'log' ? view : framed ? 'app' : 'log'
  return (
    <>
      <div className="flex min-h-11 shrink-0 items-center border-b border-line px-3">
        <Segmented
          label="How the task is shown"
          options={[
            { id: 'app', label: 'App' },
            { id: 'log', label: 'Conversation' },
          ]}
          value={shown}
          onChange={onView}
        />
      </div>
      {shown === 'app' ? (
        <div className="flex min-h-0 flex-1 flex-col">
          <PreviewTab
            chat={{ agent_id: agent.id }}
            workspaceId={workspace.id}
            what={{ kind: 'app', slug }}
            onClose={undefined}
          />
        </div>
      ) : (
        <Conversation {...props} />
      )}
    </>
  )
}

function Conversation({ task, workspace, agent, stage }: MainProps) {
  const user = useUser()
  const composer = useRef<ComposerHandle>(null)
  const may =
    useCheck('update', {
      resource_type: 'task',
      owner_id: task.owner_id,
      organization_id: task.organization_id,
    }) !== false
  const logs = stage === 'active' || stage === 'paused'
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="min-h-0 flex-1 overflow-y-auto [overflow-anchor:auto]">
        <div className="mx-auto flex min-h-full w-full max-w-[800px] flex-col gap-4 px-4 py-5 sm:px-6">
          <TaskPrompt prompt={task.initial_prompt} />
          {logs ? (
            <TaskLog task={task} />
          ) : (
            <Progress task={task} workspace={workspace} agent={agent} stage={stage} />
          )}
        </div>
      </div>
      <div className="mx-auto w-full max-w-[800px] shrink-0 px-4 pb-4 sm:px-6">
        <FollowUpBox
          task={task}
          user={user.id}
          composer={composer}
          writable={may && takesMessages(stage)}
          paused={stage === 'paused' || stage === 'pausing'}
          ready={stage === 'active'}
        />
      </div>
    </div>
  )
}

/** What happens instead of the task, with the log of it. */
function Progress({ task, workspace, agent, stage }: MainProps) {
  const build = workspace?.latest_build
  const buildLog =
    workspace === undefined || build === undefined ? (
      <div className="skeleton h-64 rounded-card" aria-busy="true" />
    ) : (
      <Framed>
        <JobLog
          key={build.id}
          of={{ kind: 'build', id: build.id }}
          running={isMoving(build.status)}
          fileName={`${workspace.name}-build-${build.build_number}.log`}
          height="max(240px, 42dvh)"
        />
      </Framed>
    )
  const scripts =
    agent === undefined ? null : (
      <Framed>
        <AgentLog key={agent.id} agent={agent} height="max(240px, 42dvh)" />
      </Framed>
    )
  switch (stage) {
    case 'building':
    case 'pausing':
    case 'deleting':
      return (
        <>
          <Heading title={BUILDING[stage]}>
            {workspace === undefined ? null : <BuildProgress workspace={workspace} />}
          </Heading>
          {buildLog}
        </>
      )
    case 'starting':
      return (
        <>
          <Heading title={startingTitle(agent)}>
            <p className="text-sm text-ink-2">
              {agent?.status === 'connected'
                ? 'The task begins when the scripts of the workspace are done and its app answers.'
                : 'The workspace runs; its agent has not reported yet.'}
            </p>
          </Heading>
          {scripts}
        </>
      )
    case 'failed-build':
      return (
        <>
          <Notice
            tone="bad"
            title={
              build?.job.error === undefined || build.job.error === ''
                ? build?.status === 'canceled' || build?.status === 'canceling'
                  ? 'The build was canceled'
                  : 'The build failed'
                : `Build failed: ${build.job.error}`
            }
          >
            Nothing works on this task until its workspace is there. “Try again” builds it once more.
          </Notice>
          {buildLog}
        </>
      )
    case 'error':
      return (
        <>
          <Notice tone="bad" title="The app that carries out the task does not answer">
            Its health check fails. The log of the scripts may say why; pausing and resuming the task starts
            it anew.
          </Notice>
          {scripts}
        </>
      )
    default:
      return (
        <>
          <Notice tone="warn" title="How the task does is not known">
            {agent === undefined ? (
              'Its workspace has no agent that could say it.'
            ) : agent.status === 'connected' ? (
              'The template of its workspace names no app that carries it out, or the agent is shutting down.'
            ) : (
              <>
                The agent of its workspace has lost its connection.{' '}
                <AppLink className="link" href={paths.workspace(task.owner_name, task.workspace_name)}>
                  Look at the workspace
                </AppLink>
              </>
            )}
          </Notice>
          {scripts}
        </>
      )
  }
}

const BUILDING = {
  building: 'Building the workspace',
  pausing: 'Pausing: the workspace stops',
  deleting: 'Deleting the workspace',
} as const

function startingTitle(agent: WorkspaceAgent | undefined): string {
  if (agent === undefined || agent.status !== 'connected') return 'Connecting to the workspace'
  return agent.lifecycle_state === 'starting' || agent.lifecycle_state === 'created'
    ? 'Running the startup scripts'
    : 'Waiting for the app of the task'
}

function Heading({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div className="flex flex-col gap-2" role="status">
      <h2 className="text-lg font-semibold">{title}</h2>
      {children}
    </div>
  )
}

function Framed({ children }: { readonly children: ReactNode }) {
  return <div className="overflow-hidden rounded-card border border-line bg-surface">{children}</div>
}
