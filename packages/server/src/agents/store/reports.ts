import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type {
  WorkspaceAgentLogsTable,
  WorkspaceAgentMetadataTable,
  WorkspaceAgentScriptTimingsTable,
  WorkspaceAppsTable,
} from '../../database/tables.ts'
import { badRequest } from '../../errors/index.ts'
import { storable } from '../storable.ts'

/** Log of an agent at most, in bytes (AC-92). */
const MAX_LOG_BYTES = 1_048_576
/** What is kept of the end of a log that is full, in bytes (AC-303). */
const MAX_TAIL_BYTES = 65_536
const MAX_LINE_CHARACTERS = 1_024
/** Source of lines without one of their own (AC-90). */
export const EXTERNAL_LOG_SOURCE = '3b579bf4-1ed8-4b99-87a8-e9a1e3410410'

/** A stored line. */
export type AgentLogRow = Omit<Selectable<WorkspaceAgentLogsTable>, 'tail'>

/** A line that is to be stored. */
interface NewLine {
  readonly level: AgentLogRow['level']
  readonly output: string
}

/** Every reader of the workspace gets them with its agents. */
const MAX_LOG_SOURCES = 256

/**
 * Registers a log source; registering it again changes nothing (AC-90).
 *
 * @throws ApiError 403, 400 when the agent has too many already.
 */
export async function insertLogSource(
  actor: Actor,
  db: Db,
  agentId: string,
  source: { readonly id: string; readonly displayName: string; readonly icon: string },
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace' })
  const { rows } = await sql<{ known: string[] }>`
    with own as (select id from workspace_agent_log_sources where workspace_agent_id = ${agentId}::uuid),
    made as (
      insert into workspace_agent_log_sources (workspace_agent_id, id, display_name, icon)
      select ${agentId}::uuid, ${source.id}::uuid, ${source.displayName}, ${source.icon}
       where (select count(*) from own) < ${MAX_LOG_SOURCES}
      on conflict (workspace_agent_id, id) do nothing returning id)
    select array(select id::text from made union select id::text from own) as known`.execute(db)
  if (rows[0]?.known.includes(source.id.toLowerCase()) !== true)
    throw badRequest(`An agent has at most ${MAX_LOG_SOURCES} log sources.`)
}

/**
 * Appends lines and counts what is stored of them in one statement. A batch that would pass the limit is refused
 * whole, and so is every later one (AC-92); their newest 64 KiB are kept all the same, so that the end of a script
 * that failed can be read (AC-303).
 *
 * @returns whether the lines were taken.
 * @throws ApiError 403.
 */
export async function appendAgentLogs(
  actor: Actor,
  db: Db,
  agentId: string,
  sourceId: string,
  given: readonly NewLine[],
): Promise<boolean> {
  authorize(actor, 'update', { type: 'workspace' })
  const lines = given.map(({ level, output }) => ({ level, output: storedOutput(output) }))
  const size = bytesOf(lines)
  const { rows } = await sql<{ taken: boolean }>`
    with counted as (
      update workspace_agents set logs_length = logs_length + ${size}
       where id = ${agentId}::uuid and not logs_overflowed and logs_length + ${size} <= ${MAX_LOG_BYTES}
      returning id),
    stored as (
      insert into workspace_agent_logs (agent_id, created_at, log_source_id, level, output)
      select counted.id, now(), ${sourceId}::uuid, l.level::log_level, l.output
        from counted, unnest(${lines.map((line) => line.level)}::text[],
          ${lines.map((line) => line.output)}::text[])
          with ordinality as l(level, output, place)
       order by l.place returning 1)
    select exists (select 1 from counted) as taken`.execute(db)
  if (rows[0]?.taken === true) return true
  await keepTail(db, agentId, sourceId, lines)
  return false
}

/** Whole characters only, no more than a line may have; one that is cut says so (AC-91, AC-303). */
function storedOutput(output: string): string {
  const whole = output.toWellFormed()
  if (whole.length <= MAX_LINE_CHARACTERS) return storable(whole)
  const cut = whole.slice(0, MAX_LINE_CHARACTERS - 1)
  return `${storable(cut.isWellFormed() ? cut : cut.slice(0, -1))}…`
}

function bytesOf(lines: readonly NewLine[]): number {
  // A line without text takes room too, or there would be no end of them.
  return lines.reduce((sum, line) => sum + Math.max(1, Buffer.byteLength(line.output)), 0)
}

/** Puts lines behind a full log and lets the oldest of them go. Setting the length wakes those who follow it. */
async function keepTail(db: Db, agentId: string, sourceId: string, lines: readonly NewLine[]): Promise<void> {
  let room = MAX_TAIL_BYTES
  const first = lines.findLastIndex((line) => {
    room -= Math.max(1, Buffer.byteLength(line.output))
    return room < 0
  })
  const newest = lines.slice(first + 1)
  await sql`
    with marked as (
      update workspace_agents set logs_overflowed = true, logs_length = logs_length
       where id = ${agentId}::uuid returning id)
    insert into workspace_agent_logs (agent_id, created_at, log_source_id, level, output, tail)
    select marked.id, now(), ${sourceId}::uuid, l.level::log_level, l.output, true
      from marked, unnest(${newest.map((line) => line.level)}::text[], ${newest.map((line) => line.output)}::text[])
        with ordinality as l(level, output, place)
     order by l.place`.execute(db)
  await sql`
    delete from workspace_agent_logs l using (
      select id, sum(greatest(1, octet_length(output))) over (order by id desc) as size
        from workspace_agent_logs where agent_id = ${agentId}::uuid and tail) t
     where l.id = t.id and t.size > ${MAX_TAIL_BYTES}`.execute(db)
}

