import { type Selectable, sql } from 'kysely'

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
  const { rows } = await sql<AwayWorkspace>`
    select b.workspace_id as id, b.id as build_id, j.provisioner, b.provisioner_state
      from (select a.build_id from agents_with_workspace a
             where a.parent_id is null and a.build_transition = 'start' and a.job_status = 'succeeded'
               and a.dormant_at is null
             group by a.build_id
            having bool_or(a.status = 'disconnected')
               and bool_and(a.status = 'timeout' or (a.status = 'disconnected'
                     and greatest(a.disconnected_at, a.last_connected_at) < now() - interval '30 seconds'))) away
      join workspace_builds b on b.id = away.build_id
      join provisioner_jobs j on j.id = b.job_id
     where b.provisioner_state is not null
       and (b.reason <> 'autostart' or b.created_at < now() - interval '10 minutes')
       and not exists (select from workspace_builds n
                        where n.workspace_id = b.workspace_id and n.build_number > b.build_number)
     order by random() limit ${MAX_AWAY}`.execute(db)
  return rows
}
