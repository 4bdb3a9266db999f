import { CircleCheck, CircleX, type LucideIcon, Play, Square, Trash2, X } from 'lucide-react'
import { useState } from 'react'

import type { Workspace } from '@slipway/contract'
import { describeError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { usePermissions, useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { TimeAgo, useNow } from '../ui/time-ago.tsx'
import { perform } from './perform.ts'
import { availableActions } from './workspace-actions.ts'

type BatchAction = 'start' | 'stop' | 'delete'

const ACTIONS: readonly {
  readonly action: BatchAction
  readonly label: string
  readonly icon: LucideIcon
  readonly lost: string
}[] = [
  { action: 'start', label: 'Start', icon: Play, lost: 'They start with the version that they have.' },
  {
    action: 'stop',
    label: 'Stop',
    icon: Square,
    lost: 'Running processes and terminals in them end. Files stay as they are.',
  },
  {
    action: 'delete',
    label: 'Delete',
    icon: Trash2,
    lost: 'Everything in them, home folders included, is removed. This cannot be undone.',
  },
]

/** Requests under way at the same time (UI-704). */
const PARALLEL = 5

/** Whether a workspace can be selected for a batch: not while it waits for a build or goes away (UI-703). */
export function isSelectable(workspace: Workspace): boolean {
  const { status } = workspace.latest_build
  return status !== 'pending' && status !== 'deleting' && status !== 'deleted'
}

/** What can be done to all selected workspaces at once; floats over the end of the list. */
export function BatchBar({
  selected,
  onClear,
}: {
  readonly selected: readonly Workspace[]
  readonly onClear: () => void
}) {
  const viewer = {
    siteOwner: useUser().roles.some((role) => role.name === 'owner'),
    templateUpdater: usePermissions()?.updateTemplates === true,
  }
  const now = useNow()
  const online = useOnline()
  const [asked, setAsked] = useState<{
    readonly action: BatchAction
    readonly workspaces: readonly Workspace[]
  }>()
  return (
    <>
      <p role="status" className="sr-only">
        {selected.length === 0 ? '' : `${selected.length} selected`}
      </p>
      <div className="pointer-events-none sticky bottom-4 z-20 mt-4 flex h-11 justify-center">
        {selected.length === 0 ? null : (
          <div className="pointer-events-auto flex w-fit max-w-full animate-rise items-center gap-1 rounded-card border border-line bg-raised px-1.5 shadow-float">
            <span aria-hidden="true" className="whitespace-nowrap px-2 text-sm font-medium tabular-nums">
              {selected.length} selected
            </span>
            {ACTIONS.map(({ action, label, icon: Icon }) => {
              const able = selected.filter((workspace) =>
                availableActions(workspace, viewer, now).includes(action),
              )
              return (
                <Button
                  key={action}
                  tone="quiet"
                  disabled={!online || able.length === 0}
                  onClick={() => setAsked({ action, workspaces: able })}
                  icon={<Icon className="size-4" strokeWidth={1.75} />}
                  aria-label={`${label} ${able.length} of ${selected.length} selected workspaces`}
                >
                  <span className="max-sm:hidden">{label}</span>
                  {able.length === selected.length || able.length === 0 ? null : (
                    <span className="text-ink-3 tabular-nums">{able.length}</span>
                  )}
                </Button>
              )
            })}
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
      {asked === undefined ? null : (
        <BatchDialog
          action={asked.action}
          workspaces={asked.workspaces}
          onClose={() => setAsked(undefined)}
          onDone={onClear}
        />
      )}
    </>
  )
}

type Outcome = 'running' | 'done' | { readonly error: unknown }

/** Names what will happen to which workspaces, then how it went with each; failures can be tried again (UI-704). */
function BatchDialog({
  action,
  workspaces,
  onClose,
  onDone,
}: {
  readonly action: BatchAction
  readonly workspaces: readonly Workspace[]
  readonly onClose: () => void
  readonly onDone: () => void
}) {
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, Outcome>>(new Map())
  const [busy, setBusy] = useState(false)
  const words = ACTIONS.find((one) => one.action === action)
  const what = workspaces.length === 1 ? (workspaces[0]?.name ?? '') : `${workspaces.length} workspaces`
  const failed = [...outcomes.values()].some((outcome) => typeof outcome === 'object')

  const run = async () => {
    setBusy(true)
    const left = workspaces.filter(({ id }) => outcomes.get(id) !== 'done')
    const note = (id: string, outcome: Outcome) => setOutcomes((before) => new Map(before).set(id, outcome))
    let allDone = true
    const worker = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        note(next.id, 'running')
        try {
          await perform(action, next)
          note(next.id, 'done')
        } catch (error) {
          allDone = false
          note(next.id, { error })
        }
      }
    }
    await Promise.all(Array.from({ length: PARALLEL }, worker))
    setBusy(false)
    if (!allDone) return
    onDone()
    onClose()
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`${words?.label} ${what}?`}
      description={words?.lost}
      verb={failed ? 'Try the rest again' : `${words?.label} ${what}`}
      danger={action === 'delete'}
      {...(action === 'delete' && !failed ? { typedName: what } : {})}
      busy={busy}
      error={undefined}
      onConfirm={() => void run()}
    >
      <ul className="max-h-56 overflow-y-auto rounded-control border border-line">
        {workspaces.map((workspace) => (
          <li
            key={workspace.id}
            className="flex min-h-8 items-center gap-2 border-b border-line px-2.5 py-1 text-sm last:border-b-0"
          >
            <span className="min-w-0 flex-1 truncate">
              <bdi>
                {workspace.owner_name}/{workspace.name}
              </bdi>
            </span>
            <OutcomeView outcome={outcomes.get(workspace.id)} lastUsed={workspace.last_used_at} />
          </li>
        ))}
      </ul>
    </ConfirmDialog>
  )
}

function OutcomeView({
  outcome,
  lastUsed,
}: {
  readonly outcome: Outcome | undefined
  readonly lastUsed: string
}) {
  if (outcome === undefined)
    return (
      <span className="shrink-0 text-xs text-ink-3">
        used <TimeAgo time={lastUsed} />
      </span>
    )
  if (outcome === 'running') return <Spinner className="size-3.5 text-run" />
  if (outcome === 'done') return <CircleCheck className="size-3.5 text-ok" aria-label="Done" />
  const { message } = describeError(outcome.error)
  return (
    <span className="flex min-w-0 items-center gap-1.5 text-xs text-bad" title={message}>
      <CircleX className="size-3.5 shrink-0" aria-hidden="true" />
      <span className="truncate">{message}</span>
    </span>
  )
}