/** Lines that are read at once. */
export const LOG_PAGE = 10_000

/**
 * Lines of an agent behind `after`, in order; with `before` the newest of those that come before it (AC-304). The
 * caller has checked the reader.
 *
 * @throws ApiError 403.
 */
export async function listAgentLogs(
  actor: Actor,
  db: Db,
  agentId: string,
  page: { readonly after: number; readonly before?: number | undefined; readonly limit?: number | undefined },
): Promise<AgentLogRow[]> {
  authorize(actor, 'read', { type: 'workspace' })
  const { after, before, limit = LOG_PAGE } = page
  const lines = db
    .selectFrom('workspace_agent_logs')
    .select(['id', 'agent_id', 'created_at', 'log_source_id', 'level', 'output'])
    .where('agent_id', '=', agentId)
    .where('id', '>', after)
    .limit(Math.min(limit, LOG_PAGE))
  if (before === undefined) return lines.orderBy('id').execute()
  return (await lines.where('id', '<', before).orderBy('id', 'desc').execute()).reverse()
}

/** Names of the log sources of an agent by their ids; the caller has checked the reader. @throws ApiError 403. */
export async function listLogSourceNames(
  actor: Actor,
  db: Db,
  agentId: string,
): Promise<ReadonlyMap<string, string>> {
  authorize(actor, 'read', { type: 'workspace' })
  const rows = await db
    .selectFrom('workspace_agent_log_sources')
    .select(['id', 'display_name'])
    .where('workspace_agent_id', '=', agentId)
    .execute()
  return new Map(rows.map((row) => [row.id, row.display_name]))
}

/** A metadata item with its last value. */
export type AgentMetadataRow = Selectable<WorkspaceAgentMetadataTable>

/** Metadata of an agent in display order; the caller has checked the reader. @throws ApiError 403. */
export async function listMetadata(actor: Actor, db: Db, agentId: string): Promise<AgentMetadataRow[]> {
  authorize(actor, 'read', { type: 'workspace' })
  return db
    .selectFrom('workspace_agent_metadata')
    .selectAll()
    .where('workspace_agent_id', '=', agentId)
    .orderBy('display_order')
    .orderBy('key')
    .execute()
}

/** A new value of a metadata item. */
export interface MetadataValue {
  readonly agentId: string
  readonly key: string
  readonly value: string
  readonly error: string
  readonly collectedAt: Date
}

/** Stores new values of many agents in one statement (AC-75). @throws ApiError 403. */
export async function storeMetadata(actor: Actor, db: Db, values: readonly MetadataValue[]): Promise<void> {
  authorize(actor, 'update', { type: 'workspace' })
  if (values.length === 0) return
  await sql`
    update workspace_agent_metadata m set value = n.value, error = n.error, collected_at = n.collected_at
      from unnest(${values.map((one) => one.agentId)}::uuid[], ${values.map((one) => one.key)}::text[],
             ${values.map((one) => one.value)}::text[], ${values.map((one) => one.error)}::text[],
             ${values.map((one) => one.collectedAt)}::timestamptz[]) as n(agent_id, key, value, error, collected_at)
     where m.workspace_agent_id = n.agent_id and m.key = n.key`.execute(db)
}

/**
 * Stores the health of apps of this agent in one statement; what has not changed is not written (AC-74).
 *
 * @throws ApiError 403, 400 when the agent has no such app, or one without a health check.
 */
export async function storeAppHealth(
  actor: Actor,
  db: Db,
  agentId: string,
  updates: readonly { readonly id: string; readonly health: Selectable<WorkspaceAppsTable>['health'] }[],
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace' })
  const ids = [...new Set(updates.map(({ id }) => id))]
  if (ids.length === 0) return
  const checked = await db
    .selectFrom('workspace_apps')
    .select('id')
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .where('agent_id', '=', agentId)
    .where('healthcheck_url', '<>', '')
    .execute()
  const known = new Set(checked.map(({ id }) => id))
  const unknown = ids.find((id) => !known.has(id))
  if (unknown !== undefined) throw badRequest(`The agent has no app ${unknown} whose health is checked.`)
  // The last one counts when an app comes twice.
  const health = new Map(updates.map((update) => [update.id, update.health]))
  await sql`
    update workspace_apps a set health = n.health
      from unnest(${[...health.keys()]}::uuid[], ${[...health.values()]}::text[]) as n(id, health)
     where a.id = n.id and a.agent_id = ${agentId}::uuid and a.health <> n.health`.execute(db)
}

/** Stores how a script of this agent ended (AC-78). @throws ApiError 403. */
export async function storeScriptTiming(
  actor: Actor,
  db: Db,
  agentId: string,
  timing: Selectable<WorkspaceAgentScriptTimingsTable>,
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace' })
  await sql`
    insert into workspace_agent_script_timings (script_id, started_at, ended_at, exit_code, stage, status)
    select s.id, ${timing.started_at}, ${timing.ended_at}, ${timing.exit_code}, ${timing.stage}, ${timing.status}
      from workspace_agent_scripts s
     where s.id = ${timing.script_id}::uuid and s.workspace_agent_id = ${agentId}::uuid`.execute(db)
}
