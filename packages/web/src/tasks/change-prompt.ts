import {
  cancelBuild,
  getTask,
  getWorkspace,
  pauseTask,
  resumeTask,
  type Task,
  updateTaskInput,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { isMoving } from '../workspaces/workspace-look.ts'
import { addressOf, refreshTasks } from './queries.ts'

/** What is being done to give a task another prompt. */
export type PromptStage = 'cancel' | 'pause' | 'save' | 'resume'

const REST_MS = 1500
/** A build that is canceled, or a workspace that stops, is given up after so long. */
const LONGEST_MS = 10 * 60_000

/**
 * Gives a task another prompt. The server takes one only while the task is paused (WS-260): until then its build is canceled
 * and its workspace stopped.
 *
 * @throws ApiError in the server's words, NetworkError.
 */
export async function changePrompt(
  task: Task,
  input: string,
  { resume, onStage }: { readonly resume: boolean; readonly onStage: (stage: PromptStage) => void },
): Promise<void> {
  const params = addressOf(task)
  if (task.status !== 'paused') {
    const build = await latestBuild(task)
    if (build !== undefined && build.transition === 'start' && isMoving(build.status)) {
      onStage('cancel')
      if (build.status !== 'canceling')
        await api.call(cancelBuild, {
          params: { workspacebuild: build.id },
          ...(build.status === 'pending' ? { query: { expect_status: 'pending' } } : {}),
        })
      await until(async () => {
        const now = await latestBuild(task)
        return now === undefined || !isMoving(now.status)
      })
    }
    onStage('pause')
    const now = await latestBuild(task)
    if (now?.status !== 'stopping') await api.call(pauseTask, { params })
    refreshTasks()
    await until(async () => {
      const { status, workspace_status: state } = await api.call(getTask, { params })
      if (state === 'failed') throw new Error('The workspace could not be stopped. Its log says why.')
      return status === 'paused'
    })
  }
  onStage('save')
  await api.call(updateTaskInput, { params, body: { input } })
  if (!resume) return
  onStage('resume')
  await api.call(resumeTask, { params })
}

async function latestBuild({ workspace_id: workspace }: Task) {
  if (workspace === null) return undefined
  return (await api.call(getWorkspace, { params: { workspace } })).latest_build
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + LONGEST_MS
  while (!(await isSo())) {
    if (Date.now() > end)
      throw new Error('It takes longer than ten minutes. Look at the log of its workspace.')
    await new Promise((resolve) => setTimeout(resolve, REST_MS))
  }
}
