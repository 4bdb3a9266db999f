import type { ProvisionerJob, Workspace } from '@slipway/contract'

/** What can be asked of a workspace. */
export type WorkspaceAction =
  | 'start'
  | 'stop'
  | 'restart'
  | 'update-start'
  | 'update-restart'
  | 'retry'
  | 'retry-debug'
  | 'cancel'
  | 'force-stop'
  | 'activate'
  | 'delete'

/** What of the viewer decides about actions. */
export interface Viewer {
  /** A site owner may cancel whatever the template says. */
  readonly siteOwner: boolean
  /** May update the template: debug logs are for those. */
  readonly templateUpdater: boolean
}

type Facts = Pick<
  Workspace,
  | 'dormant_at'
  | 'outdated'
  | 'automatic_updates'
  | 'template_require_active_version'
  | 'template_allow_user_cancel_workspace_jobs'
> & {
  readonly latest_build: Pick<Workspace['latest_build'], 'status' | 'has_external_agent'> & {
    readonly job: Pick<ProvisionerJob, 'started_at' | 'canceled_at'>
  }
}

/** A build that shows no progress for so long may be canceled by its owner; the server knows whether it does (WS-317). */
const STUCK_AFTER_MS = 5 * 60_000
/** A cancel that has not ended the build by then can be repeated, and ends it by force (WS-317). */
const FORCE_AFTER_MS = 30_000

/** The actions on offer at the time `now` (milliseconds), the likeliest first (UI-711). */
export function availableActions(workspace: Facts, viewer: Viewer, now: number): readonly WorkspaceAction[] {
  const { status, has_external_agent: external } = workspace.latest_build
  if (workspace.dormant_at !== null) return status === 'deleted' ? [] : ['activate', 'delete']
  const actions = stateActions(workspace, viewer, now)
  // The agent runs elsewhere: only what concerns the build itself is left.
  return external
    ? actions.filter((action) => action === 'cancel' || action === 'force-stop' || action === 'delete')
    : actions
}

function stateActions(workspace: Facts, viewer: Viewer, now: number): readonly WorkspaceAction[] {
  const { started_at: started, canceled_at: canceled } = workspace.latest_build.job
  const mayCancel =
    workspace.template_allow_user_cancel_workspace_jobs ||
    viewer.siteOwner ||
    past(started, STUCK_AFTER_MS, now)
  switch (workspace.latest_build.status) {
    case 'pending':
    case 'deleting':
      return ['cancel']
    case 'starting':
    case 'stopping':
      return mayCancel ? ['cancel'] : []
    case 'running':
      return ['stop', ...versions(workspace, 'restart', 'update-restart'), 'delete']
    case 'stopped':
      return [...versions(workspace, 'start', 'update-start'), 'delete']
    case 'canceled':
      return ['start', 'stop', 'delete']
    case 'failed':
      return [
        'retry',
        ...(viewer.templateUpdater ? (['retry-debug'] as const) : []),
        ...(workspace.outdated ? (['update-start'] as const) : []),
        'delete',
      ]
    case 'canceling':
      return past(canceled, FORCE_AFTER_MS, now) ? ['force-stop'] : []
    case 'deleted':
      return []
  }
}

function past(time: string | undefined, milliseconds: number, now: number): boolean {
  return time !== undefined && now - Date.parse(time) >= milliseconds
}

/** The present version, the new one, or the choice. */
function versions(
  workspace: Facts,
  plain: WorkspaceAction,
  updated: WorkspaceAction,
): readonly WorkspaceAction[] {
  if (!workspace.outdated) return [plain]
  return workspace.template_require_active_version || workspace.automatic_updates === 'always'
    ? [updated]
    : [plain, updated]
}
