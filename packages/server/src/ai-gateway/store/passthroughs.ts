import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import { batchesOf, type Db } from '../../database/index.ts'

/** A request that was relayed only (AG-B20). */
export interface NewPassthrough {
  readonly id: string
  readonly initiatorId: string
  readonly apiKeyId?: string | undefined
  /** Wire family. */
  readonly provider: string
  readonly providerName: string
  readonly method: string
  readonly route: string
  readonly client: string
  /** Null where the provider has not answered. */
  readonly status: number | null
  readonly startedAt: Date
  readonly durationMs: number
  /** What was decided about it; undefined for nothing. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

const insertTogether = batchesOf(async (db: Db, rows: readonly NewPassthrough[]) => {
  const given = JSON.stringify(
    rows.map((row) => ({
      id: row.id,
      initiator_id: row.initiatorId,
      api_key_id: row.apiKeyId,
      provider: row.provider,
      provider_name: row.providerName,
      method: row.method,
      route: row.route,
      client: row.client,
      status: row.status,
      started_at: row.startedAt.toISOString(),
      duration_ms: row.durationMs,
      metadata: row.metadata,
    })),
  )
  await sql`
    insert into aibridge_passthroughs (id, initiator_id, api_key_id, provider, provider_name, method, route, client,
      status, started_at, duration_ms, metadata)
    select id, initiator_id, api_key_id, provider, provider_name, method, route, client, status, started_at,
           duration_ms, metadata
      from jsonb_to_recordset(${given}::jsonb) as n(id uuid, initiator_id uuid, api_key_id text, provider text,
             provider_name text, method text, route text, client text, status integer, started_at timestamptz,
             duration_ms integer, metadata jsonb)
    on conflict (id) do nothing`.execute(db)
  return rows.map(() => undefined)
})

/** Stores that a request was relayed; once, however often it is called. @throws ApiError 403. */
export async function insertPassthrough(actor: Actor, db: Db, row: NewPassthrough): Promise<void> {
  authorize(actor, 'create', { type: 'aibridge_interception', owner: row.initiatorId })
  await insertTogether(db, row)
}
