import { useQuery } from '@tanstack/react-query'
import { Bot, ExternalLink, Pause, Play, SearchX, Trash2, X } from 'lucide-react'
import { useEffect, useState } from 'react'

import type { Task } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useAddress } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Menu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { ChatsBeside } from './chats-beside.tsx'
import { DeleteTasksDialog } from './delete-tasks-dialog.tsx'
import { TASKS_ENABLED } from './enabled.ts'
import { NotificationsNotice } from './notifications-notice.tsx'
import { tasksQuery } from './queries.ts'
import { SearchField } from './search-field.tsx'
import { StartTask, useTaskTemplates } from './start-task.tsx'
import { StatusChip } from './status-chip.tsx'
import { taskTitle, waitsForInput } from './task-look.ts'
import { TasksOff } from './tasks-off.tsx'
import { usePauseOrResume } from './use-pause-or-resume.ts'

const NOTHING: ReadonlySet<string> = new Set()
/** Characters of a prompt that are shown on hovering over the name of its task. */
const PROMPT_ON_HOVER = 300

/** `/tasks`: have something done, and see how everything that was asked for goes (UI-1201). */
export function TasksPage() {
  const [search, change] = useAddress()
  const permissions = usePermissions()
  const all = search.owner === 'all' && permissions?.viewAllUsers === true
  const list = useQuery({ ...tasksQuery(all ? '' : 'owner:me'), enabled: TASKS_ENABLED })
  const [marked, setMarked] = useState<ReadonlySet<string>>(NOTHING)
  const [deleting, setDeleting] = useState<readonly Task[]>()
  const words = search.search ?? ''
  const waitingOnly = search.waiting === 'true'
  // biome-ignore lint/correctness/useExhaustiveDependencies: other rows are another selection (UI-501)
  useEffect(() => setMarked(NOTHING), [all, words, waitingOnly])
  if (!TASKS_ENABLED || statusOf(list.error) === 404) return <TasksOff />
  const tasks = list.data?.tasks
  const waiting = tasks?.filter(waitsForInput) ?? []
  const rows = (waitingOnly && tasks !== undefined ? waiting : tasks)?.filter((task) => isFound(task, words))
  const selected = (rows ?? []).filter(({ id }) => marked.has(id))
  const narrowed = words !== '' || waitingOnly
  return (
    <Page width="wide">
      <PageHeader title="Tasks" context="Work that an agent does on its own, in a workspace made for it" />
      <div className="grid items-start gap-x-6 gap-y-8 xl:grid-cols-[minmax(0,1fr)_320px] xl:grid-rows-[auto_1fr] xl:[&>:nth-child(2)]:row-span-2">
        <div className="flex min-w-0 flex-col gap-4">
          <StartTask wanted={search.template} />
          <div className="mt-2 flex flex-wrap items-center gap-2">
            {permissions?.viewAllUsers === true ? (
              <Segmented
                label="Whose tasks"
                options={[
                  { id: 'mine', label: 'Mine' },
                  { id: 'all', label: 'All' },
                ]}
                value={all ? 'all' : 'mine'}
                onChange={(owner) => change({ owner: owner === 'all' ? 'all' : undefined })}
              />
            ) : null}
            <Segmented
              label="Which tasks"
              options={[
                { id: 'any', label: 'Any state' },
                { id: 'waiting', label: 'Waiting for input', count: waiting.length },
              ]}
              value={waitingOnly ? 'waiting' : 'any'}
              onChange={(which) => change({ waiting: which === 'waiting' ? 'true' : undefined })}
            />
            <SearchField words={words} onSearch={(next) => change({ search: next })} />
          </div>
          {list.isError ? (
            <ErrorNotice
              error={list.error}
              title="The tasks could not be read"
              onRetry={() => void list.refetch()}
            />
          ) : null}
          {list.isError && tasks === undefined ? null : (
            <div className="rounded-card border border-line bg-surface">
              <Table
                label="Tasks"
                columns={COLUMNS}
                rows={rows}
                rowKey={({ id }) => id}
                rowLabel={taskTitle}
                stale={list.isPlaceholderData}
                selection={{ selected: marked, selectable: () => true, onChange: setMarked }}
                actions={(task) => <RowMenu task={task} onDelete={() => setDeleting([task])} />}
                empty={
                  narrowed ? (
                    <EmptyState
                      icon={SearchX}
                      title={
                        waitingOnly && words === '' ? 'No task waits for input' : 'No tasks match the search'
                      }
                      action={
                        <Button onClick={() => change({ search: undefined, waiting: undefined })}>
                          Show all tasks
                        </Button>
                      }
                    />
                  ) : (
                    <NoTasks />
                  )
                }
              />
            </div>
          )}
          {rows?.length === 0 ? null : (
            <SelectionBar
              selected={selected}
              onDelete={() => setDeleting(selected)}
              onClear={() => setMarked(NOTHING)}
            />
          )}
        </div>
        {/* What is known later comes after what it would push away. */}
        {tasks === undefined && !list.isError ? null : (
          <>
            <ChatsBeside />
            <NotificationsNotice />
          </>
        )}
      </div>
      {deleting === undefined ? null : (
        <DeleteTasksDialog
          tasks={deleting}
          onClose={() => setDeleting(undefined)}
          onDone={() => setMarked(NOTHING)}
        />
      )}
    </Page>
  )
}

