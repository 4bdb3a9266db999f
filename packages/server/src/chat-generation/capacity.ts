import type { ChatDetails, ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { CHATD } from './chatd.ts'
import { TIMINGS } from './parts.ts'
import { countRunning, type Pool } from './store/leases.ts'

/** What a chat belongs to. */
export function poolOf(chat: Pick<ChatRow, 'parent_chat_id'>): Pool {
  return chat.parent_chat_id === null ? 'root' : 'subagent'
}

/** How many chats of a kind may run at once; 0 is any number (B-4). */
export function capOf({ config }: Pick<AppContext, 'config'>, pool: Pool): number {
  switch (pool) {
    case 'root':
      return config.chatMaxConcurrentRoots
    case 'subagent':
      return config.chatMaxConcurrentSubagents
  }
}

/** Says of chats that should run whether they wait because as many run as may (CH-607). */
export async function capacityDetails(
  context: Pick<AppContext, 'config' | 'database'>,
  chats: readonly Pick<ChatRow, 'id' | 'status' | 'archived' | 'runner_id' | 'parent_chat_id'>[],
): Promise<ReadonlyMap<string, ChatDetails>> {
  const details = new Map<string, ChatDetails>()
  for (const chat of chats) {
    const pool = poolOf(chat)
    const cap = capOf(context, pool)
    if (cap === 0 || chat.status !== 'running' || chat.archived || chat.runner_id !== null) continue
    const { staleSeconds } = TIMINGS
    const running = await countRunning(CHATD, context.database.db, { pool, staleSeconds })
    details.set(chat.id, { queued_for_capacity: running >= cap })
  }
  return details
}
