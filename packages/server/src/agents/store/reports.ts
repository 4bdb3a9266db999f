import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type {
  WorkspaceAgentLogsTable,
  WorkspaceAgentMetadataTable,
  WorkspaceAgentScriptTimingsTable,
  WorkspaceAppsTable,
} from '../../database/tables.ts'

/** Log of an agent at most, in bytes (AC-92). */
const MAX_LOG_BYTES = 1_048_576
/** Source of lines without one of their own (AC-90). */
export const EXTERNAL_LOG_SOURCE = '3b579bf4-1ed8-4b99-87a8-e9a1e3410410'

/** A stored line. */
export type AgentLogRow = Selectable<WorkspaceAgentLogsTable>

/** Registers a log source; registering it again changes nothing (AC-90). @throws ApiError 403. */
export async function insertLogSource(
  actor: Actor,
  db: Db,
  agentId: string,
  source: { readonly id: string; readonly displayName: string; readonly icon: string },
): Promise<void> {
  authorize(actor, 'update', { type: 'system' })
  await db
    .insertInto('workspace_agent_log_sources')
    .values({
      workspace_agent_id: agentId,
      id: source.id,
      display_name: source.displayName,
      icon: source.icon,
    })
    .onConflict((found) => found.columns(['workspace_agent_id', 'id']).doNothing())
    .execute()
}

/**
 * Appends lines and counts them in one statement. A batch that would pass the limit is refused whole, and so
 * is every later one (AC-92).
 *
 * @returns whether the lines were taken.
 * @throws ApiError 403.
 */
export async function appendAgentLogs(
  actor: Actor,
  db: Db,
  agentId: string,
  sourceId: string,
  lines: readonly { readonly level: AgentLogRow['level']; readonly output: string }[],
): Promise<boolean> {
  authorize(actor, 'update', { type: 'system' })
  const size = lines.reduce((sum, line) => sum + Buffer.byteLength(line.output), 0)
  const { rows } = await sql<{ taken: boolean }>`
    with counted as (
      update workspace_agents set logs_length = logs_length + ${size}
       where id = ${agentId}::uuid and not logs_overflowed and logs_length + ${size} <= ${MAX_LOG_BYTES}
      returning id),
    stored as (
      insert into workspace_agent_logs (agent_id, created_at, log_source_id, level, output)
      select counted.id, now(), ${sourceId}::uuid, l.level::log_level, l.output
        from counted, unnest(${lines.map((line) => line.level)}::text[],
          ${lines.map((line) => line.output.replaceAll('\0', '\u274c').slice(0, 1024))}::text[])
          with ordinality as l(level, output, place)
       order by l.place returning 1)
    select exists (select 1 from counted) as taken`.execute(db)
  if (rows[0]?.taken === true) return true
  await db
    .updateTable('workspace_agents')
    .set({ logs_overflowed: true })
    .where('id', '=', agentId)
    .where('logs_overflowed', '=', false)
    .execute()
  return false
}

/** Lines of an agent behind `after`, in order; the caller has checked the reader. @throws ApiError 403. */
export async function listAgentLogs(
  actor: Actor,
  db: Db,
  agentId: string,
  after: number,
): Promise<AgentLogRow[]> {
  authorize(actor, 'read', { type: 'system' })
  return db
    .selectFrom('workspace_agent_logs')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(10_000)
    .execute()
}

/** A metadata item with its last value. */
export type AgentMetadataRow = Selectable<WorkspaceAgentMetadataTable>

/** Metadata of an agent in display order; the caller has checked the reader. @throws ApiError 403. */
export async function listMetadata(actor: Actor, db: Db, agentId: string): Promise<AgentMetadataRow[]> {
  authorize(actor, 'read', { type: 'system' })
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
  authorize(actor, 'update', { type: 'system' })
  if (values.length === 0) return
  await sql`
    update workspace_agent_metadata m set value = n.value, error = n.error, collected_at = n.collected_at
      from unnest(${values.map((one) => one.agentId)}::uuid[], ${values.map((one) => one.key)}::text[],
             ${values.map((one) => one.value)}::text[], ${values.map((one) => one.error)}::text[],
             ${values.map((one) => one.collectedAt)}::timestamptz[]) as n(agent_id, key, value, error, collected_at)
     where m.workspace_agent_id = n.agent_id and m.key = n.key`.execute(db)
}

/** Stores the health of apps of this agent; an unknown app is ignored (AC-74). @throws ApiError 403. */
export async function storeAppHealth(
  actor: Actor,
  db: Db,
  agentId: string,
  updates: readonly { readonly id: string; readonly health: Selectable<WorkspaceAppsTable>['health'] }[],
): Promise<void> {
  authorize(actor, 'update', { type: 'system' })
  for (const { id, health } of updates)
    await db
      .updateTable('workspace_apps')
      .set({ health })
      .where('id', '=', id)
      .where('agent_id', '=', agentId)
      .where('health', '<>', health)
      .execute()
}

/** Stores how a script of this agent ended (AC-78). @throws ApiError 403. */
export async function storeScriptTiming(
  actor: Actor,
  db: Db,
  agentId: string,
  timing: Selectable<WorkspaceAgentScriptTimingsTable>,
): Promise<void> {
  authorize(actor, 'update', { type: 'system' })
  await sql`
    insert into workspace_agent_script_timings (script_id, started_at, ended_at, exit_code, stage, status)
    select s.id, ${timing.started_at}, ${timing.ended_at}, ${timing.exit_code}, ${timing.stage}, ${timing.status}
      from workspace_agent_scripts s
     where s.id = ${timing.script_id}::uuid and s.workspace_agent_id = ${agentId}::uuid`.execute(db)
}
