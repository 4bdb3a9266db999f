import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession, type SessionRequest } from '../edge/index.ts'
import { getTemplate } from '../templates/index.ts'
import { getWorkspace } from '../workspaces/index.ts'
import { changeTemplateLists, templateCandidates, templateLists } from './template-lists.ts'
import {
  changeWorkspaceLists,
  clearWorkspaceLists,
  type WorkspaceListsChange,
  workspaceLists,
} from './workspace-lists.ts'

/** To whom templates and workspaces are open beside those whose roles say so (RB §7). */
export function accessListRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  /** Changes the lists of a workspace with its entry in the audit log. */
  const sharing = (
    incoming: SessionRequest,
    change: (id: string) => Promise<WorkspaceListsChange>,
  ): Promise<undefined> =>
    audited(context, incoming, { type: 'workspace', action: 'write' }, async (draft) => {
      const workspace = await getWorkspace(incoming.actor, db, incoming.params.workspace ?? '')
      draft.before = workspace
      // Whoever gave their own access away cannot read it any more, so what was stored is taken as it was returned.
      const { before, after } = await change(workspace.id)
      draft.before = before
      draft.after = after
      incoming.reply.code(204)
      return undefined
    })
  return [
    forSession(contract.getTemplateAcl, async ({ actor, params }) =>
      templateLists(context, actor, await getTemplate(actor, db, params.template ?? '')),
    ),
    forSession(contract.getTemplateAclAvailable, async ({ actor, params, query }) =>
      templateCandidates(context, actor, await getTemplate(actor, db, params.template ?? ''), query),
    ),
    forSession(contract.updateTemplateAcl, (incoming) =>
      audited(context, incoming, { type: 'template', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const template = await getTemplate(actor, db, params.template ?? '')
        draft.before = template
        const { before, after } = await changeTemplateLists(context, actor, template.id, body)
        draft.before = before
        draft.after = after
        return { message: 'Successfully updated template ACL list.' }
      }),
    ),
    forSession(contract.getWorkspaceAcl, async ({ actor, params }) =>
      workspaceLists(context, actor, await getWorkspace(actor, db, params.workspace ?? '')),
    ),
    forSession(contract.updateWorkspaceAcl, (incoming) =>
      sharing(incoming, (id) => changeWorkspaceLists(context, incoming.actor, id, incoming.body)),
    ),
    forSession(contract.deleteWorkspaceAcl, (incoming) =>
      sharing(incoming, (id) => clearWorkspaceLists(context, incoming.actor, id)),
    ),
  ]
}
