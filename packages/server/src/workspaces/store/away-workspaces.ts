import { type Expression, type RawBuilder, type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ProvisionerJobsTable } from '../../database/tables.ts'

/** A workspace that should run, and whose agents are away. */
export interface AwayWorkspace {
  readonly id: string
  readonly build_id: string
  readonly provisioner: Selectable<ProvisionerJobsTable>['provisioner']
  /** Sealed. */
  readonly provisioner_state: Buffer
}

const MAX_AWAY = 100

/**
 * Workspaces that were started and none of whose agents has been connected for half a minute, although one was before
 * (L-16). A start that nobody has asked for is left alone for ten minutes, so that an agent which always dies is not started
 * again for ever.
 *
 * @throws ApiError 403 for all but provisioning.
 */
export async function listAwayWorkspaces(actor: Actor, db: Db): Promise<AwayWorkspace[]> {
  authorize(actor, 'update', { type: 'template' })
  // The few agents that are away come first, so that what it costs does not grow with all builds that ever were.
  const { rows } = await sql<AwayWorkspace>`
    with away as materialized (
      select a.resource_id from workspace_agents a
       where ${isAway(sql.ref('a'))}
       order by random() limit ${MAX_AWAY})
    select b.workspace_id as id, b.id as build_id, j.provisioner, b.provisioner_state
      from (select distinct r.job_id from away join workspace_resources r on r.id = away.resource_id) lost
      join workspace_builds b on b.job_id = lost.job_id
      join provisioner_jobs j on j.id = b.job_id
      join workspaces w on w.id = b.workspace_id
     where b.transition = 'start' and j.job_status = 'succeeded' and b.provisioner_state is not null
       and not w.deleted and w.dormant_at is null
       and (b.reason <> 'autostart' or b.created_at < now() - interval '10 minutes')
       and not exists (select from workspace_builds n
                        where n.workspace_id = b.workspace_id and n.build_number > b.build_number)
       and not exists (select from workspace_resources r
                         join workspace_agents o on o.resource_id = r.id
                        where r.job_id = b.job_id and not o.deleted and o.parent_id is null
                          and agent_status(o) <> 'timeout' and not ${isAway(sql.ref('o'))})`.execute(db)
  return rows
}

/** An agent of a template that was connected, and has not been for half a minute. */
function isAway(agent: Expression<unknown>): RawBuilder<boolean> {
  return sql<boolean>`(not ${agent}.deleted and ${agent}.parent_id is null
    and ${agent}.first_connected_at is not null and agent_status(${agent}) = 'disconnected'
    and greatest(${agent}.disconnected_at, ${agent}.last_connected_at) < now() - interval '30 seconds')`
}
