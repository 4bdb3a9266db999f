import { sql } from 'kysely'

import { type Action, type Actor, authorize, type ResourceObject } from '../authz/index.ts'
import type { Db } from '../database/index.ts'

/*
 * The table is named after chats, which were the first to keep answers; the release before looks for it there.
 */

/** A key that a client gave for a request of its own, and what has to be allowed for that. */
export interface RequestKey {
  readonly guard: { readonly action: Action; readonly object: ResourceObject }
  readonly operation: string
  readonly key: string
}

/** What was answered under a key. */
export interface KeptAnswer {
  readonly request_hash: Buffer
  readonly response: unknown
}

/** What the actor was answered under a key; undefined for a new one. @throws ApiError 403. */
export async function keptAnswer(actor: Actor, db: Db, request: RequestKey): Promise<KeptAnswer | undefined> {
  authorize(actor, request.guard.action, request.guard.object)
  return db
    .selectFrom('chat_idempotency_keys')
    .select(['request_hash', 'response'])
    .where('user_id', '=', actor.id)
    .where('operation', '=', request.operation)
    .where('key', '=', request.key)
    .executeTakeFirst()
}

/** The same, once no other request with the key is under way; this one is until the transaction ends. @throws ApiError 403. */
export async function claimKey(actor: Actor, tx: Db, request: RequestKey): Promise<KeptAnswer | undefined> {
  authorize(actor, request.guard.action, request.guard.object)
  const name = `repeatable request ${actor.id} ${request.operation} ${request.key}`
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(tx)
  return keptAnswer(actor, tx, request)
}

/** Keeps the answer to a request whose key is claimed. @throws ApiError 403. */
export async function keepAnswer(
  actor: Actor,
  tx: Db,
  request: RequestKey,
  answer: KeptAnswer,
): Promise<void> {
  authorize(actor, request.guard.action, request.guard.object)
  await tx
    .insertInto('chat_idempotency_keys')
    .values({
      user_id: actor.id,
      operation: request.operation,
      key: request.key,
      request_hash: answer.request_hash,
      response: JSON.stringify(answer.response),
    })
    .execute()
}

/** Answers that were kept for requests that come again (B-13, WS-311). */
export const oldAnswers = {
  /** Deletes at most `limit` of them; resolves to how many there were. @throws ApiError 403. */
  async deleteOld(
    actor: Actor,
    tx: Db,
    { before, limit }: { readonly before: Date; readonly limit: number },
  ): Promise<number> {
    authorize(actor, 'delete', { type: 'system' })
    const { numAffectedRows } = await sql`
      delete from chat_idempotency_keys where (user_id, operation, key) in (
        select user_id, operation, key from chat_idempotency_keys where created_at < ${before} limit ${limit})`.execute(
      tx,
    )
    return Number(numAffectedRows ?? 0)
  },

  /** Counts those that would be deleted. @throws ApiError 403 without the right to delete them. */
  async countOld(actor: Actor, db: Db, before: Date): Promise<number> {
    authorize(actor, 'delete', { type: 'system' })
    const { rows } = await sql<{ count: number }>`
      select count(*)::integer as count from chat_idempotency_keys where created_at < ${before}`.execute(db)
    return rows[0]?.count ?? 0
  },
}
