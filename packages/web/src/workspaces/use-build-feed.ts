import { queries } from '../api/client.ts'
import { useLive } from '../api/use-live.ts'
import { usePermissions } from '../session/session.tsx'

/**
 * One connection that tells when any build of the deployment ended, for viewers who may read all workspaces (WS-203).
 * Everybody else, and deployments without that stream, live from the list's polling alone.
 */
export function useBuildFeed(): void {
  const permitted = usePermissions()?.viewAllWorkspaces === true
  useLive(permitted ? 'builds' : undefined, {
    path: () => '/api/experimental/watch-all-workspacebuilds',
    onMessage: () => void queries.invalidateQueries({ queryKey: ['workspaces'] }),
    optional: true,
  })
}
