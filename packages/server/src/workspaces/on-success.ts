import type { CreateWorkspaceBuildRequest } from '@slipway/contract'
import { type Actor, isAllowed, PREBUILDS_USER, systemActor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { badRequest, conflict, forbidden } from '../errors/index.ts'
import { getTemplate, templateObject } from '../templates/index.ts'
import { mayTransition, type WorkspaceOwnership } from './store/workspace-object.ts'

type OnSuccess = NonNullable<CreateWorkspaceBuildRequest['on_success']>

const reader = systemActor(
  'provisionerd',
  'who may pin a version is decided by the template of the workspace',
)

/** What a build may ask to follow it: a start, after a stop that is done as always (WS-177). @throws ApiError 400. */
export function requireQueueable(
  request: Pick<CreateWorkspaceBuildRequest, 'transition' | 'orphan' | 'dry_run' | 'on_success'> & {
    readonly state?: unknown
  },
): void {
  const { on_success: next } = request
  if (next === undefined) return
  const beside = [
    ['orphan', request.orphan === true],
    ['state', request.state !== undefined],
    ['dry_run', request.dry_run === true],
  ] as const
  const [strange] = beside.find(([, given]) => given) ?? []
  if (strange !== undefined)
    throw badRequest(`OnSuccess cannot be set alongside ${strange}.`, {
      validations: [{ field: 'on_success', detail: `cannot be set alongside ${strange}` }],
    })
  if (request.transition !== 'stop')
    throw badRequest('OnSuccess can only be set for a stop.', {
      detail: 'Ask for a build with the transition "stop", which a start then follows; nothing was built.',
      validations: [{ field: 'on_success', detail: 'only follows a stop' }],
    })
  if (next.template_version_preset_id !== undefined && next.template_version_id === undefined)
    throw badRequest('A preset of a follow-up build needs its template version.', {
      validations: [
        { field: 'on_success.template_version_id', detail: 'is needed with template_version_preset_id' },
      ],
    })
}

/** Whether the actor may have a start follow, and of the version that is asked for (WS-177). @throws ApiError 403, 409. */
export async function requireMayFollow(
  actor: Actor,
  tx: Db,
  workspace: WorkspaceOwnership & { readonly template_id: string },
  next: OnSuccess,
): Promise<void> {
  if (workspace.owner_id === PREBUILDS_USER)
    throw conflict('Follow-up builds are not supported for prebuilt workspaces.')
  if (!mayTransition(actor, 'start', workspace))
    throw refused('You do not have permission to start this workspace.')
  if (next.template_version_id === undefined) return
  const template = await getTemplate(reader, tx, workspace.template_id, { deletedToo: true })
  if (!isAllowed(actor, 'update', templateObject(template)))
    throw refused(
      'Only managers of the template choose the version: leave template_version_id out for the active one.',
    )
}

function refused(detail: string) {
  return forbidden('Unauthorized to queue follow-up workspace build.', { detail })
}
