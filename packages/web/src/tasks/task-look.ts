import {
  Bot,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CirclePause,
  CircleX,
  Clock,
  MessageCircleQuestionMark,
} from 'lucide-react'

import type { Task, TaskState } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

const STATES: Record<TaskState, StateLook> = {
  working: { label: 'Working', tone: 'run', icon: Bot, moving: true },
  idle: { label: 'Waiting for you', tone: 'warn', icon: MessageCircleQuestionMark },
  complete: { label: 'Complete', tone: 'ok', icon: CircleCheck },
  failed: { label: 'Failed', tone: 'bad', icon: CircleX },
}

/** How a task does, in a word and a mark: what its program says of itself while it runs, else where its workspace is (UI-1202). */
export function taskLook(
  task: Pick<Task, 'status' | 'current_state' | 'workspace_id' | 'workspace_status'>,
): StateLook {
  switch (task.status) {
    case 'pending':
      return task.workspace_id === null
        ? { label: 'Deleted', tone: 'off', icon: CircleX }
        : { label: 'Pending', tone: 'run', icon: Clock, moving: true }
    case 'initializing':
      return { label: 'Starting', tone: 'run', icon: CircleDashed, moving: true }
    case 'paused':
      return { label: 'Paused', tone: 'off', icon: CirclePause }
    case 'error':
      return { label: 'Error', tone: 'bad', icon: CircleAlert }
    case 'unknown':
      return task.workspace_status === 'stopping'
        ? { label: 'Pausing', tone: 'run', icon: CircleDashed, moving: true }
        : task.workspace_status === 'deleting'
          ? { label: 'Deleting', tone: 'bad', icon: CircleDashed, moving: true }
          : { label: 'Unknown', tone: 'off', icon: CircleHelp }
    case 'active':
      return task.current_state === null
        ? { label: 'Active', tone: 'ok', icon: CircleCheck }
        : STATES[task.current_state.state]
  }
}

/** Whether the program of a task waits for an answer, or did so when it was paused (UI-305). */
export function waitsForInput({ current_state: state }: Pick<Task, 'current_state'>): boolean {
  return state?.state === 'idle'
}

/** What people call a task. */
export function taskTitle({ display_name, name }: Pick<Task, 'display_name' | 'name'>): string {
  return display_name === '' ? name : display_name
}
