import { accessListOf, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { enqueueNotification, enqueueToUsers, TEMPLATES } from '../notifications/index.ts'
import type { ChatRow } from './store/locked.ts'
import type { ChatChange } from './update-chat.ts'

const actor = systemActor('notifier', 'users hear of chats that are shared with them or archived')

/** Titles that a digest lists (CH-1702). */
const MAX_TITLES = 25

/** Tells users whom a chat was just opened to by name, but not who did it (CH-305). */
export async function announceShared(
  context: AppContext,
  { before, after }: ChatChange,
  initiator: { readonly id: string; readonly username: string },
): Promise<void> {
  const had = new Set(Object.keys(accessListOf(before.user_acl)))
  await enqueueToUsers(context, actor, {
    templateId: TEMPLATES.chatShared,
    userIds: Object.keys(accessListOf(after.user_acl)).filter((id) => !had.has(id) && id !== initiator.id),
    labels: { chat_id: after.id, chat_title: after.title, initiator: initiator.username },
    targets: [after.id],
  })
}

/** Tells an owner in one message which of their chats were archived (CH-1702). */
export function announceArchived(
  context: AppContext,
  ownerId: string,
  chats: readonly Pick<ChatRow, 'id' | 'title'>[],
  days: { readonly autoArchive: number; readonly retention: number },
): Promise<void> {
  return enqueueNotification(context, actor, {
    templateId: TEMPLATES.chatsAutoArchived,
    userId: ownerId,
    labels: {
      auto_archive_days: String(days.autoArchive),
      retention_days: days.retention === 0 ? '' : String(days.retention),
    },
    data: {
      archived_chats: chats.slice(0, MAX_TITLES).map(({ title }) => ({ title })),
      additional_archived_count: Math.max(0, chats.length - MAX_TITLES),
    },
    targets: chats.slice(0, MAX_TITLES).map(({ id }) => id),
  })
}
