import type * as contract from '@slipway/contract'
import { findPrincipals, listUsersByIds } from '../access-lists/index.ts'
import { ACL_ROLES, type AccessList, type Actor, accessListOf, aclRoleOf, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, forbidden, type Validation } from '../errors/index.ts'
import { listGroupsByIds, presentGroup, presentReducedUser } from '../groups/index.ts'
import { isUuid } from '../search/index.ts'
import { ownedChat } from './store/locked.ts'
import { holdSharedChat, storeLists } from './store/metadata.ts'
import { type ChatView, chatObject, effectiveLists, getChat } from './store/views.ts'
import type { ChatChange } from './update-chat.ts'

const MAX_ENTRIES = 1000

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
  const users = readRoles('user_roles', given.user_roles)
  const groups = readRoles('group_roles', given.group_roles)
  if (users.roles.has(actor.id)) throw badRequest('You cannot change your own chat sharing role.')
  return context.database.transaction(async (tx) => {
    const before = await holdSharedChat(actor, tx, view.id)
    const named = { users: granted(users.roles), groups: granted(groups.roles) }
    const guard = { action: 'share' as const, object: ownedChat(before) }
    const known = await findPrincipals(actor, tx, guard, named, before.organization_id)
    const lists = {
      users: changed(accessListOf(before.user_acl), users.roles),
      groups: changed(accessListOf(before.group_acl), groups.roles),
    }
    const faults = [
      ...users.faults,
      ...groups.faults,
      ...strangers('user_roles', named.users, known.users),
      ...strangers('group_roles', named.groups, known.groups),
      ...tooLong('user_roles', lists.users),
      ...tooLong('group_roles', lists.groups),
    ]
    if (faults.length > 0) throw badRequest('Invalid request to update chat ACL.', { validations: faults })
    return { before, after: await storeLists(actor, tx, before, lists) }
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

type Roles = ReadonlyMap<string, 'read' | ''>

function readRoles(
  field: string,
  given: Readonly<Record<string, string>> | undefined,
): { readonly roles: Roles; readonly faults: readonly Validation[] } {
  const roles = new Map<string, 'read' | ''>()
  const faults: Validation[] = []
  for (const [id, role] of Object.entries(given ?? {})) {
    const key = id.toLowerCase()
    const shown = JSON.stringify(id.slice(0, 64))
    if (!isUuid(id)) faults.push({ field, detail: `${shown} is not a valid UUID` })
    else if (roles.has(key)) faults.push({ field, detail: `${shown} is given twice` })
    else if (role !== 'read' && role !== '')
      faults.push({ field, detail: `role ${JSON.stringify(role.slice(0, 64))} is not a valid chat role` })
    else roles.set(key, role)
  }
  return { roles, faults }
}

function granted(roles: Roles): string[] {
  return [...roles].filter(([, role]) => role !== '').map(([id]) => id)
}

function changed(list: AccessList, roles: Roles): AccessList {
  const entries = new Map(Object.entries(list))
  for (const [id, role] of roles)
    if (role === '') entries.delete(id)
    else entries.set(id, ACL_ROLES.chat[role])
  return Object.fromEntries(entries)
}

function strangers(field: string, named: readonly string[], known: ReadonlySet<string>): Validation[] {
  return named
    .filter((id) => !known.has(id))
    .map((id) => ({ field, detail: `${id} is not in the organization of the chat` }))
}

function tooLong(field: string, list: AccessList): Validation[] {
  return Object.keys(list).length > MAX_ENTRIES
    ? [{ field, detail: `must leave at most ${MAX_ENTRIES} entries in the list` }]
    : []
}
