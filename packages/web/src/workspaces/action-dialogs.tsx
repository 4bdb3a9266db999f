import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Workspace } from '@slipway/contract'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { versionQuery } from '../templates/queries.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { actionQuestion, nameSome } from './action-questions.tsx'
import { type BuildInputs, startedVersion } from './build-inputs.ts'
import type { WorkspaceAction } from './workspace-actions.ts'

/** An action on a workspace. */
export interface Target {
  readonly action: WorkspaceAction
  readonly workspace: Workspace
  /** The version that it is started with, where somebody chose one. */
  readonly versionId?: string
}

/** What stands between an action and its build: a question, values that it needs, or a refusal. */
export type Obstacle = Target &
  (
    | { readonly kind: 'question' }
    | { readonly kind: 'values'; readonly inputs: BuildInputs }
    | { readonly kind: 'refused'; readonly error: unknown }
  )

/** The question before an action (UI-506); with what an update brings (UI-702). */
export function QuestionDialog({
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
  const chosen = target.versionId !== undefined
  const versionId =
    target.action === 'update-restart'
      ? (target.versionId ?? target.workspace.template_active_version_id)
      : undefined
  return (
    <ConfirmDialog
      open
      {...question}
      {...(chosen
        ? { title: `Restart ${target.workspace.name} with this version?`, verb: 'Change and restart' }
        : {})}
      busy={busy}
      error={error}
      onClose={onClose}
      onConfirm={() => onConfirm(orphan)}
    >
      {versionId === undefined ? null : <VersionMessage versionId={versionId} />}
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

/** What the author of a version says about it. */
function VersionMessage({ versionId }: { readonly versionId: string }) {
  const { data: version, isError } = useQuery(versionQuery(versionId))
  if (version === undefined) return isError ? null : <div className="skeleton h-9" />
  return (
    <p className="rounded-control border border-line bg-bg px-3 py-2 text-sm whitespace-pre-wrap">
      <b className="font-medium">{version.name}</b>
      {version.message === '' ? null : `: ${version.message}`}
    </p>
  )
}

/** A version wants values that the workspace does not have, or offers some for one build (UI-713). */
export function ValuesDialog({
  obstacle: { workspace, inputs },
  verb,
  onClose,
  onContinue,
}: {
  readonly obstacle: Extract<Obstacle, { kind: 'values' }>
  /** What goes on with the template's defaults. */
  readonly verb: string
  readonly onClose: () => void
  readonly onContinue: () => void
}) {
  const go = useGo()
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
export function RefusedDialog({
  obstacle: { workspace, action, error, versionId: chosen },
  onClose,
}: {
  readonly obstacle: Extract<Obstacle, { kind: 'refused' }>
  readonly onClose: () => void
}) {
  const go = useGo()
  const versionId = chosen ?? startedVersion(action, workspace)
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
