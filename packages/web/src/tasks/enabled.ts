import { useQuery } from '@tanstack/react-query'

import { takeEmbedded } from '../api/embedded.ts'
import { statusOf } from '../api/errors.ts'
import { tasksQuery } from './queries.ts'
import { waitsForInput } from './task-look.ts'

/** Whether this deployment serves tasks, as the server says in the page (UI-102, WS-250). */
export const TASKS_ENABLED = takeEmbedded<boolean>('ai-tasks-enabled') !== false

/** Only looked at to say what has changed meanwhile (UI-320). */
const BADGE_MS = 60_000

/** Whether tasks are offered, and how many of the viewer's own wait for an answer (UI-305). */
export function useTasksEntry(): { readonly offered: boolean; readonly waiting: number } {
  const { data, error } = useQuery({ ...tasksQuery('owner:me', BADGE_MS), enabled: TASKS_ENABLED })
  return {
    offered: TASKS_ENABLED && statusOf(error) !== 404,
    waiting: (data?.tasks ?? []).filter(waitsForInput).length,
  }
}
