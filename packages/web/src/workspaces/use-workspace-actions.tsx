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
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { useNow } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { actionQuestion, nameSome } from './action-questions.tsx'
import { type BuildInputs, buildInputs, startedVersion } from './build-inputs.ts'
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

interface Target {
  readonly action: WorkspaceAction
  readonly workspace: Workspace
}

/** What stands between an action and its build: a question, values that it needs, or a refusal. */
type Obstacle = Target &
  (
    | { readonly kind: 'question' }
    | { readonly kind: 'values'; readonly inputs: BuildInputs }
    | { readonly kind: 'refused'; readonly error: unknown }
  )

/**
 * Actions on workspaces for one page: what each one offers now, and the dialog that asks where something is lost or
 * a value is missing (UI-713, UI-714). Render `dialog` once.
 */
export function useWorkspaceActions(): {
  readonly offered: (workspace: Workspace) => readonly OfferedAction[]
  readonly dialog: ReactNode
} {
  const viewer = {
    siteOwner: useUser().roles.some((role) => role.name === 'owner'),
    templateUpdater: usePermissions()?.updateTemplates === true,
  }
  const now = useNow()
  const online = useOnline()
  const [obstacle, setObstacle] = useState<Obstacle>()
  const mutation = useMutation({
    mutationFn: ({ action, workspace, orphan }: Target & { readonly orphan?: boolean }) =>
      perform(action, workspace, { orphan: orphan === true }),
    onSuccess: () => setObstacle(undefined),
    onError: (error, target) => {
      const { action, workspace } = target
      if (statusOf(error) === 400 && startedVersion(action, workspace) !== undefined)
        setObstacle({ kind: 'refused', ...target, error })
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
    else setObstacle({ kind: 'question', ...target })
  }
  const inquiry = useMutation({
    mutationFn: ({ versionId, workspace }: Target & { readonly versionId: string }) =>
      buildInputs(workspace, versionId),
    onSuccess: (inputs, { action, workspace }) => {
      if (inputs.missing.length > 0 || inputs.ephemeral.length > 0)
        setObstacle({ kind: 'values', action, workspace, inputs })
      else proceed({ action, workspace })
    },
    // The server says it again when it refuses the build.
    onError: (_, { action, workspace }) => proceed({ action, workspace }),
  })
  const busy = (workspace: Workspace) =>
    (mutation.isPending && mutation.variables.workspace.id === workspace.id) ||
    (inquiry.isPending && inquiry.variables.workspace.id === workspace.id)

  const offered = (workspace: Workspace): readonly OfferedAction[] =>
    availableActions(workspace, viewer, now).map((action) => ({
      action,
      ...WORDS[action],
      danger: action === 'delete',
      disabled: !online || busy(workspace),
      run: () => {
        const versionId = startedVersion(action, workspace)
        if (versionId === undefined) proceed({ action, workspace })
        else inquiry.mutate({ action, workspace, versionId })
      },
    }))
  const close = () => setObstacle(undefined)
  const mayOrphan =
    viewer.templateUpdater &&
    obstacle?.action === 'delete' &&
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
      <ValuesDialog obstacle={obstacle} onClose={close} onContinue={() => proceed(obstacle)} />
    ) : (
      <RefusedDialog obstacle={obstacle} onClose={close} />
    )
  return { offered, dialog }
}

function QuestionDialog({
  target,
  mayOrphan,
  busy,
  error,
  onClose,
  onConfirm,
}: {
  readonly target: Target
  readonly mayOrphan: boolean
  readonly busy: boolean
  readonly error: unknown
  readonly onClose: () => void
  readonly onConfirm: (orphan: boolean) => void
}) {
  const [orphan, setOrphan] = useState(false)
  const question = actionQuestion(target.action, target.workspace)
  if (question === undefined) return null
  return (
    <ConfirmDialog
      open
      {...question}
      busy={busy}
      error={error}
      onClose={onClose}
      onConfirm={() => onConfirm(orphan)}
    >
      {mayOrphan ? (
        <LabelledToggle
          kind="checkbox"
          label="Orphan its resources"
          help="Slipway forgets the workspace, and what its builds created stays behind for somebody to remove by hand. Use this when deleting it fails."
          checked={orphan}
          onChange={setOrphan}
        />
      ) : null}
    </ConfirmDialog>
  )
}

/** A version wants values that the workspace does not have, or offers some for one build (UI-713). */
function ValuesDialog({
  obstacle: { action, workspace, inputs },
  onClose,
  onContinue,
}: {
  readonly obstacle: Extract<Obstacle, { kind: 'values' }>
  readonly onClose: () => void
  readonly onContinue: () => void
}) {
  const go = useGo()
  const verb = WORDS[action].label
  const { missing, ephemeral, versionId } = inputs
  const required = missing.length > 0
  const count = missing.length === 1 ? 'one value' : `${missing.length} values`
  return (
    <Dialog
      open
      onClose={onClose}
      title={
        required ? `${workspace.name} needs ${count} first` : `Values for this build of ${workspace.name}?`
      }
      description={
        required ? (
          <>
            This version of the template asks for <b className="font-medium text-ink">{nameSome(missing)}</b>.
            Nothing has been changed yet.
          </>
        ) : (
          <>
            <b className="font-medium text-ink">{nameSome(ephemeral)}</b> can be set for this build alone.
            Without a value, the template’s defaults apply.
          </>
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          {required ? null : <Button onClick={onContinue}>{verb} with defaults</Button>}
          <Button
            tone="primary"
            onClick={() => {
              onClose()
              go(
                paths.workspaceParameters(workspace.owner_name, workspace.name, {
                  templateVersionId: versionId,
                }),
              )
            }}
          >
            {required && missing.length === 1 ? 'Set the value' : 'Set values'}
          </Button>
        </>
      }
    />
  )
}

/** The server refused a start with what it has: its reason, and where to change the values (UI-714). */
function RefusedDialog({
  obstacle: { workspace, action, error },
  onClose,
}: {
  readonly obstacle: Extract<Obstacle, { kind: 'refused' }>
  readonly onClose: () => void
}) {
  const go = useGo()
  const versionId = startedVersion(action, workspace)
  return (
    <Dialog
      open
      onClose={onClose}
      title={`${workspace.name} was not started`}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button
            tone="primary"
            onClick={() => {
              onClose()
              go(
                paths.workspaceParameters(
                  workspace.owner_name,
                  workspace.name,
                  versionId === undefined ? {} : { templateVersionId: versionId },
                ),
              )
            }}
          >
            Edit parameters
          </Button>
        </>
      }
    >
      <ErrorNotice error={error} />
    </Dialog>
  )
}
