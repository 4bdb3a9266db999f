import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** An ended interception as it is exported; null when its records have been purged. */
export interface ExportedInterception {
  readonly id: string
  readonly document: Readonly<Record<string, unknown>> | null
}

/** After that many refusals of its own an interception is set aside. */
const MAX_REFUSALS = 5

/** What a destination does not take, whatever it is asked. */
export interface SetAside {
  readonly count: number
  /** The latest of them. */
  readonly latest: readonly {
    readonly interceptionId: string
    readonly at: Date
    /** What the destination has answered. */
    readonly refusal: string
  }[]
}

/**
 * Takes the next ended interceptions that are to be exported, the oldest first, for a time in which no other replica
 * does; of those that were set aside only such as were so before the settings were saved last. @throws ApiError 403.
 */
export async function claimExports(
  actor: Actor,
  db: Db,
  { limit, seconds }: { readonly limit: number; readonly seconds: number },
): Promise<readonly ExportedInterception[]> {
  authorize(actor, 'read', { type: 'aibridge_interception' })
  authorize(actor, 'update', { type: 'aibridge_interception' })
  const { rows } = await sql<ExportedInterception>`
    with claimed as (
      update aibridge_exports set claimed_until = now() + make_interval(secs => ${seconds})
       where interception_id = any(array(
         select interception_id from aibridge_exports
          where (claimed_until is null or claimed_until < now())
            and (set_aside_at is null or set_aside_at < (select updated_at from ai_gateway_settings))
          order by queued_at limit ${limit} for update skip locked))
      returning interception_id, queued_at)
    select c.interception_id as id,
           case when i.id is not null then jsonb_build_object(
             'id', i.id, 'initiator', jsonb_build_object('id', u.id, 'username', u.username),
             'api_key_id', i.api_key_id, 'provider', i.provider, 'provider_name', i.provider_name,
             'model', i.model, 'requested_model', i.requested_model, 'client', i.client,
             'session_id', i.session_id, 'thread_root_id', i.thread_root_id, 'thread_parent_id', i.thread_parent_id,
             'credential_kind', i.credential_kind, 'credential_hint', i.credential_hint, 'metadata', i.metadata,
             'started_at', i.started_at, 'ended_at', i.ended_at,
             'error_type', i.error_type, 'error_message', i.error_message,
             'token_usages', coalesce((select jsonb_agg(to_jsonb(t) - 'interception_id' order by t.created_at, t.id)
                from aibridge_token_usages t where t.interception_id = i.id), '[]'),
             'user_prompts', coalesce((select jsonb_agg(to_jsonb(p) - 'interception_id' order by p.created_at, p.id)
                from aibridge_user_prompts p where p.interception_id = i.id), '[]'),
             'tool_usages', coalesce((select jsonb_agg(to_jsonb(t) - 'interception_id' order by t.created_at, t.id)
                from aibridge_tool_usages t where t.interception_id = i.id), '[]'),
             'model_thoughts', coalesce((select jsonb_agg(to_jsonb(m) - 'interception_id' order by m.created_at)
                from aibridge_model_thoughts m where m.interception_id = i.id), '[]')) end as document
      from claimed c
      left join aibridge_interceptions i on i.id = c.interception_id
      left join users u on u.id = i.initiator_id
     order by c.queued_at`.execute(db)
  return rows
}

/** Notes that the export has taken interceptions. @throws ApiError 403. */
export async function completeExports(actor: Actor, db: Db, ids: readonly string[]): Promise<void> {
  authorize(actor, 'update', { type: 'aibridge_interception' })
  if (ids.length > 0) await db.deleteFrom('aibridge_exports').where('interception_id', 'in', ids).execute()
}

/** Gives interceptions back that the export has not taken. @throws ApiError 403. */
export async function releaseExports(actor: Actor, db: Db, ids: readonly string[]): Promise<void> {
  authorize(actor, 'update', { type: 'aibridge_interception' })
  if (ids.length > 0)
    await db
      .updateTable('aibridge_exports')
      .set({ claimed_until: null })
      .where('interception_id', 'in', ids)
      .execute()
}

/**
 * Notes that the destination has refused an interception that it was sent alone: that is sent again later, so that others
 * come first, and no more once it was refused too often.
 *
 * @param counts whether it was refused for what it is.
 * @returns whether it is set aside.
 * @throws ApiError 403.
 */
export async function postponeExport(
  actor: Actor,
  db: Db,
  { id, refusal, counts }: { readonly id: string; readonly refusal: string; readonly counts: boolean },
): Promise<boolean> {
  authorize(actor, 'update', { type: 'aibridge_interception' })
  const { rows } = await sql<{ set_aside: boolean }>`
    update aibridge_exports
       set refusals = refusals + ${counts ? 1 : 0}, refusal = ${refusal},
           claimed_until = now() + make_interval(mins => (2 ^ least(refusals, ${MAX_REFUSALS}))::int),
           set_aside_at = case when ${counts} and refusals + 1 >= ${MAX_REFUSALS} then now() else set_aside_at end
     where interception_id = ${id}::uuid
    returning set_aside_at is not null and ${counts} as set_aside`.execute(db)
  return rows[0]?.set_aside ?? false
}

/** What is set aside, and why. @throws ApiError 403. */
export async function setAsideExports(actor: Actor, db: Db, limit: number): Promise<SetAside> {
  authorize(actor, 'read', { type: 'aibridge_interception' })
  const { rows } = await sql<{ id: string; at: Date; refusal: string; total: number }>`
    select interception_id as id, set_aside_at as at, coalesce(refusal, '') as refusal,
           (count(*) over ())::int as total
      from aibridge_exports where set_aside_at is not null
     order by set_aside_at desc limit ${limit}`.execute(db)
  return {
    count: rows[0]?.total ?? 0,
    latest: rows.map(({ id, at, refusal }) => ({ interceptionId: id, at, refusal })),
  }
}
