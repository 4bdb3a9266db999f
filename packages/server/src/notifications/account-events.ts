import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { AccountEvent, AnnounceAccount } from '../identity/index.ts'
import { enqueueNotification, enqueueToOwnersAndUserAdmins } from './enqueue.ts'
import { TEMPLATES, type TemplateId } from './template-ids.ts'

const actor = systemActor('notifier', 'administrators and users hear of what happens to accounts')

const FOR_ADMINS: Readonly<Record<AccountEvent['kind'], TemplateId>> = {
  created: TEMPLATES.userCreated,
  deleted: TEMPLATES.userDeleted,
  suspended: TEMPLATES.userSuspended,
  activated: TEMPLATES.userActivated,
}

const FOR_USER: Readonly<Partial<Record<AccountEvent['kind'], TemplateId>>> = {
  suspended: TEMPLATES.yourAccountSuspended,
  activated: TEMPLATES.yourAccountActivated,
}

/**
 * Tells owners and user admins of changes of accounts, but not who made them, and users of what happens to their own
 * (OP-141, ID-15, ID-19, ID-20).
 */
export function announceAccounts(context: AppContext): AnnounceAccount {
  return async ({ kind, user, initiator }) => {
    const labels = {
      [`${kind}_account_name`]: user.username,
      [`${kind}_account_user_name`]: user.name,
      initiator: initiator?.username ?? '',
      account_type: user.is_service_account ? 'service' : '',
    }
    await enqueueToOwnersAndUserAdmins(context, actor, {
      templateId: FOR_ADMINS[kind],
      labels,
      targets: [user.id],
      except: initiator === undefined ? [user.id] : [user.id, initiator.id],
    })
    const templateId = FOR_USER[kind]
    if (templateId !== undefined)
      await enqueueNotification(context, actor, { templateId, userId: user.id, labels, targets: [user.id] })
  }
}
