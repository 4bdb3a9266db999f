import { useMutation } from '@tanstack/react-query'
import {
  ArrowUpFromLine,
  Bug,
  CircleSlash,
  type LucideIcon,
  OctagonX,
  Play,
  RotateCcw,
  RotateCw,
  Square,
  Sunrise,
  Trash2,
} from 'lucide-react'
import { type ReactNode, useState } from 'react'

import type { Workspace } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useUser } from '../session/session.tsx'
import { useNow } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { type Obstacle, QuestionDialog, RefusedDialog, type Target, ValuesDialog } from './action-dialogs.tsx'
import { actionQuestion } from './action-questions.tsx'
import { buildInputs, startedVersion } from './build-inputs.ts'
import { perform } from './perform.ts'
import { availableActions, type WorkspaceAction } from './workspace-actions.ts'

/** An action as buttons and menus show it. */
export interface OfferedAction {
  readonly action: WorkspaceAction
  readonly label: string
  readonly icon: LucideIcon
  readonly danger: boolean
  /** Under way, or no connection. */
  readonly disabled: boolean
  readonly run: () => void
}

const WORDS: Record<WorkspaceAction, { readonly label: string; readonly icon: LucideIcon }> = {
  start: { label: 'Start', icon: Play },
  stop: { label: 'Stop', icon: Square },
  restart: { label: 'Restart', icon: RotateCw },
  'update-start': { label: 'Update and start', icon: ArrowUpFromLine },
  'update-restart': { label: 'Update and restart', icon: ArrowUpFromLine },
  retry: { label: 'Retry', icon: RotateCcw },
  'retry-debug': { label: 'Retry with debug log', icon: Bug },
  cancel: { label: 'Cancel', icon: CircleSlash },
  'force-stop': { label: 'End by force', icon: OctagonX },
  activate: { label: 'Activate', icon: Sunrise },
  delete: { label: 'Delete', icon: Trash2 },
}

/**
 * Actions on workspaces for one page: what each one offers now, and the dialog that asks where something is lost or
 * a value is missing (UI-713, UI-714). Render `dialog` once.
 *
 * @param updatesTemplate whether the viewer may update the template of a workspace, which some actions ask for.
 */
export function useWorkspaceActions(updatesTemplate: (workspace: Workspace) => boolean = () => false): {
  readonly offered: (workspace: Workspace) => readonly OfferedAction[]
  /** Starts a workspace with another version, or stops it first; for what a build needs it asks as for an update. */
  readonly startWith: (workspace: Workspace, versionId: string) => void
  readonly dialog: ReactNode
} {
  const siteOwner = useUser().roles.some((role) => role.name === 'owner')
  const now = useNow()
  const online = useOnline()
  const [obstacle, setObstacle] = useState<Obstacle>()
  const mutation = useMutation({
    mutationFn: ({ action, workspace, versionId, orphan }: Target & { readonly orphan?: boolean }) =>
      perform(action, workspace, { orphan: orphan === true, versionId }),
    onSuccess: () => setObstacle(undefined),
    onError: (error, target) => {
      const { action, workspace } = target
      if (statusOf(error) === 400 && startedVersion(action, workspace) !== undefined)
        setObstacle({ ...target, kind: 'refused', error })
      // A question's dialog shows it itself.
      else if (actionQuestion(action, workspace) === undefined) {
        setObstacle(undefined)
        toasts.failed(`${workspace.name}: "${WORDS[action].label.toLowerCase()}" was refused`, error)
      }
    },
  })
  const proceed = (target: Target) => {
    mutation.reset()
    if (actionQuestion(target.action, target.workspace) === undefined) mutation.mutate(target)
    else setObstacle({ ...target, kind: 'question' })
  }
  const inquiry = useMutation({
    mutationFn: ({ target, versionId }: { readonly target: Target; readonly versionId: string }) =>
      buildInputs(target.workspace, versionId),
    onSuccess: (inputs, { target }) => {
      if (inputs.missing.length > 0 || inputs.ephemeral.length > 0)
        setObstacle({ ...target, kind: 'values', inputs })
      else proceed(target)
    },
    // The server says it again when it refuses the build.
    onError: (_, { target }) => proceed(target),
  })
  const busy = (workspace: Workspace) =>
    (mutation.isPending && mutation.variables.workspace.id === workspace.id) ||
    (inquiry.isPending && inquiry.variables.target.workspace.id === workspace.id)

  const offered = (workspace: Workspace): readonly OfferedAction[] =>
    availableActions(workspace, { siteOwner, templateUpdater: updatesTemplate(workspace) }, now).map(
      (action) => ({
        action,
        ...WORDS[action],
        danger: action === 'delete',
        disabled: !online || busy(workspace),
        run: () => {
          const versionId = startedVersion(action, workspace)
          if (versionId === undefined) proceed({ action, workspace })
          else inquiry.mutate({ target: { action, workspace }, versionId })
        },
      }),
    )
  const startWith = (workspace: Workspace, versionId: string) => {
    const action = workspace.latest_build.status === 'running' ? 'update-restart' : 'update-start'
    inquiry.mutate({ target: { action, workspace, versionId }, versionId })
  }
  const close = () => setObstacle(undefined)
  const mayOrphan =
    obstacle?.action === 'delete' &&
    updatesTemplate(obstacle.workspace) &&
    (obstacle.workspace.latest_build.status === 'failed' ||
      obstacle.workspace.latest_build.status === 'canceled')
  const dialog =
    obstacle === undefined ? null : obstacle.kind === 'question' ? (
      <QuestionDialog
        target={obstacle}
        mayOrphan={mayOrphan}
        busy={mutation.isPending}
        error={mutation.error}
        onClose={close}
        onConfirm={(orphan) => mutation.mutate({ ...obstacle, orphan })}
      />
    ) : obstacle.kind === 'values' ? (
      <ValuesDialog
        obstacle={obstacle}
        verb={WORDS[obstacle.action].label}
        onClose={close}
        onContinue={() => proceed(obstacle)}
      />
    ) : (
      <RefusedDialog obstacle={obstacle} onClose={close} />
    )
  return { offered, startWith, dialog }
}
