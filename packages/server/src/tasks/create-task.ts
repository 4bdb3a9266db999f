import { randomUUID } from 'node:crypto'

import { Type } from 'typebox'

import { type CreateTaskRequest, Uuid } from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { SessionRequest } from '../edge/index.ts'
import { ApiError, badRequest, notFound } from '../errors/index.ts'
import type { ExternalAuth } from '../external-auth/index.ts'
import { RepeatableRequest } from '../repeatable-requests/index.ts'
import { getVersion, requireName, type VersionRow } from '../templates/index.ts'
import { createWorkspace, type WorkspaceRow } from '../workspaces/index.ts'
import { findTask, insertTask, newTaskObject, type TaskRow } from './store/tasks.ts'
import { displayNameFor, nameFor } from './task-name.ts'

const MAX_DISPLAY_NAME = 64
/** What is kept of an answer for who sends the request again: the task is shown as it is by then. */
const Answer = Type.Object({ id: Uuid })

/** A task, and the workspace that was made for it; undefined when the request was sent again. */
export interface CreatedTask {
  readonly task: TaskRow
  readonly workspace: WorkspaceRow | undefined
}

/** A title for what a task is to do; undefined where no model gives one. */
export type TitleFor = (of: {
  readonly ownerId: string
  readonly prompt: string
}) => Promise<string | undefined>

/**
 * Makes a task with a workspace of the same name, both or none (WS-253).
 *
 * @throws ApiError in the order that WS-253 lists, then as WS-130 lists.
 */
export async function createTask(
  context: AppContext,
  external: ExternalAuth,
  incoming: SessionRequest & { readonly body: CreateTaskRequest },
  ownerId: string,
  titleFor: TitleFor,
): Promise<CreatedTask> {
  const { actor, body } = incoming
  const { db } = context.database
  const version = await versionOf(context, actor, body.template_version_id)
  if (!version.has_ai_task) throw badRequest('Template does not have a valid "coder_ai_task" resource.')
  const { name: wantedName = '', display_name: wantedDisplayName = '', input } = body
  if (wantedName !== '') requireName(wantedName)
  if ([...wantedDisplayName].length > MAX_DISPLAY_NAME)
    throw badRequest(`Display name must be ${MAX_DISPLAY_NAME} characters or less.`, {
      validations: [{ field: 'display_name', detail: `must be at most ${MAX_DISPLAY_NAME} characters` }],
    })
  const object = newTaskObject(version.organization_id, ownerId)
  authorize(actor, 'create', object)
  const repeatable = new RepeatableRequest(
    incoming,
    { guard: { action: 'create', object }, operation: `task of ${ownerId}` },
    Answer,
  )
  const before = await repeatable.answered(db)
  if (before !== undefined) return { task: await taskOf(actor, db, before.id), workspace: undefined }
  const id = randomUUID()
  const isNamed = wantedName !== '' && wantedDisplayName !== ''
  let title: string | undefined
  try {
    const { workspace } = await createWorkspace(
      context,
      external,
      actor,
      ownerId,
      {
        name: wantedName,
        template_version_id: version.id,
        ...(body.template_version_preset_id === undefined
          ? {}
          : { template_version_preset_id: body.template_version_preset_id }),
      },
      {
        chooseName: async () => {
          title = isNamed ? undefined : await titleFor({ ownerId, prompt: input })
          return wantedName === '' ? nameFor(title ?? input) : wantedName
        },
        async alongside(tx, made) {
          const kept = await repeatable.once(tx, async () => {
            await insertTask(actor, tx, {
              id,
              organizationId: made.organizationId,
              ownerId,
              name: made.name,
              displayName:
                wantedDisplayName === '' ? displayNameFor(title ?? input, made.name) : wantedDisplayName,
              workspaceId: made.id,
              templateVersionId: version.id,
              prompt: input,
            })
            return { id }
          })
          // Nothing of this transaction is to stay: the same request has made its task already.
          if (kept.id !== id) throw new Error('the request was sent twice at once')
        },
      },
    )
    return { task: await taskOf(actor, db, id), workspace }
  } catch (error) {
    // The same request may have been faster by another way.
    const meanwhile = await repeatable.answered(db)
    if (meanwhile === undefined) throw error
    return { task: await taskOf(actor, db, meanwhile.id), workspace: undefined }
  }
}

async function taskOf(actor: Actor, db: AppContext['database']['db'], id: string): Promise<TaskRow> {
  const task = await findTask(actor, db, id)
  if (task === undefined) throw notFound()
  return task
}

async function versionOf(context: AppContext, actor: Actor, id: string): Promise<VersionRow> {
  try {
    return await getVersion(actor, context.database.db, id)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404)
      throw badRequest('Template version not found or you do not have access to this resource')
    throw error
  }
}
