import { type RawBuilder, sql } from 'kysely'

import { type Action, type Actor, authorize } from '../../authz/index.ts'
import { batchesOf, type Db } from '../../database/index.ts'
import type { AibridgeInterceptionsTable } from '../../database/tables.ts'

/** Why an interception failed (AG-82). */
export type ErrorType = NonNullable<AibridgeInterceptionsTable['error_type']>

function authorizeInterception(actor: Actor, action: Action, initiatorId?: string): void {
  authorize(actor, action, { type: 'aibridge_interception', owner: initiatorId })
}

/** A request of a client, before its provider is asked. */
export interface NewInterception {
  readonly id: string
  readonly initiatorId: string
  readonly apiKeyId: string | undefined
  readonly provider: string
  readonly providerName: string
  readonly model: string
  /** The name that the client asked for, where it stands for that model (AG-B9). */
  readonly requestedModel?: string | undefined
  readonly metadata: Readonly<Record<string, unknown>>
  readonly startedAt: Date
  readonly client: string
  readonly clientSessionId: string | undefined
  readonly credentialKind: 'centralized' | 'byok'
  readonly credentialHint: string
  /** The tool call whose result the request brings. */
  readonly toolCallId: string | undefined
  /** Where it stands in the log of an agent firewall (AG-17). */
  readonly agentFirewall?: { readonly sessionId: string; readonly sequenceNumber: number } | undefined
}

/** A row of an interception, as it is sent. */
function sent(row: NewInterception): Readonly<Record<string, unknown>> {
  return {
    id: row.id,
    initiator_id: row.initiatorId,
    api_key_id: row.apiKeyId,
    provider: row.provider,
    provider_name: row.providerName,
    model: row.model,
    requested_model: row.requestedModel,
    metadata: row.metadata,
    started_at: row.startedAt.toISOString(),
    client: row.client,
    client_session_id: row.clientSessionId,
    credential_kind: row.credentialKind,
    credential_hint: row.credentialHint,
    tool_call_id: row.toolCallId,
    firewall_session: row.agentFirewall?.sessionId,
    firewall_number: row.agentFirewall?.sequenceNumber,
  }
}

/** Inserts what was sent. Only what the same user has done is gone on with: others may know the id of a tool call (AG-80). */
function insertOf(given: readonly Readonly<Record<string, unknown>>[]): RawBuilder<unknown> {
  return sql`
    insert into aibridge_interceptions as i (id, initiator_id, api_key_id, provider, provider_name, model,
      requested_model, metadata, started_at, client, client_session_id, credential_kind, credential_hint,
      thread_parent_id, thread_root_id, agent_firewall_session_id, agent_firewall_sequence_number,
      ended_at, error_type, error_message)
    select n.id, n.initiator_id, n.api_key_id, n.provider, n.provider_name, n.model,
           n.requested_model, n.metadata, n.started_at, n.client, n.client_session_id, n.credential_kind,
           n.credential_hint, p.id, p.root, n.firewall_session, n.firewall_number,
           n.ended_at, n.error_type, n.error_message
      from jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as n(id uuid, initiator_id uuid, api_key_id text,
             provider text, provider_name text, model text, requested_model text, metadata jsonb,
             started_at timestamptz, client text, client_session_id text, credential_kind text, credential_hint text,
             tool_call_id text, firewall_session uuid, firewall_number integer,
             ended_at timestamptz, error_type text, error_message text)
      left join lateral (
        select i.id, coalesce(i.thread_root_id, i.id) as root
          from aibridge_tool_usages t join aibridge_interceptions i on i.id = t.interception_id
         where n.tool_call_id is not null and t.provider_tool_call_id = n.tool_call_id
           and i.initiator_id = n.initiator_id
         order by t.created_at desc limit 1) p on true`
}

const insertTogether = batchesOf(async (db: Db, rows: readonly NewInterception[]) => {
  await sql`${insertOf(rows.map(sent))} on conflict (id) do nothing`.execute(db)
  return rows.map(() => undefined)
})

/** Stores that a request has begun, and in which thread (AG-78, AG-80); once, however often it is called. @throws ApiError 403. */
export async function insertInterception(actor: Actor, db: Db, row: NewInterception): Promise<void> {
  authorizeInterception(actor, 'create', row.initiatorId)
  await insertTogether(db, row)
}

/** How a request has ended. */
export interface InterceptionEnd {
  readonly id: string
  readonly initiatorId: string
  readonly endedAt: Date
  /** Of the key that answered; undefined leaves the one of the start (AG-81). */
  readonly credentialHint: string | undefined
  /** The provider that answered, where it is another than the one of the start (AG-B10). */
  readonly providerName?: string | undefined
  /** The model that answered, where another provider calls it by another name. */
  readonly model?: string | undefined
  /** Joined to the metadata of the start. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  /** Whether it is to be exported (AG-B23). */
  readonly queued?: boolean
  readonly error: { readonly type: ErrorType; readonly message: string } | undefined
}

