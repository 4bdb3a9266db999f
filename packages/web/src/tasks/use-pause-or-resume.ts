import { useMutation } from '@tanstack/react-query'

import { pauseTask, resumeTask, type Task } from '@slipway/contract'
import { api } from '../api/client.ts'
import { toasts } from '../ui/toast.tsx'
import { addressOf, refreshTasks } from './queries.ts'
import { taskTitle } from './task-look.ts'

/** What can be done to a task now: its workspace stops and starts with it (WS-261). */
export function usePauseOrResume(task: Task): {
  readonly may: 'pause' | 'resume' | undefined
  readonly pause: () => void
  readonly resume: () => void
  readonly busy: boolean
} {
  const params = addressOf(task)
  const pause = useMutation({
    mutationFn: () => api.call(pauseTask, { params }),
    onSettled: refreshTasks,
    onError: (error) => toasts.failed(`${taskTitle(task)} was not paused`, error),
  })
  const resume = useMutation({
    mutationFn: () => api.call(resumeTask, { params }),
    onSettled: refreshTasks,
    onError: (error) => toasts.failed(`${taskTitle(task)} was not resumed`, error),
  })
  return {
    may: mayPauseOrResume(task),
    pause: () => pause.mutate(),
    resume: () => resume.mutate(),
    busy: pause.isPending || resume.isPending,
  }
}

/** While a build is under way the server would refuse both. */
function mayPauseOrResume({
  status,
  workspace_id: id,
  workspace_status: workspace,
}: Task): 'pause' | 'resume' | undefined {
  if (id === null || workspace === 'deleted') return undefined
  // A build that failed or was canceled is made again in the same way.
  if (status === 'paused' || workspace === 'failed' || workspace === 'canceled') return 'resume'
  return workspace === 'running' ? 'pause' : undefined
}
