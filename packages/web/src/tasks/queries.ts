import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { getTask, getTaskLogs, listTasks, type Task } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { pollEvery } from '../api/polling.ts'

const LIST_MS = 10_000
const PAGE_MS = 5000

/** Tasks that the viewer may read, by a filter in the server's grammar; all of them, the newest first (WS-252). */
export function tasksQuery(filter: string, pauseMs = LIST_MS) {
  return queryOptions({
    queryKey: ['tasks', filter],
    queryFn: ({ signal }) =>
      api.call(listTasks, { ...(filter === '' ? {} : { query: { q: filter } }), signal }),
    placeholderData: keepPreviousData,
    refetchInterval: pollEvery(pauseMs),
  })
}

/** One task, by its name or its id (WS-251). */
export function taskQuery(owner: string, task: string) {
  return queryOptions({
    queryKey: ['task', owner, task],
    queryFn: ({ signal }) => api.call(getTask, { params: { user: owner, task }, signal }),
    refetchInterval: pollEvery(PAGE_MS),
  })
}

/** What was said in a task; read again while its program runs, a snapshot is not (WS-259). */
export function taskLogsQuery(task: Pick<Task, 'id' | 'owner_name' | 'status'>) {
  return queryOptions({
    queryKey: ['task-logs', task.id, task.status],
    queryFn: ({ signal }) => api.call(getTaskLogs, { params: addressOf(task), signal }),
    refetchInterval: task.status === 'active' ? pollEvery(PAGE_MS) : false,
  })
}

/** A task in the address of a request: by its id, which no renaming changes. */
export function addressOf({ id, owner_name }: Pick<Task, 'id' | 'owner_name'>): {
  readonly user: string
  readonly task: string
} {
  return { user: owner_name, task: id }
}

/** Something about tasks changed: whatever is on screen is read again, their workspaces too. */
export function refreshTasks(): void {
  for (const key of ['tasks', 'task', 'task-logs', 'workspace-by-id', 'workspaces'])
    void queries.invalidateQueries({ queryKey: [key] })
}
