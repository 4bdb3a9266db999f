import { useMutation } from '@tanstack/react-query'
import {
  ArrowUpFromLine,
  Bug,
  CircleSlash,
  type LucideIcon,
  Play,
  RotateCcw,
  RotateCw,
  Square,
  Sunrise,
  Trash2,
} from 'lucide-react'
import { type ReactNode, useState } from 'react'

import type { Workspace } from '@slipway/contract'
import { useOnline } from '../frame/connection-banner.tsx'
import { usePermissions, useUser } from '../session/session.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
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
  activate: { label: 'Activate', icon: Sunrise },
  delete: { label: 'Delete', icon: Trash2 },
}

interface Question {
  readonly title: string
  readonly description: ReactNode
  readonly verb: string
  readonly danger?: boolean
  readonly typedName?: string
}

/** What is asked before an action; nothing for those that lose nothing (UI-506). */
function question(action: WorkspaceAction, workspace: Workspace): Question | undefined {
  const name = <b className="font-medium text-ink">{workspace.name}</b>
  switch (action) {
    case 'stop':
      return {
        title: `Stop ${workspace.name}?`,
        description: <>Running processes and terminals of {name} end. Files stay as they are.</>,
        verb: 'Stop',
      }
    case 'restart':
    case 'update-restart':
      return {
        title: action === 'restart' ? `Restart ${workspace.name}?` : `Update and restart ${workspace.name}?`,
        description: (
          <>
            Running processes, terminals and unsaved work in {name} are lost. What the template does not keep
            across a stop is made anew.
          </>
        ),
        verb: action === 'restart' ? 'Restart' : 'Update and restart',
      }
    case 'cancel':
      return {
        title: `Cancel the build of ${workspace.name}?`,
        description: 'Resources that were made so far may stay behind until the next build.',
        verb: 'Cancel the build',
        danger: true,
      }
    case 'delete':
      return {
        title: `Delete ${workspace.name}?`,
        description: (
          <>{name} and everything in it, its home folder included, is removed. This cannot be undone.</>
        ),
        verb: 'Delete workspace',
        danger: true,
        typedName: workspace.name,
      }
    default:
      return undefined
  }
}

/**
 * Actions on workspaces for one page: what each one offers now, and the dialog that asks where something is lost.
 * Render `dialog` once.
 */
export function useWorkspaceActions(): {
  readonly offered: (workspace: Workspace) => readonly OfferedAction[]
  readonly dialog: ReactNode
} {
  const viewer = {
    siteOwner: useUser().roles.some((role) => role.name === 'owner'),
    templateUpdater: usePermissions()?.updateTemplates === true,
  }
  const online = useOnline()
  const [asked, setAsked] = useState<{ readonly action: WorkspaceAction; readonly workspace: Workspace }>()
  const mutation = useMutation({
    mutationFn: ({
      action,
      workspace,
    }: {
      readonly action: WorkspaceAction
      readonly workspace: Workspace
    }) => perform(action, workspace),
    onSuccess: () => setAsked(undefined),
    onError: (error, { action, workspace }) => {
      // A dialog shows it itself.
      if (question(action, workspace) === undefined)
        toasts.failed(`${workspace.name}: "${WORDS[action].label.toLowerCase()}" was refused`, error)
    },
  })
  const busy = (workspace: Workspace) =>
    mutation.isPending && mutation.variables.workspace.id === workspace.id

  const offered = (workspace: Workspace): readonly OfferedAction[] =>
    availableActions(workspace, viewer).map((action) => ({
      action,
      ...WORDS[action],
      danger: action === 'delete',
      disabled: !online || busy(workspace),
      run: () => {
        mutation.reset()
        if (question(action, workspace) === undefined) mutation.mutate({ action, workspace })
        else setAsked({ action, workspace })
      },
    }))
  const posed = asked === undefined ? undefined : question(asked.action, asked.workspace)
  const dialog =
    asked === undefined || posed === undefined ? null : (
      <ConfirmDialog
        open
        {...posed}
        busy={mutation.isPending}
        error={mutation.error}
        onClose={() => setAsked(undefined)}
        onConfirm={() => mutation.mutate(asked)}
      />
    )
  return { offered, dialog }
}