const endTogether = batchesOf(async (db: Db, ends: readonly InterceptionEnd[]) => {
  const given = JSON.stringify(
    ends.map(({ id, endedAt, credentialHint, providerName, model, metadata, queued, error }) => ({
      id,
      ended_at: endedAt.toISOString(),
      hint: credentialHint,
      provider_name: providerName,
      model,
      metadata,
      queued: queued === true,
      error_type: error?.type,
      error_message: error?.message,
    })),
  )
  const ended = sql`
    update aibridge_interceptions i
       set ended_at = greatest(n.ended_at, i.started_at), credential_hint = coalesce(n.hint, i.credential_hint),
           provider_name = coalesce(n.provider_name, i.provider_name), model = coalesce(n.model, i.model),
           metadata = case when n.metadata is null then i.metadata else i.metadata || n.metadata end,
           error_type = n.error_type, error_message = n.error_message
      from jsonb_to_recordset(${given}::jsonb)
             as n(id uuid, ended_at timestamptz, hint text, provider_name text, model text, metadata jsonb,
                  queued boolean, error_type text, error_message text)
     where i.id = n.id and i.ended_at is null`
  if (ends.some(({ queued }) => queued === true))
    await sql`
      with ended as (${ended} returning i.id, n.queued)
      insert into aibridge_exports (interception_id) select id from ended where queued
      on conflict do nothing`.execute(db)
  else await ended.execute(db)
  return ends.map(() => undefined)
})

/** Stores how a request has ended, once (AG-81). @throws ApiError 403. */
export async function endInterception(actor: Actor, db: Db, end: InterceptionEnd): Promise<void> {
  authorizeInterception(actor, 'update', end.initiatorId)
  await endTogether(db, end)
}

/**
 * Stores requests that have ended, at once with how they have (AG-81); of those whose beginning is stored already only how
 * they have ended. Belongs into a transaction with all that they have left, because readers see what has ended.
 *
 * @throws ApiError 403.
 */
export async function insertEnded(
  actor: Actor,
  tx: Db,
  rows: readonly { readonly interception: NewInterception; readonly end: InterceptionEnd }[],
): Promise<void> {
  for (const { interception } of rows) authorizeInterception(actor, 'create', interception.initiatorId)
  if (rows.length === 0) return
  const insert = insertOf(
    rows.map(({ interception, end }) => ({
      ...sent(interception),
      provider_name: end.providerName ?? interception.providerName,
      model: end.model ?? interception.model,
      metadata: { ...interception.metadata, ...end.metadata },
      credential_hint: end.credentialHint ?? interception.credentialHint,
      // A clock may have been set back.
      ended_at: new Date(Math.max(+end.endedAt, +interception.startedAt)).toISOString(),
      error_type: end.error?.type,
      error_message: end.error?.message,
    })),
  )
  const ended = sql`${insert}
    on conflict (id) do update set ended_at = excluded.ended_at, credential_hint = excluded.credential_hint,
       provider_name = excluded.provider_name, model = excluded.model, metadata = excluded.metadata,
       error_type = excluded.error_type, error_message = excluded.error_message,
       -- Another replica may have stored what this one goes on with later than its beginning.
       thread_parent_id = coalesce(i.thread_parent_id, excluded.thread_parent_id),
       thread_root_id = coalesce(i.thread_root_id, excluded.thread_root_id)
     where i.ended_at is null`
  const queued = rows.filter(({ end }) => end.queued === true).map(({ end }) => end.id)
  if (queued.length > 0)
    await sql`
      with ended as (${ended} returning i.id)
      insert into aibridge_exports (interception_id) select id from ended where id = any(${queued}::uuid[])
      on conflict do nothing`.execute(tx)
  else await ended.execute(tx)
}

/** Which requests are ended because nobody else will. */
export interface Abandoned {
  /** When they had begun. */
  readonly before: Date
  readonly now: Date
  readonly limit: number
  /** Whether they are to be exported (AG-B23). */
  readonly queued?: boolean
}

/** Ends what has been open since before a time, because nobody else will (AG-138). Resolves to how many. @throws ApiError 403. */
export async function closeAbandoned(
  actor: Actor,
  db: Db,
  { before, now, limit, queued = false }: Abandoned,
): Promise<number> {
  authorizeInterception(actor, 'update')
  const { rows } = await sql<{ count: number }>`
    with ended as (
      update aibridge_interceptions set ended_at = ${now}, error_type = 'unknown',
             error_message = 'the gateway stopped before the request ended'
       where id = any(array(
         select id from aibridge_interceptions where ended_at is null and started_at < ${before}
          order by started_at limit ${limit} for update skip locked))
      returning id),
    queued as (
      insert into aibridge_exports (interception_id) select id from ended where ${queued} on conflict do nothing)
    select count(*)::int as count from ended`.execute(db)
  return rows[0]?.count ?? 0
}
