import { Type } from 'typebox'

import { type CreateWorkspaceRequest, Uuid } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import type { SessionRequest } from '../edge/index.ts'
import type { ExternalAuth } from '../external-auth/index.ts'
import type { Matching } from '../provisioning/index.ts'
import { RepeatableRequest } from '../repeatable-requests/index.ts'
import { createWorkspace } from './create-workspace.ts'
import { getWorkspace, type WorkspaceRow } from './store/workspaces.ts'

/** What is kept of an answer for who sends the request again: the workspace is shown as it is by then. */
const Answer = Type.Object({ id: Uuid })

/** A workspace that was asked for. */
export interface RequestedWorkspace {
  readonly workspace: WorkspaceRow
  /** Undefined when it is there already, because the request was sent again. */
  readonly matching: Matching | undefined
}

/**
 * Makes a workspace once, however often the same request comes (WS-311).
 *
 * @param organizationId the one that the template must belong to, where the request names one.
 * @throws ApiError as WS-130 lists, 422 when the key was used for another request.
 */
export async function createWorkspaceOnce(
  context: AppContext,
  external: ExternalAuth,
  incoming: SessionRequest & { readonly body: CreateWorkspaceRequest },
  ownerId: string,
  organizationId: string | undefined,
): Promise<RequestedWorkspace> {
  const { actor, body } = incoming
  const { db } = context.database
  let repeatable: RepeatableRequest<typeof Answer> | undefined
  try {
    return await createWorkspace(context, external, actor, ownerId, body, {
      ...(organizationId === undefined ? {} : { organizationId }),
      async onAllowed(object) {
        repeatable = new RepeatableRequest(
          incoming,
          { guard: { action: 'create', object }, operation: `workspace of ${ownerId}` },
          Answer,
        )
        if ((await repeatable.answered(db)) !== undefined) throw new Error('the request was answered before')
      },
      async alongside(tx, { id }) {
        const kept = await repeatable?.once(tx, async () => ({ id }))
        // Nothing of this transaction is to stay: the same request has made its workspace already.
        if (kept?.id !== id) throw new Error('the request was sent twice at once')
      },
    })
  } catch (error) {
    // The same request may have been answered before, or have been faster.
    const before = await repeatable?.answered(db)
    if (before === undefined) throw error
    return { workspace: await getWorkspace(actor, db, before.id), matching: undefined }
  }
}