/** Whether all words are somewhere in what a task is called, asked or says. */
function isFound(task: Task, words: string): boolean {
  const text = [
    task.name,
    task.display_name,
    task.owner_name,
    task.initial_prompt,
    task.current_state?.message ?? '',
  ]
    .join('\n')
    .toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

function NoTasks() {
  const { templates, usable } = useTaskTemplates()
  return (
    <EmptyState icon={Bot} title="No tasks yet">
      {templates.data !== undefined && usable.length === 0
        ? 'An agent works on a task in a workspace of its own, and tells you here how far it is. It takes a template that makes tasks.'
        : 'Write above what should be done. An agent works on it in a workspace of its own, and tells you here how far it is.'}
    </EmptyState>
  )
}

const COLUMNS: readonly Column<Task>[] = [
  { id: 'name', header: 'Task', cell: (task) => <NameCell task={task} /> },
  {
    id: 'status',
    header: 'Status',
    className: '@max-xl:pl-11',
    cell: (task) => <StatusChip task={task} />,
  },
  {
    id: 'message',
    header: 'Last message',
    from: 'xl',
    cell: ({ current_state: state }) =>
      state === null ? (
        <span className="text-ink-3">–</span>
      ) : (
        <bdi className="block max-w-80 truncate text-ink-2" title={state.message}>
          {state.message}
        </bdi>
      ),
  },
  {
    id: 'template',
    header: 'Template',
    from: 'lg',
    cell: (task) => (
      <span className="block max-w-32 truncate text-ink-2 @5xl:max-w-44">
        {task.template_display_name === '' ? task.template_name : task.template_display_name}
      </span>
    ),
  },
  {
    id: 'created',
    header: 'Created',
    from: 'md',
    cell: (task) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={task.created_at} />
      </span>
    ),
  },
]

function NameCell({ task }: { readonly task: Task }) {
  const user = useUser()
  const message = task.current_state?.message ?? ''
  return (
    <span className="flex min-w-0 items-center gap-3">
      <ThingIcon src={task.template_icon} className="size-5" />
      <span className="flex min-w-0 flex-col leading-snug">
        <span className="flex min-w-0 items-baseline gap-1">
          {task.owner_id === user.id ? null : (
            <span className="max-w-32 min-w-8 shrink-[3] truncate text-ink-3">
              <bdi>{task.owner_name}</bdi> /
            </span>
          )}
          <AppLink
            href={paths.task(task.owner_name, task.name)}
            title={task.initial_prompt.slice(0, PROMPT_ON_HOVER)}
            className="truncate font-medium text-ink hover:text-accent"
          >
            <bdi>{taskTitle(task)}</bdi>
          </AppLink>
        </span>
        {/* Where the column of messages has no room. */}
        {message === '' ? null : (
          <bdi className="truncate text-xs text-ink-2 @5xl:hidden" title={message}>
            {message}
          </bdi>
        )}
      </span>
    </span>
  )
}

function RowMenu({ task, onDelete }: { readonly task: Task; readonly onDelete: () => void }) {
  const go = useGo()
  const online = useOnline()
  const { pause, resume, may } = usePauseOrResume(task)
  return (
    <Menu
      label={`Actions for ${taskTitle(task)}`}
      groups={[
        [
          {
            id: 'open',
            label: 'Open',
            icon: Bot,
            onSelect: () => go(paths.task(task.owner_name, task.name)),
          },
          ...(task.workspace_id === null
            ? []
            : [
                {
                  id: 'workspace',
                  label: 'Open the workspace',
                  icon: ExternalLink,
                  onSelect: () => go(paths.workspace(task.owner_name, task.workspace_name)),
                },
              ]),
        ],
        may === 'pause'
          ? [{ id: 'pause', label: 'Pause', icon: Pause, disabled: !online, onSelect: pause }]
          : may === 'resume'
            ? [{ id: 'resume', label: 'Resume', icon: Play, disabled: !online, onSelect: resume }]
            : [],
        [
          {
            id: 'delete',
            label: 'Delete',
            icon: Trash2,
            danger: true,
            disabled: !online,
            onSelect: onDelete,
          },
        ],
      ]}
    />
  )
}

/** What can be done to all selected tasks at once; floats over the end of the list. */
function SelectionBar({
  selected,
  onDelete,
  onClear,
}: {
  readonly selected: readonly Task[]
  readonly onDelete: () => void
  readonly onClear: () => void
}) {
  const online = useOnline()
  return (
    <>
      <p role="status" className="sr-only">
        {selected.length === 0 ? '' : `${selected.length} selected`}
      </p>
      <div className="pointer-events-none sticky bottom-4 z-20 flex h-11 justify-center">
        {selected.length === 0 ? null : (
          <div className="pointer-events-auto flex w-fit max-w-full animate-rise items-center gap-1 rounded-card border border-line bg-raised px-1.5 shadow-float">
            <span aria-hidden="true" className="whitespace-nowrap px-2 text-sm font-medium tabular-nums">
              {selected.length} selected
            </span>
            <Button
              tone="quiet"
              disabled={!online}
              onClick={onDelete}
              icon={<Trash2 className="size-4" strokeWidth={1.75} />}
              aria-label={`Delete ${selected.length} selected tasks`}
            >
              Delete
            </Button>
            <Button
              tone="quiet"
              size="icon"
              aria-label="Clear the selection"
              title="Clear the selection"
              onClick={onClear}
              icon={<X className="size-4" strokeWidth={1.75} />}
            />
          </div>
        )}
      </div>
    </>
  )
}
