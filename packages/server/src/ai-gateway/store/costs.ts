import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { CHATS_CLIENT } from '../exchange/clients.ts'
import type { ChatCost } from '../exchange/gateway-call.ts'

/** What the requests of a tree of chats have cost (CH-804). @throws ApiError 403. */
export async function sumChatCost(
  actor: Actor,
  db: Db,
  { ownerId, rootChatId }: { readonly ownerId: string; readonly rootChatId: string },
): Promise<ChatCost> {
  authorize(actor, 'read', { type: 'aibridge_interception', owner: ownerId })
  const row = await db
    .selectFrom('aibridge_interceptions as i')
    .innerJoin('aibridge_token_usages as t', 't.interception_id', 'i.id')
    .select((e) => [
      e.fn.coalesce(e.fn.sum<string>('t.cost_micros'), e.val('0')).as('cost'),
      e.fn.count<number>('i.id').distinct().as('requests'),
      e.fn.count<number>('i.id').distinct().filterWhere('t.cost_micros', 'is', null).as('unpriced'),
    ])
    .where('i.session_id', '=', rootChatId)
    // Whoever names a chat of somebody else in a request of their own does not add to it.
    .where('i.initiator_id', '=', ownerId)
    .where('i.client', '=', CHATS_CLIENT)
    .where('i.ended_at', 'is not', null)
    .executeTakeFirstOrThrow()
  return {
    totalCostMicros: Number(row.cost),
    requestCount: Number(row.requests),
    unpricedRequestCount: Number(row.unpriced),
  }
}
