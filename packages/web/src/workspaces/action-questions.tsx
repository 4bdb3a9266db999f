import type { ReactNode } from 'react'

import type { Workspace } from '@slipway/contract'
import type { WorkspaceAction } from './workspace-actions.ts'

/** What is asked before an action. */
export interface ActionQuestion {
  readonly title: string
  readonly description: ReactNode
  readonly verb: string
  readonly danger?: boolean
  readonly typedName?: string
}

/** The question before an action; none for those that lose nothing (UI-506). */
export function actionQuestion(action: WorkspaceAction, workspace: Workspace): ActionQuestion | undefined {
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
        description: 'Resources created so far may stay behind until the next build.',
        verb: 'Cancel the build',
        danger: true,
      }
    case 'force-stop':
      return {
        title: `End the build of ${workspace.name} by force?`,
        description:
          'It was canceled but has not ended. Ending it by force marks it as canceled at once, whatever its provisioner is still doing. Resources may stay behind.',
        verb: 'End by force',
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

/** "Branch", "Branch and Size", "Branch, Size and 2 more". */
export function nameSome(names: readonly string[]): string {
  if (names.length > 3) return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`
  return names.length < 2
    ? (names[0] ?? '')
    : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`
}
