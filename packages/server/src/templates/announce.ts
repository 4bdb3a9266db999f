import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { enqueueToOwnersAndTemplateAdmins, enqueueToUsers, TEMPLATES } from '../notifications/index.ts'
import { listWorkspaceOwners, type TemplateRow } from './store/templates.ts'

const actor = systemActor('provisionerd', 'owners of workspaces hear of what happens to their templates')

/** Tells administrators of templates, but not who did it, that one is gone (WS-91). */
export function announceDeleted(
  context: AppContext,
  template: Pick<TemplateRow, 'id' | 'name' | 'organization_id'>,
  initiator: { readonly id: string; readonly username: string },
): Promise<void> {
  return enqueueToOwnersAndTemplateAdmins(context, actor, {
    templateId: TEMPLATES.templateDeleted,
    labels: { name: template.name, initiator: initiator.username },
    targets: [template.id, template.organization_id],
    except: [initiator.id],
  })
}

/** Tells each owner of a workspace of a template once that it is deprecated (WS-87); never rejects (WS-245). */
export async function announceDeprecated(
  context: AppContext,
  template: Pick<TemplateRow, 'id' | 'name' | 'organization_id' | 'organization_name' | 'deprecated'>,
): Promise<void> {
  try {
    await enqueueToUsers(context, actor, {
      templateId: TEMPLATES.templateDeprecated,
      userIds: await listWorkspaceOwners(actor, context.database.db, template),
      labels: {
        template: template.name,
        message: template.deprecated,
        organization: template.organization_name,
      },
      targets: [template.id, template.organization_id],
    })
  } catch (error) {
    context.log.error('owners of workspaces could not be told that a template is deprecated', {
      template_id: template.id,
      error: describeError(error),
    })
  }
}
