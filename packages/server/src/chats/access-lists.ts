import type * as contract from '@slipway/contract'
import { changeLists, type GivenRoles, listUsersByIds, readAccessChange } from '../access-lists/index.ts'
import { type Actor, accessListOf, aclRoleOf, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, forbidden } from '../errors/index.ts'
import { listGroupsByIds, presentGroup, presentReducedUser } from '../groups/index.ts'
import { ownedChat } from './store/locked.ts'
import { holdSharedChat, storeLists } from './store/metadata.ts'
import { type ChatView, chatObject, effectiveLists, getChat } from './store/views.ts'
import type { ChatChange } from './update-chat.ts'

/** Whom a chat is open to (CH-305). @throws ApiError 403 where chats are not shared, 404, 400 for a subagent. */
export async function chatLists(context: AppContext, actor: Actor, id: string): Promise<contract.ChatACL> {
  const { db } = context.database
  const chat = await getChat(actor, db, id)
  requireSharing(context)
  requireRoot(chat)
  const { users, groups } = effectiveLists(chat)
  const guard = { action: 'read' as const, object: chatObject(chat) }
  const userRows = await listUsersByIds(actor, db, guard, Object.keys(users))
  const groupRows = await listGroupsByIds(actor, db, guard, Object.keys(groups))
  return {
    users: userRows.map((row) => ({ ...presentReducedUser(row), role: roleOf(users[row.id]) })),
    groups: groupRows.map((row) => ({ ...presentGroup(row, []), role: roleOf(groups[row.id]) })),
  }
}

function roleOf(actions: readonly string[] | undefined): contract.ChatRole {
  return aclRoleOf('chat', actions ?? []) === 'read' ? 'read' : ''
}

/**
 * Changes the entries of a chat's lists that are named, and no others (CH-305).
 *
 * @throws ApiError 404; 403 where chats are not shared and without `chat:share`; 400 for a subagent, for one's own entry,
 * and with one validation for each fault.
 */
export async function changeChatLists(
  context: AppContext,
  actor: Actor,
  id: string,
  given: contract.UpdateChatACL,
): Promise<ChatChange> {
  const view = await getChat(actor, context.database.db, id)
  requireSharing(context)
  authorize(actor, 'share', chatObject(view))
  requireRoot(view)
  const fields: GivenRoles = {
    users: { field: 'user_roles', roles: given.user_roles },
    groups: { field: 'group_roles', roles: given.group_roles },
  }
  const change = readAccessChange('chat', fields)
  if (change.users.has(actor.id)) throw badRequest('You cannot change your own chat sharing role.')
  return context.database.transaction(async (tx) => {
    const before = await holdSharedChat(actor, tx, view.id)
    const guard = { action: 'share' as const, object: ownedChat(before) }
    const current = { users: accessListOf(before.user_acl), groups: accessListOf(before.group_acl) }
    const what = { kind: 'chat', guard, organizationId: before.organization_id, fields } as const
    const changed = await changeLists(actor, tx, what, current, change)
    if (!changed.ok) throw badRequest('Invalid request to update chat ACL.', { validations: changed.faults })
    return { before, after: await storeLists(actor, tx, before, changed.lists) }
  })
}

/** CH-306. @throws ApiError 403. */
function requireSharing({ config }: AppContext): void {
  if (config.disableChatSharing)
    throw forbidden('Chat sharing is disabled for this deployment.', {
      detail: 'An administrator can allow it by removing --disable-chat-sharing.',
    })
}

/** CH-304. @throws ApiError 400. */
function requireRoot(chat: Pick<ChatView, 'root_chat_id' | 'parent_chat_id'>): void {
  const root = chat.root_chat_id ?? chat.parent_chat_id
  if (root !== null)
    throw badRequest('Only root chats have an access list.', {
      detail: `A subagent is shared with its root ${root}.`,
    })
}
