import { type Selectable, type SqlBool, sql } from 'kysely'

import { type Actor, authorize, sqlFilter } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { ConnectionLogsTable } from '../database/tables.ts'
import { isUuid } from '../search/index.ts'
import type { ConnectionBatch, SessionRow, VisitRow } from './entry.ts'
import type { ConnectionSearch } from './search-connections.ts'

/** Entries are counted up to here; one more means "more" (RB-107). */
export const COUNT_CAP = 2_000
/** A visitor who was away for so long makes a new entry (RB-111). */
const VISIT_PAUSE = sql`interval '1 hour'`

/** Stores what has happened, all or nothing. @throws ApiError 403 without `connection_log:update`. */
export async function storeConnections(actor: Actor, tx: Db, batch: ConnectionBatch): Promise<void> {
  authorize(actor, 'update', { type: 'connection_log' })
  if (batch.sessions.length > 0) await upsertSessions(tx, batch.sessions)
  if (batch.visits.length > 0) await insertVisits(tx, batch.visits)
}

/** Where an agent belongs, also one whose workspace has gone on to another build. */
const HOME = sql`
  join workspace_agents a on a.id = n.agent_id
  join workspace_resources r on r.id = a.resource_id
  join workspace_builds b on b.job_id = r.job_id
  join workspaces w on w.id = b.workspace_id`

async function upsertSessions(tx: Db, sessions: readonly SessionRow[]): Promise<void> {
  const column = <T>(read: (session: SessionRow) => T): (T | null)[] =>
    sessions.map((session) => read(session) ?? null)
  await sql`
    insert into connection_logs as l (connect_time, organization_id, workspace_owner_id, workspace_id, workspace_name,
      agent_name, type, ip, code, connection_id, disconnect_time, disconnect_reason)
    select n.connect_time, w.organization_id, w.owner_id, w.id, w.name, a.name, n.type, n.ip, n.code, n.connection_id,
           n.disconnect_time, n.reason
      from unnest(${column((one) => one.agentId)}::uuid[], ${column((one) => one.type)}::text[],
             ${column((one) => one.connectionId)}::uuid[], ${column((one) => one.connectTime)}::timestamptz[],
             ${column((one) => one.disconnectTime)}::timestamptz[], ${column((one) => one.reason)}::text[],
             ${column((one) => one.exitCode)}::integer[], ${column((one) => one.ip)}::inet[])
             as n(agent_id, type, connection_id, connect_time, disconnect_time, reason, code, ip)
      ${HOME}
    on conflict on constraint connection_logs_session do update set
      connect_time = least(l.connect_time, excluded.connect_time),
      ip = coalesce(l.ip, excluded.ip),
      disconnect_time = coalesce(l.disconnect_time, excluded.disconnect_time),
      disconnect_reason = case when l.disconnect_time is null then excluded.disconnect_reason else l.disconnect_reason end,
      code = case when l.disconnect_time is null then excluded.code else l.code end`.execute(tx)
}

/** Visits that go on only move the time of the last one, for all replicas alike. */
async function insertVisits(tx: Db, visits: readonly VisitRow[]): Promise<void> {
  const column = <T>(read: (visit: VisitRow) => T): (T | null)[] => visits.map((visit) => read(visit) ?? null)
  await sql`
    with n as (
      select * from unnest(${column((one) => one.agentId)}::uuid[], ${column((one) => one.digest)}::bytea[],
        ${column((one) => one.type)}::text[], ${column((one) => one.time)}::timestamptz[],
        ${column((one) => one.ip)}::inet[], ${column((one) => one.status)}::integer[],
        ${column((one) => one.userId)}::uuid[], ${column((one) => one.userAgent)}::text[],
        ${column((one) => one.slugOrPort)}::text[])
        as n(agent_id, digest, type, time, ip, code, user_id, user_agent, slug_or_port)),
    noted as (
      insert into connection_visits as v (agent_id, digest, started_at, updated_at)
      -- In one order, so that two replicas never wait for each other.
      select n.agent_id, n.digest, n.time, n.time from n join workspace_agents a on a.id = n.agent_id
       order by n.agent_id, n.digest
      on conflict (agent_id, digest) do update set
        started_at = case when v.updated_at < excluded.updated_at - ${VISIT_PAUSE} then excluded.started_at else v.started_at end,
        updated_at = greatest(v.updated_at, excluded.updated_at)
      returning v.agent_id, v.digest, v.started_at)
    insert into connection_logs (connect_time, organization_id, workspace_owner_id, workspace_id, workspace_name,
      agent_name, type, ip, code, user_id, user_agent, slug_or_port)
    select n.time, w.organization_id, w.owner_id, w.id, w.name, a.name, n.type, n.ip, n.code, n.user_id, n.user_agent,
           n.slug_or_port
      from n join noted on noted.agent_id = n.agent_id and noted.digest = n.digest and noted.started_at = n.time
      ${HOME}`.execute(tx)
}

