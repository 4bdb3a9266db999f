import { Copy, Download, GitCommitHorizontal, Pencil, Settings } from 'lucide-react'
import { type ReactNode, useState } from 'react'

import type { Workspace } from '@slipway/contract'
import { describeError } from '../api/errors.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useSeveralOrganizations } from '../session/session.tsx'
import type { MenuItem } from '../ui/menu.tsx'
import { toasts } from '../ui/toast.tsx'
import { ChangeVersionDialog } from './change-version-dialog.tsx'
import { downloadLogs } from './download-logs.ts'
import type { OfferedAction } from './use-workspace-actions.tsx'
import type { PermissionAnswer } from './use-workspace-permissions.ts'
import type { WorkspaceAction } from './workspace-actions.ts'

/** Whoever may do one of these may do it with another version. */
const STARTS: ReadonlySet<WorkspaceAction> = new Set([
  'start',
  'restart',
  'update-start',
  'update-restart',
  'retry',
])

/**
 * The entries of a workspace's menu beside its actions (UI-715), and the dialog that one of them opens. What needs a
 * right that is not known is disabled and says so (UI-702). Render `dialog` once.
 */
export function useWorkspaceMenu(startWith: (workspace: Workspace, versionId: string) => void): {
  readonly items: (
    workspace: Workspace,
    permissions: PermissionAnswer,
    actions: readonly OfferedAction[],
  ) => readonly MenuItem[]
  readonly dialog: ReactNode
} {
  const go = useGo()
  const several = useSeveralOrganizations()
  const [changing, setChanging] = useState<Workspace>()
  const items = (
    workspace: Workspace,
    permissions: PermissionAnswer,
    actions: readonly OfferedAction[],
  ): readonly MenuItem[] => {
    const { owner_name: owner, name } = workspace
    const mayUpdate = needs(permissions, permissions.updateWorkspace, 'You may not change this workspace')
    const mayChoose = needs(permissions, permissions.updateTemplate, 'For those who maintain the template')
    const start = actions.find(({ action }) => STARTS.has(action))
    return [
      {
        id: 'settings',
        label: 'Settings',
        icon: Settings,
        ...mayUpdate,
        onSelect: () => go(paths.workspaceSettings(owner, name)),
      },
      ...(workspace.allow_renames
        ? [
            {
              id: 'rename',
              label: 'Rename',
              icon: Pencil,
              ...mayUpdate,
              onSelect: () => go(paths.workspaceSettings(owner, name, 'name')),
            },
          ]
        : []),
      ...(start === undefined
        ? []
        : [
            {
              id: 'change-version',
              label: 'Change version',
              icon: GitCommitHorizontal,
              ...(start.disabled ? { disabled: true } : mayChoose),
              onSelect: () => setChanging(workspace),
            },
          ]),
      {
        id: 'duplicate',
        label: 'Duplicate',
        icon: Copy,
        onSelect: () =>
          go(
            paths.template(
              { name: workspace.template_name, organization_name: workspace.organization_name },
              several,
              'workspace',
              { mode: 'duplicate', from: workspace.id },
            ),
          ),
      },
      {
        id: 'logs',
        label: 'Download logs',
        icon: Download,
        onSelect: () => {
          downloadLogs(workspace).catch((error: unknown) =>
            toasts.failed(`The logs of ${name} were not downloaded`, error),
          )
        },
      },
    ]
  }
  const dialog =
    changing === undefined ? null : (
      <ChangeVersionDialog
        workspace={changing}
        onClose={() => setChanging(undefined)}
        onChoose={(versionId) => {
          setChanging(undefined)
          startWith(changing, versionId)
        }}
      />
    )
  return { items, dialog }
}

function needs(
  { state, error }: PermissionAnswer,
  allowed: boolean,
  refusal: string,
): Pick<MenuItem, 'disabled' | 'hint'> {
  if (allowed) return {}
  if (state === 'failed') return { disabled: true, hint: `Not known: ${describeError(error).message}` }
  return state === 'known' ? { disabled: true, hint: refusal } : { disabled: true }
}
