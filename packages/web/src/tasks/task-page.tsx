import { useQuery } from '@tanstack/react-query'
import { Bot, SearchX } from 'lucide-react'

import type { Task } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { chatWorkspaceQuery } from '../chats/chat-workspace.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { TASKS_ENABLED } from './enabled.ts'
import { taskQuery } from './queries.ts'
import { TaskHeader } from './task-header.tsx'
import { TaskPanes } from './task-panes.tsx'
import { taskStage } from './task-stage.ts'
import { TasksOff } from './tasks-off.tsx'

/** `/tasks/{user}/{task}`, by name or id: what a task does now, and what can be done about it (UI-1202). */
export function TaskPage() {
  const user = useRouteParam('user')
  const name = useRouteParam('task')
  const task = useQuery({ ...taskQuery(user, name), enabled: TASKS_ENABLED })
  if (!TASKS_ENABLED) return <TasksOff />
  if (statusOf(task.error) === 404) return <Gone user={user} name={name} />
  if (task.data === undefined)
    return task.isError ? (
      <ErrorPage title="The task could not be read" error={task.error} onRetry={() => void task.refetch()} />
    ) : (
      <PageSkeleton />
    )
  return <Present key={task.data.id} task={task.data} />
}

function Present({ task }: { readonly task: Task }) {
  const { workspace_id: id } = task
  const question = useQuery({ ...chatWorkspaceQuery(id ?? ''), enabled: id !== null })
  const gone = [404, 410].includes(statusOf(question.error) ?? 0)
  const workspace = id === null || gone ? undefined : question.data
  const stage = gone ? 'deleted' : taskStage(task, workspace)
  return (
    <div className="flex h-[calc(100dvh-var(--table-top))] min-w-0 flex-col overflow-hidden">
      <TaskHeader task={task} stage={stage} />
      {stage === 'deleted' ? (
        <EmptyState icon={Bot} title="The workspace of this task was deleted">
          With it everything is gone that the task worked on. The task can only be deleted, or asked for anew.
        </EmptyState>
      ) : (
        <TaskPanes task={task} workspace={workspace} stage={stage} />
      )}
    </div>
  )
}

/** A link to something that is gone says so (UI-405). */
function Gone({ user, name }: { readonly user: string; readonly name: string }) {
  return (
    <EmptyState
      page
      icon={SearchX}
      title={`There is no task ${name} of ${user}`}
      action={
        <AppLink href={paths.tasks()} className={buttonClass({ tone: 'primary' })}>
          Go to tasks
        </AppLink>
      }
    >
      It may have been deleted, together with its workspace, or it is not shared with you.
    </EmptyState>
  )
}
