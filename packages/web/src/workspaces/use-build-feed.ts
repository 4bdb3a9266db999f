import { queries } from '../api/client.ts'
import { useLive } from '../api/use-live.ts'

/**
 * One connection that tells when a build ended in any workspace that the viewer may read (WS-203). Deployments
 * without that stream live from the list's polling alone.
 */
export function useBuildFeed(): void {
  useLive('builds', {
    path: () => '/api/experimental/watch-all-workspacebuilds',
    onMessage: () => void queries.invalidateQueries({ queryKey: ['workspaces'] }),
    optional: true,
  })
}
