import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import type { ChatCost } from '../exchange/gateway-call.ts'
import { sumChatCost } from '../store/costs.ts'

const actor = systemActor(
  'aibridged',
  'whoever may read a chat may know what it has cost, but not the records',
)

/**
 * What a tree of chats has cost, from what is still recorded (CH-804). Whether the caller may read the chat is for who
 * asks to find out.
 */
export function costOfChats(
  { database }: Pick<AppContext, 'database'>,
  tree: { readonly ownerId: string; readonly rootChatId: string },
): Promise<ChatCost> {
  return sumChatCost(actor, database.db, tree)
}
