import {
  type CreateWorkspaceBuildRequest,
  cancelBuild,
  createBuild,
  getBuild,
  setDormant,
  type Workspace,
  type WorkspaceBuild,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { toasts } from '../ui/toast.tsx'
import { refreshWorkspace, showBuild, showWorkspace } from './queries.ts'
import type { WorkspaceAction } from './workspace-actions.ts'
import { isMoving } from './workspace-look.ts'

const CHECK_MS = 1000
const LONGEST_STOP_MS = 60 * 60_000

/**
 * Carries out an action (UI-712). Resolves when the server has taken it on; a start that waits for a stop follows
 * by itself and outlives the page that asked for it.
 *
 * @param options `orphan`: a deletion forgets the resources instead of removing them. `versionId`: an update is one
 * to this version instead of the active one.
 * @throws ApiError in the server's words, NetworkError.
 */
export async function perform(
  action: WorkspaceAction,
  workspace: Workspace,
  {
    orphan = false,
    versionId = workspace.template_active_version_id,
  }: { readonly orphan?: boolean; readonly versionId?: string | undefined } = {},
): Promise<void> {
  const version = { template_version_id: versionId }
  switch (action) {
    case 'start':
      return build(workspace, { transition: 'start' })
    case 'stop':
      return build(workspace, { transition: 'stop' })
    case 'delete':
      return build(workspace, { transition: 'delete', ...(orphan ? { orphan } : {}) })
    case 'update-start':
      return build(workspace, { transition: 'start', ...version })
    case 'restart':
      return restartWorkspace(workspace, {})
    case 'update-restart':
      return restartWorkspace(workspace, version)
    case 'retry':
      return retry(workspace, {})
    case 'retry-debug':
      return retry(workspace, { log_level: 'debug' })
    case 'cancel':
    case 'force-stop':
      await api.call(cancelBuild, {
        params: { workspacebuild: workspace.latest_build.id },
        ...(workspace.latest_build.status === 'pending'
          ? { query: { expect_status: 'pending' as const } }
          : {}),
      })
      return refreshWorkspace(workspace)
    case 'activate':
      return showWorkspace(
        await api.call(setDormant, { params: { workspace: workspace.id }, body: { dormant: false } }),
      )
  }
}

type Extra = Omit<CreateWorkspaceBuildRequest, 'transition' | 'reason'>

/** Stops, and starts again with `extra` when the stop is done; a canceled or failed stop ends it (UI-712). */
export async function restartWorkspace(workspace: Workspace, extra: Extra): Promise<void> {
  const { template_version_id = workspace.latest_build.template_version_id, log_level, ...others } = extra
  // The server starts the active version by itself, whatever becomes of this page (WS-177); others are for managers.
  if (template_version_id === workspace.template_active_version_id)
    return build(workspace, {
      transition: 'stop',
      on_success: { transition: 'start', ...parametersOf(others) },
      ...(log_level === undefined ? {} : { log_level }),
    })
  const stop = await order(workspace, {
    transition: 'stop',
    ...(extra.log_level === undefined ? {} : { log_level: extra.log_level }),
  })
  showBuild(workspace, stop)
  void startAfter(workspace, stop, extra)
}

function parametersOf({ rich_parameter_values }: Extra): Pick<Extra, 'rich_parameter_values'> {
  return rich_parameter_values === undefined ? {} : { rich_parameter_values }
}

async function startAfter(workspace: Workspace, stop: WorkspaceBuild, extra: Extra): Promise<void> {
  try {
    const done = await finished(stop)
    if (done.status !== 'stopped') {
      toasts.failed(
        `${workspace.name} was not started again`,
        new Error(done.job.error ?? `Stopping it ended as "${done.status}".`),
      )
      return
    }
    await build(workspace, { transition: 'start', ...extra })
  } catch (error) {
    toasts.failed(`${workspace.name} was not started again`, error)
  }
}

/** A failed start is undone first; other transitions are just repeated. */
function retry(workspace: Workspace, extra: Extra): Promise<void> {
  const { transition, template_version_id } = workspace.latest_build
  return transition === 'start'
    ? restartWorkspace(workspace, { template_version_id, ...extra })
    : build(workspace, { transition, ...extra })
}

async function build(
  workspace: Workspace,
  request: Omit<CreateWorkspaceBuildRequest, 'reason'>,
): Promise<void> {
  showBuild(workspace, await order(workspace, request))
}

function order(
  workspace: Workspace,
  request: Omit<CreateWorkspaceBuildRequest, 'reason'>,
): Promise<WorkspaceBuild> {
  return api.call(createBuild, {
    params: { workspace: workspace.id },
    body: { ...request, reason: 'dashboard' },
  })
}

async function finished(build: WorkspaceBuild): Promise<WorkspaceBuild> {
  const until = Date.now() + LONGEST_STOP_MS
  for (;;) {
    const now = await api.call(getBuild, { params: { workspacebuild: build.id } })
    if (!isMoving(now.status)) return now
    if (Date.now() > until) throw new Error('Stopping it takes longer than an hour.')
    await new Promise((resolve) => setTimeout(resolve, CHECK_MS))
  }
}
