import type { Actor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { insertInboxNotification } from '../store/inbox.ts'
import type { Dispatcher } from './delivery.ts'

const MAX_TITLE = 1_024
const MAX_CONTENT = 65_536

/** Puts messages into the inbox that the dashboard shows; who watches it hears of the new row (OP-136). */
export function inboxDispatcher({ database }: Pick<AppContext, 'database'>, actor: Actor): Dispatcher {
  return {
    send: ({ id, payload, targets, title, bodyMarkdown, createdAt }) =>
      insertInboxNotification(actor, database.db, {
        id,
        userId: payload.user_id,
        templateId: payload.notification_template_id,
        targets,
        title: title.slice(0, MAX_TITLE),
        content: bodyMarkdown.slice(0, MAX_CONTENT),
        actions: payload.actions,
        createdAt,
      }),
  }
}
