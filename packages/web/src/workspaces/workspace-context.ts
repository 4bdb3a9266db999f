import { createContext, useContext } from 'react'

import type { Workspace } from '@slipway/contract'

interface WorkspaceView {
  readonly workspace: Workspace
  /** A stream keeps it fresh; otherwise it is polled. */
  readonly live: boolean
}

export const WorkspaceContext = createContext<WorkspaceView | undefined>(undefined)

/** The workspace whose pages these are. Only below the workspace layout. */
export function useWorkspace(): WorkspaceView {
  const view = useContext(WorkspaceContext)
  if (view === undefined) throw new Error('useWorkspace() outside of the pages of a workspace')
  return view
}
