import {
  ArrowLeft,
  Bell,
  Boxes,
  Copy,
  Ellipsis,
  Pause,
  PenLine,
  Play,
  Trash2,
  UserRoundPlus,
} from 'lucide-react'
import { useState } from 'react'

import type { Task } from '@slipway/contract'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useCheck } from '../session/use-check.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { copyText } from '../ui/copy-text.ts'
import { Menu } from '../ui/menu.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { toasts } from '../ui/toast.tsx'
import { usePageHeading } from '../ui/use-page-heading.ts'
import { DeleteTasksDialog } from './delete-tasks-dialog.tsx'
import { EditPromptDialog } from './edit-prompt-dialog.tsx'
import { StatusChip } from './status-chip.tsx'
import { taskTitle } from './task-look.ts'
import type { TaskStage } from './task-stage.ts'
import { usePauseOrResume } from './use-pause-or-resume.ts'

/** Stages in which another prompt makes sense: the program has not begun with this one, or will begin again. */
const EDITABLE: ReadonlySet<TaskStage> = new Set(['building', 'starting', 'paused'])

/** Top of the page of a task: its name, how it does, what its program said last, and what can be done. */
export function TaskHeader({ task, stage }: { readonly task: Task; readonly stage: TaskStage }) {
  const title = taskTitle(task)
  const heading = usePageHeading(`${title} - Tasks`)
  const go = useGo()
  const online = useOnline()
  const { may, pause, resume, busy } = usePauseOrResume(task)
  const object = { resource_type: 'task', owner_id: task.owner_id, organization_id: task.organization_id }
  const mayUpdate = useCheck('update', object) === true
  const mayDelete = useCheck('delete', object) === true
  const [open, setOpen] = useState<'edit' | 'delete'>()
  const message = task.current_state?.message ?? ''
  const copyLink = async () => {
    const link = location.origin + paths.task(task.owner_name, task.name)
    if (await copyText(link)) toasts.done('The link was copied')
    else toasts.failed('The link was not copied', new Error(`The browser does not allow it here: ${link}`))
  }
  return (
    <header className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-3 py-2 sm:px-4">
      <AppLink
        href={paths.tasks()}
        aria-label="All tasks"
        title="All tasks"
        className={buttonClass({ tone: 'quiet', size: 'icon' })}
      >
        <ArrowLeft className="size-4" />
      </AppLink>
      <span className="max-sm:hidden">
        <ThingIcon src={task.template_icon} className="size-5" />
      </span>
      <div className="flex min-w-0 flex-1 basis-24 flex-col">
        <h1 ref={heading} tabIndex={-1} className="truncate text-base font-semibold" title={title}>
          <bdi>{title}</bdi>
        </h1>
        <div className="flex min-w-0 items-center gap-2" aria-live="polite">
          <StatusChip task={task} />
          {message === '' ? null : (
            <bdi className="min-w-0 truncate text-sm text-ink-2 max-sm:hidden" title={message}>
              {message}
            </bdi>
          )}
        </div>
      </div>
      <div className="ml-auto flex items-center gap-2">
        {!mayUpdate || may === undefined || stage === 'deleted' ? null : may === 'pause' ? (
          <Button
            disabled={!online}
            busy={busy}
            onClick={pause}
            icon={<Pause className="size-3.5" />}
            title="Stops the workspace; files stay"
          >
            Pause
          </Button>
        ) : (
          <Button
            tone="primary"
            disabled={!online}
            busy={busy}
            onClick={resume}
            icon={<Play className="size-3.5" />}
          >
            {stage === 'paused' ? 'Resume' : 'Try again'}
          </Button>
        )}
        <Menu
          label="More actions"
          trigger={<Button size="icon" aria-label="More actions" icon={<Ellipsis className="size-4" />} />}
          groups={[
            mayUpdate && EDITABLE.has(stage)
              ? [
                  {
                    id: 'prompt',
                    label: 'Edit the prompt',
                    icon: PenLine,
                    disabled: !online,
                    onSelect: () => setOpen('edit'),
                  },
                ]
              : [],
            [
              { id: 'link', label: 'Copy the link', icon: Copy, onSelect: () => void copyLink() },
              ...(task.workspace_id === null
                ? []
                : [
                    {
                      id: 'share',
                      label: 'Share',
                      hint: 'Whoever may use the workspace may use the task',
                      icon: UserRoundPlus,
                      onSelect: () => go(paths.workspaceSharing(task.owner_name, task.workspace_name)),
                    },
                    {
                      id: 'workspace',
                      label: 'Open the workspace',
                      icon: Boxes,
                      onSelect: () => go(paths.workspace(task.owner_name, task.workspace_name)),
                    },
                  ]),
              {
                id: 'notifications',
                label: 'Notifications',
                icon: Bell,
                onSelect: () => go(paths.settings('notifications')),
              },
            ],
            mayDelete
              ? [
                  {
                    id: 'delete',
                    label: 'Delete',
                    icon: Trash2,
                    danger: true,
                    disabled: !online,
                    onSelect: () => setOpen('delete'),
                  },
                ]
              : [],
          ]}
        />
      </div>
      {message === '' ? null : (
        <p className="line-clamp-2 w-full px-1 text-sm text-ink-2 sm:hidden">
          <bdi>{message}</bdi>
        </p>
      )}
      {open === 'edit' ? (
        <EditPromptDialog task={task} stage={stage} onClose={() => setOpen(undefined)} />
      ) : null}
      {open === 'delete' ? (
        <DeleteTasksDialog
          tasks={[task]}
          onClose={() => setOpen(undefined)}
          onDone={() => go(paths.tasks(), { replace: true })}
        />
      ) : null}
    </header>
  )
}
