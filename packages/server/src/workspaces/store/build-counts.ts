import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ProvisionerJobsTable, WorkspaceBuildsTable } from '../../database/tables.ts'

/** Workspaces of an owner whose latest builds are alike. */
export interface BuildCount {
  readonly status: Selectable<ProvisionerJobsTable>['job_status']
  readonly transition: Selectable<WorkspaceBuildsTable>['transition']
  readonly template_name: string
  readonly version_name: string
  readonly owner_name: string
  readonly count: number
}

/** How many workspaces there are, by what their latest builds are. @throws ApiError 403 without `workspace:read`. */
export async function countLatestBuilds(actor: Actor, db: Db): Promise<BuildCount[]> {
  authorize(actor, 'read', { type: 'workspace' })
  return db
    .selectFrom('workspaces as w')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('workspace_builds as newest')
          .select(['newest.job_id', 'newest.transition', 'newest.template_version_id'])
          .whereRef('newest.workspace_id', '=', 'w.id')
          .orderBy('newest.build_number', 'desc')
          .limit(1)
          .as('b'),
      (join) => join.onTrue(),
    )
    .innerJoin('provisioner_jobs as j', 'j.id', 'b.job_id')
    .innerJoin('template_versions as v', 'v.id', 'b.template_version_id')
    .innerJoin('templates as t', 't.id', 'w.template_id')
    .innerJoin('users as o', 'o.id', 'w.owner_id')
    .select([
      'j.job_status as status',
      'b.transition',
      't.name as template_name',
      'v.name as version_name',
      'o.username as owner_name',
      sql<number>`count(*)::int`.as('count'),
    ])
    .where('w.deleted', '=', false)
    .groupBy(['j.job_status', 'b.transition', 't.name', 'v.name', 'o.username'])
    .execute()
}