/** A stored entry with what readers see beside it. */
export type ConnectionRow = Selectable<ConnectionLogsTable> & {
  readonly organization_name: string
  readonly organization_display_name: string
  readonly organization_icon: string
  readonly workspace_owner_username: string
}

/** What part of the entries is wanted. */
export interface ConnectionPage {
  readonly limit: number
  readonly offset: number
  /** The page begins behind this entry (RB-128). */
  readonly afterId?: string | undefined
}

/**
 * A page of the entries that the actor may read, youngest first; nobody is refused, who may read none gets none
 * (RB-107).
 */
export async function listConnections(
  actor: Actor,
  db: Db,
  search: ConnectionSearch,
  page: ConnectionPage,
): Promise<ConnectionRow[]> {
  let rows = matching(actor, db, search)
    .innerJoin('organizations as o', 'o.id', 'l.organization_id')
    .innerJoin('users as owner', 'owner.id', 'l.workspace_owner_id')
    .selectAll('l')
    .select([
      'o.name as organization_name',
      'o.display_name as organization_display_name',
      'o.icon as organization_icon',
      'owner.username as workspace_owner_username',
    ])
  if (page.afterId !== undefined)
    rows = rows.where(
      // The first condition is for the index on the time: without it a page would read all that are before it.
      sql<SqlBool>`l.connect_time <= (select c.connect_time from connection_logs c where c.id = ${page.afterId}::uuid)
        and exists (select 1 from connection_logs c where c.id = ${page.afterId}::uuid
          and (l.connect_time < c.connect_time or (l.connect_time = c.connect_time and l.id > c.id)))`,
    )
  return rows
    .orderBy('l.connect_time', 'desc')
    .orderBy('l.id')
    .limit(page.limit)
    .offset(page.offset)
    .execute()
}

/** Number of the entries that the actor may read, up to one more than {@link COUNT_CAP}. */
export function countConnections(
  actor: Actor,
  db: Db,
  search: ConnectionSearch,
): Promise<{ readonly count: number }> {
  return db
    .selectFrom(
      matching(actor, db, search)
        .select(sql`1`.as('one'))
        .limit(COUNT_CAP + 1)
        .as('some'),
    )
    .select(sql<number>`count(*)::int`.as('count'))
    .executeTakeFirstOrThrow()
}

function matching(actor: Actor, db: Db, search: ConnectionSearch) {
  let query = db.selectFrom('connection_logs as l').where(
    sqlFilter(actor, 'read', 'connection_log', {
      id: sql.ref('l.id'),
      organization: sql.ref('l.organization_id'),
    }),
  )
  for (const condition of conditionsOf(actor, search)) query = query.where(condition)
  return query
}

function conditionsOf(actor: Actor, search: ConnectionSearch): ReturnType<typeof sql<SqlBool>>[] {
  const conditions: ReturnType<typeof sql<SqlBool>>[] = []
  const add = <T>(value: T | undefined, condition: (value: T) => ReturnType<typeof sql<SqlBool>>): void => {
    if (value !== undefined) conditions.push(condition(value))
  }
  const user = (column: string, field: 'username' | 'email', value: string) =>
    field === 'username' && value === 'me'
      ? sql<SqlBool>`${sql.ref(column)} = ${actor.id}::uuid`
      : sql<SqlBool>`${sql.ref(column)} in (select u.id from users u where lower(${sql.ref(`u.${field}`)}) = ${value})`
  add(search.organization, (value) =>
    isUuid(value)
      ? sql<SqlBool>`l.organization_id = ${value}::uuid`
      : sql<SqlBool>`l.organization_id in (select o.id from organizations o where lower(o.name) = ${value})`,
  )
  add(search.workspaceOwner, (value) => user('l.workspace_owner_id', 'username', value))
  add(search.workspaceOwnerEmail, (value) => user('l.workspace_owner_id', 'email', value))
  add(search.type, (value) => sql<SqlBool>`l.type = ${value}`)
  add(search.username, (value) => user('l.user_id', 'username', value))
  add(search.userEmail, (value) => user('l.user_id', 'email', value))
  add(search.connectedAfter, (value) => sql<SqlBool>`l.connect_time >= ${value}`)
  add(search.connectedBefore, (value) => sql<SqlBool>`l.connect_time <= ${value}`)
  add(search.workspaceId, (value) => sql<SqlBool>`l.workspace_id = ${value}::uuid`)
  add(search.connectionId, (value) => sql<SqlBool>`l.connection_id = ${value}::uuid`)
  add(
    search.status,
    (value) =>
      sql<SqlBool>`l.type in ('ssh', 'vscode', 'jetbrains', 'reconnecting_pty')
        and (l.disconnect_time is null) = ${value === 'ongoing'}`,
  )
  return conditions
}
