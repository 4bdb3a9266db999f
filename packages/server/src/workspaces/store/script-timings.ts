import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** Scripts that run by a schedule add up; the latest ones tell enough. */
const MAX_TIMINGS = 500

/** How a script of an agent ran. */
export interface ScriptTiming {
  readonly display_name: string
  readonly started_at: Date
  readonly ended_at: Date
  readonly exit_code: number
  readonly stage: string
  readonly status: string
  readonly agent_id: string
  readonly agent_name: string
}

/**
 * The latest runs of scripts of the agents that a job has made, oldest first (WS-144); the caller has checked
 * that the reader may see the build.
 *
 * @throws ApiError 403 without `system:read`.
 */
export async function listScriptTimings(actor: Actor, db: Db, jobId: string): Promise<ScriptTiming[]> {
  authorize(actor, 'read', { type: 'workspace' })
  const rows = await db
    .selectFrom('workspace_agent_script_timings as t')
    .innerJoin('workspace_agent_scripts as s', 's.id', 't.script_id')
    .innerJoin('workspace_agents as a', 'a.id', 's.workspace_agent_id')
    .innerJoin('workspace_resources as r', 'r.id', 'a.resource_id')
    .select([
      's.display_name',
      't.started_at',
      't.ended_at',
      't.exit_code',
      't.stage',
      't.status',
      'a.id as agent_id',
      'a.name as agent_name',
    ])
    .where('r.job_id', '=', jobId)
    // Clients send the year 1 for a time that never was.
    .where(sql<boolean>`t.started_at > 'epoch' and t.ended_at > 'epoch'`)
    .orderBy('t.started_at', 'desc')
    .limit(MAX_TIMINGS)
    .execute()
  return rows.reverse()
}
