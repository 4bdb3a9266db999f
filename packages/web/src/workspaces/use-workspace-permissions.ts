import { useQueries } from '@tanstack/react-query'

import { checkAuthorization, type Workspace } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useUser } from '../session/session.tsx'
import { NO_WORKSPACE_PERMISSIONS, rowChecks, type WorkspacePermissions } from './row-checks.ts'

/** What is known about the viewer's rights to a workspace; nothing is allowed until it is. */
export interface PermissionAnswer extends WorkspacePermissions {
  /** `idle`: nobody has asked yet. */
  readonly state: 'idle' | 'asking' | 'known' | 'failed'
  /** Why it is not known. */
  readonly error: unknown
}

/**
 * The viewer's rights to the rows of a page, asked for when `wanted` is one of them: by one request for all rows as
 * far as the server takes them at once, kept while the page shows the same rows (UI-702).
 */
export function useWorkspacePermissions(
  rows: readonly Workspace[],
  wanted: Workspace | undefined,
): (workspace: Workspace) => PermissionAnswer {
  const checks = rowChecks(rows, useUser().id)
  const needed = new Set(wanted === undefined ? [] : checks.requestsOf(wanted))
  const answers = useQueries({
    queries: checks.requests.map((request, index) => ({
      queryKey: ['workspace-permissions', request],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) =>
        api.call(checkAuthorization, { body: { checks: request }, signal }),
      enabled: needed.has(index),
      staleTime: Number.POSITIVE_INFINITY,
    })),
  })
  return (workspace) => {
    const own = checks.requestsOf(workspace).flatMap((index) => answers[index] ?? [])
    const failed = own.find(({ isError }) => isError)
    const known = failed === undefined && own.length > 0 && own.every(({ data }) => data !== undefined)
    const asking = own.some(({ isFetching }) => isFetching)
    return {
      ...(known
        ? checks.read(workspace, Object.assign({}, ...own.map(({ data }) => data)))
        : NO_WORKSPACE_PERMISSIONS),
      state: known ? 'known' : asking ? 'asking' : failed === undefined ? 'idle' : 'failed',
      error: failed?.error,
    }
  }
}
