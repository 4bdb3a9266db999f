import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { WorkspaceAppStatusesTable } from '../../database/tables.ts'
import { badRequest } from '../../errors/index.ts'

/** Of an app the newest of these many are kept. */
const MAX_STATUSES = 1_000

/** A report of an app. */
export interface NewAppStatus {
  readonly agentId: string
  readonly workspaceId: string
  readonly slug: string
  readonly state: Selectable<WorkspaceAppStatusesTable>['state']
  readonly message: string
  readonly uri: string
}

/**
 * Stores a report of an app of this agent (AC-85, WS-257); the oldest of very many go.
 *
 * @returns what the workspace had reported last, whichever app it was; undefined when it is the first time.
 * @throws ApiError 403, 400 when the agent has no such app.
 */
export async function insertAppStatus(
  actor: Actor,
  db: Db,
  status: NewAppStatus,
): Promise<Selectable<WorkspaceAppStatusesTable>['state'] | undefined> {
  authorize(actor, 'update', { type: 'workspace' })
  const { rows } = await sql<{
    app_id: string
    before: Selectable<WorkspaceAppStatusesTable>['state'] | null
  }>`
    with app as (
      select id from workspace_apps where agent_id = ${status.agentId}::uuid and slug = ${status.slug}),
    made as (
      insert into workspace_app_statuses (workspace_id, agent_id, app_id, state, message, uri)
      select ${status.workspaceId}::uuid, ${status.agentId}::uuid, id, ${status.state}, ${status.message}, ${status.uri}
        from app returning app_id),
    trimmed as (
      delete from workspace_app_statuses where id in (
        select s.id from app join workspace_app_statuses s on s.app_id = app.id
         order by s.created_at desc, s.id offset ${MAX_STATUSES - 1}))
    select app_id, (select state from workspace_app_statuses where workspace_id = ${status.workspaceId}::uuid
                     order by created_at desc, id limit 1) as before
      from made`.execute(db)
  const [row] = rows
  if (row === undefined)
    throw badRequest('Failed to get workspace app.', {
      detail: `No app found with slug ${JSON.stringify(status.slug)}`,
      validations: [{ field: 'app_slug', detail: 'is no app of this agent' }],
    })
  return row.before ?? undefined
}

/** The task that an app of this agent carries out, and the address of the app; undefined for most. @throws ApiError 403. */
export async function findTaskOfAgent(
  actor: Actor,
  db: Db,
  agentId: string,
): Promise<{ readonly id: string; readonly url: string | null } | undefined> {
  authorize(actor, 'read', { type: 'task' })
  return db
    .selectFrom('workspace_apps as p')
    .innerJoin('task_workspace_apps as l', 'l.app_id', 'p.id')
    .innerJoin('workspace_builds as b', 'b.id', 'l.workspace_build_id')
    .innerJoin('tasks as k', 'k.workspace_id', 'b.workspace_id')
    .select(['k.id', 'p.url'])
    .where('p.agent_id', '=', agentId)
    .where('k.deleted_at', 'is', null)
    .executeTakeFirst()
}
