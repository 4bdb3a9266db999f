import { type Actor, systemActor } from '../authz/index.ts'
import type { ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { actorOf, findStanding, roleOptions, type Standing } from '../identity/index.ts'
import { ToolFault } from './fault.ts'

const system = systemActor('chatd', 'tools of a chat run with the present rights of its owner')

/** The owner of a chat, for one call of a tool. */
export interface ChatOwner {
  readonly actor: Actor
  readonly username: string
  readonly email: string
}

/**
 * The owner of a chat with the rights that they have now: every call asks again, so that what was taken away in
 * mid-turn is gone for the model too (CH-310).
 *
 * @throws ToolFault `owner_inactive` for one who was suspended or deleted.
 */
export async function ownerOf(context: AppContext, chat: Pick<ChatRow, 'owner_id'>): Promise<ChatOwner> {
  const standing: Standing | undefined = await findStanding(system, context.database.db, chat.owner_id)
  if (standing === undefined || standing.status === 'suspended')
    throw new ToolFault(
      'owner_inactive',
      'The account that owns this chat is not active any more.',
      'Stop: nothing can be done for this account.',
    )
  return {
    actor: actorOf(chat.owner_id, standing, roleOptions(context)),
    username: standing.username,
    email: standing.email,
  }
}
