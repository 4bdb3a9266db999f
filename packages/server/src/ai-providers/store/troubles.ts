import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** What may be wrong with a key of a provider, with the provider, or with one of its circuits. */
export type TroubleKind = 'rate_limited' | 'unauthorized' | 'forbidden' | 'failing' | 'circuit_open'

/** What it is about: a key by its id, a circuit by its route and its model, or with neither the provider. */
export interface TroublePlace {
  readonly providerId: string
  readonly subject: string
  readonly model: string
}

/** Something that requests have found wrong (AG-B18). */
export interface Trouble extends TroublePlace {
  readonly kind: TroubleKind
  readonly error: string
  readonly since: Date
  /** When it is tried again; null where nobody knows. */
  readonly until: Date | null
}

const MAX_TROUBLES = 2_000
const MAX_ERROR = 512

/** What ends by itself. */
const isOver = sql<boolean>`kind in ('rate_limited', 'circuit_open') and until <= now()`

/** What is wrong with all live providers at this moment, or with one of them. @throws ApiError 403. */
export async function listTroubles(actor: Actor, db: Db, providerId?: string): Promise<Trouble[]> {
  authorize(actor, 'read', { type: 'ai_provider' })
  const { rows } = await sql<Trouble>`
    select provider_id as "providerId", subject, model, kind, error, since, until from ai_provider_troubles
     where not coalesce(${isOver}, false) and (${providerId ?? null}::uuid is null or provider_id = ${providerId ?? null}::uuid)
     order by provider_id, subject, model limit ${MAX_TROUBLES}`.execute(db)
  return rows
}

/**
 * Stores what requests have found wrong, and forgets what is right again or over. Who may say how requests went may say
 * this: it changes nothing of the providers.
 *
 * @throws ApiError 403.
 */
export async function changeTroubles(
  actor: Actor,
  db: Db,
  { found, gone }: { readonly found: readonly Trouble[]; readonly gone: readonly TroublePlace[] },
): Promise<void> {
  authorize(actor, 'update', { type: 'aibridge_interception' })
  await sql`
    delete from ai_provider_troubles t where coalesce(${isOver}, false) or (t.provider_id, t.subject, t.model) in (
      select n."providerId", n.subject, n.model
        from jsonb_to_recordset(${JSON.stringify(gone)}::jsonb) as n("providerId" uuid, subject text, model text))`.execute(
    db,
  )
  if (found.length === 0) return
  const rows = found.map((trouble) => ({
    ...trouble,
    error: [...trouble.error.replaceAll('\0', '')].slice(0, MAX_ERROR).join(''),
  }))
  await sql`
    insert into ai_provider_troubles as t (provider_id, subject, model, kind, error, since, until)
    select p.id, n.subject, n.model, n.kind, n.error, n.since, n.until
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
             as n("providerId" uuid, subject text, model text, kind text, error text, since timestamptz, until timestamptz)
      join ai_providers p on p.id = n."providerId" and not p.deleted
     order by 1, 2, 3
    on conflict (provider_id, subject, model) do update set kind = excluded.kind, error = excluded.error,
      until = excluded.until, since = case when t.kind = excluded.kind then t.since else excluded.since end`.execute(
    db,
  )
}

/** Forgets all that was found wrong with a provider, because it is another one now. @throws ApiError 403. */
export async function forgetTroubles(actor: Actor, db: Db, providerId: string): Promise<void> {
  authorize(actor, 'update', { type: 'ai_provider', id: providerId })
  await db.deleteFrom('ai_provider_troubles').where('provider_id', '=', providerId).execute()
}
