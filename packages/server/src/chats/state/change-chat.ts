import type { Actor } from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import type { Fence } from './fence.ts'
import { LockedChat } from './locked-chat.ts'

/**
 * Changes the execution of a chat: what `work` does to it commits together, with one new snapshot version (CH-107). The
 * transaction may run again, so that `work` must have no effect outside of it.
 *
 * @throws ApiError 404 when the chat is absent or may not be changed, 409 for what it does not take now; FencedOff.
 */
export function changeChat<T>(
  context: Pick<AppContext, 'database' | 'clock'>,
  actor: Actor,
  id: string,
  work: (chat: LockedChat, tx: Db) => Promise<T>,
  fence?: Fence,
): Promise<T> {
  return context.database.transaction(async (tx) => {
    const chat = await LockedChat.lock(context, actor, tx, id)
    if (fence !== undefined) chat.requireOwner(fence)
    const result = await work(chat, tx)
    await chat.store()
    return result
  })
}
