import { NO_ID } from '@slipway/contract'
import { diffOf, recordEntry } from '../audit/index.ts'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { DueChange } from './lifecycle.ts'
import { findWorkspaceOwner } from './store/audited-builds.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

const actor = systemActor('provisionerd', 'what the clock has changed is recorded for the owner')
/** What the clock has done to a workspace, or tried to. */
export interface AutomaticChange {
  readonly before: WorkspaceRow
  /** As it is now; left out when it could not be changed. */
  readonly after?: WorkspaceRow
  readonly due: DueChange
}

/** Writes a change that nobody has asked for to the audit log, in the name of the owner (RB-102, WS-238). */
export async function recordAutomaticChange(
  context: AppContext,
  { before, after, due }: AutomaticChange,
): Promise<void> {
  const owner = await findWorkspaceOwner(actor, context.database.db, before.id)
  if (owner === undefined) return
  await recordEntry(context, {
    type: 'workspace',
    action: 'write',
    user: owner,
    organizationId: before.organization_id,
    resourceId: before.id,
    target: before.name,
    icon: '',
    diff: after === undefined ? {} : diffOf('workspace', before, after),
    status: after === undefined ? 500 : 200,
    additionalFields: {
      automatic_actor: 'coder',
      automatic_subsystem: due.dormant === true ? 'dormancy' : 'autobuild',
      ...(due.build === undefined
        ? {}
        : { build_reason: due.build.reason, build_transition: due.build.transition }),
    },
    requestId: NO_ID,
    ip: undefined,
    userAgent: '',
  })
}
