import type { Actor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { badRequest, conflict } from '../errors/index.ts'
import { LockedChat } from './state/locked-chat.ts'
import type { ChatRow } from './store/locked.ts'
import { holdChat, listFamilyIds } from './store/metadata.ts'

/**
 * Archives or unarchives a root and all that belong to it at once (CH-224).
 *
 * @returns the root as it was.
 * @throws ApiError 404; 400 for a subagent and for what is so already; 409 while one of them does something.
 */
export async function archiveFamily(
  context: Pick<AppContext, 'clock'>,
  actor: Actor,
  tx: Db,
  id: string,
  archived: boolean,
): Promise<ChatRow> {
  const root = await holdChat(actor, tx, id)
  if (root.parent_chat_id !== null || root.root_chat_id !== null)
    throw badRequest('Only root chats can be archived.', {
      detail: `A subagent is archived with its root ${root.root_chat_id ?? root.parent_chat_id ?? ''}.`,
    })
  if (root.archived === archived) throw badRequest(`Chat is ${archived ? 'already' : 'not'} archived.`)
  for (const member of await listFamilyIds(actor, tx, root)) {
    const chat = await LockedChat.lock(context, actor, tx, member)
    if (chat.state === undefined) throw conflict('Chat is in an invalid state.')
    if (chat.row.archived === archived) continue
    if (archived) chat.archive()
    else chat.unarchive()
    await chat.store()
  }
  return root
}
