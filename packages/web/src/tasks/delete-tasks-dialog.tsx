import { CircleCheck, CircleX } from 'lucide-react'
import { useState } from 'react'

import { deleteTask, type Task } from '@slipway/contract'
import { api } from '../api/client.ts'
import { describeError, statusOf } from '../api/errors.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { addressOf, refreshTasks } from './queries.ts'
import { taskTitle } from './task-look.ts'

/** Requests under way at the same time, as for workspaces (UI-704). */
const PARALLEL = 5

type Outcome = 'running' | 'done' | { readonly error: unknown }

/** Names the tasks that go, and how many workspaces go with them; then how it went with each (UI-1201, UI-506). */
export function DeleteTasksDialog({
  tasks,
  onClose,
  onDone,
}: {
  readonly tasks: readonly Task[]
  readonly onClose: () => void
  readonly onDone: () => void
}) {
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, Outcome>>(new Map())
  const [busy, setBusy] = useState(false)
  const [only] = tasks
  const what = tasks.length === 1 && only !== undefined ? only.name : `${tasks.length} tasks`
  const workspaces = tasks.filter(({ workspace_id: id }) => id !== null).length
  const failed = [...outcomes.values()].some((outcome) => typeof outcome === 'object')
  const run = async () => {
    setBusy(true)
    const left = tasks.filter(({ id }) => outcomes.get(id) !== 'done')
    const note = (id: string, outcome: Outcome) => setOutcomes((before) => new Map(before).set(id, outcome))
    let allDone = true
    const worker = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        note(next.id, 'running')
        try {
          await api.call(deleteTask, { params: addressOf(next) })
          note(next.id, 'done')
        } catch (error) {
          // Somebody else was faster.
          if (statusOf(error) === 404) note(next.id, 'done')
          else {
            allDone = false
            note(next.id, { error })
          }
        }
      }
    }
    await Promise.all(Array.from({ length: PARALLEL }, worker))
    refreshTasks()
    setBusy(false)
    if (!allDone) return
    onDone()
    onClose()
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Delete ${what}?`}
      description={lost(tasks.length, workspaces)}
      verb={failed ? 'Try the rest again' : `Delete ${what}`}
      danger
      {...(failed ? {} : { typedName: what })}
      busy={busy}
      error={undefined}
      onConfirm={() => void run()}
    >
      <ul className="max-h-56 overflow-y-auto rounded-control border border-line">
        {tasks.map((task) => (
          <li
            key={task.id}
            className="flex min-h-9 items-center gap-2 border-b border-line px-2.5 py-1 text-sm last:border-b-0"
          >
            <span className="min-w-0 flex-1 truncate">
              <bdi>{taskTitle(task)}</bdi>
            </span>
            <Note task={task} outcome={outcomes.get(task.id)} />
          </li>
        ))}
      </ul>
    </ConfirmDialog>
  )
}

/** What goes, in a sentence. */
function lost(tasks: number, workspaces: number): string {
  const undone = 'This cannot be undone.'
  if (workspaces === 0) return `${tasks === 1 ? 'It has' : 'They have'} no workspace any more. ${undone}`
  const many =
    workspaces === 1
      ? tasks === 1
        ? 'Its workspace goes with it'
        : '1 workspace goes with them'
      : `${workspaces} workspaces go with them`
  return `${many}, with everything in ${workspaces === 1 ? 'it' : 'them'} that was not pushed elsewhere. ${undone}`
}

function Note({ task, outcome }: { readonly task: Task; readonly outcome: Outcome | undefined }) {
  if (outcome === undefined)
    return (
      <span className="max-w-[50%] shrink-0 truncate text-xs text-ink-3">
        {task.workspace_id === null ? 'no workspace' : `with ${task.workspace_name}`}
      </span>
    )
  if (outcome === 'running') return <Spinner className="size-3.5 text-run" />
  if (outcome === 'done') return <CircleCheck className="size-3.5 text-ok" aria-label="Deleted" />
  const { message } = describeError(outcome.error)
  return (
    <span className="flex min-w-0 items-center gap-1.5 text-xs text-bad" title={message}>
      <CircleX className="size-3.5 shrink-0" aria-hidden="true" />
      <span className="truncate">{message}</span>
    </span>
  )
}
