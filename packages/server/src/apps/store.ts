import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type {
  AgentsWithWorkspaceTable,
  TemplatesTable,
  WorkspaceAgentPortShareTable,
  WorkspaceAppsTable,
} from '../database/tables.ts'
import { ApiError, badRequest, notFound } from '../errors/index.ts'
import { type WorkspaceRow, workspaceObject } from '../workspaces/index.ts'
import { narrower, type SharingLevel, widerThan } from './sharing-level.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** An app or port with the agent that serves it. */
export interface AppTarget {
  readonly agent: Selectable<AgentsWithWorkspaceTable> &
    Pick<Selectable<TemplatesTable>, 'cors_behavior' | 'max_port_sharing_level'>
  /** Undefined for a port. */
  readonly app: Selectable<WorkspaceAppsTable> | undefined
  readonly shares: readonly Selectable<WorkspaceAgentPortShareTable>[]
}

/**
 * The agents of a workspace's latest build with their apps and port shares, for the decision who may reach
 * them; that decision is the caller's (AC-201).
 *
 * @throws ApiError 403 for all but the system.
 */
export async function findAppTargets(
  actor: Actor,
  db: Db,
  owner: string,
  workspace: string,
): Promise<AppTarget[]> {
  authorize(actor, 'read', { type: 'workspace' })
  const agents = await db
    .selectFrom('agents_with_workspace as a')
    .innerJoin('templates as t', 't.id', 'a.template_id')
    .selectAll('a')
    .select(['t.cors_behavior', 't.max_port_sharing_level'])
    .where((eb) =>
      UUID.test(owner)
        ? eb('a.owner_id', '=', owner)
        : eb(sql<string>`lower(a.owner_username)`, '=', owner.toLowerCase()),
    )
    .where((eb) =>
      UUID.test(workspace)
        ? eb('a.workspace_id', '=', workspace)
        : eb(sql<string>`lower(a.workspace_name)`, '=', workspace.toLowerCase()),
    )
    .where(
      sql<boolean>`a.build_number = (select max(b.build_number) from workspace_builds b where b.workspace_id = a.workspace_id)`,
    )
    .orderBy('a.display_order')
    .orderBy('a.name')
    .execute()
  const [first] = agents
  if (first === undefined) return []
  const apps = await db
    .selectFrom('workspace_apps')
    .selectAll()
    .where(sql<boolean>`agent_id = any(${agents.map((agent) => agent.id)}::uuid[])`)
    .execute()
  const shares = await db
    .selectFrom('workspace_agent_port_share')
    .selectAll()
    .where('workspace_id', '=', first.workspace_id)
    .execute()
  return agents.flatMap((agent) => {
    const own = shares.filter((share) => share.agent_name === agent.name)
    return [
      { agent, app: undefined, shares: own },
      ...apps.filter((app) => app.agent_id === agent.id).map((app) => ({ agent, app, shares: own })),
    ]
  })
}

/**
 * The workspace of this name unless its latest build is a start that has succeeded: stopped, starting, failed or
 * on its way out, it has no apps now. The caller decides who may hear of it (AC-201, AC-305).
 *
 * @throws ApiError 403 for all but the system.
 */
export async function findOfflineWorkspace(
  actor: Actor,
  db: Db,
  owner: string,
  workspace: string,
): Promise<ResourceObject | undefined> {
  authorize(actor, 'read', { type: 'workspace' })
  const row = await db
    .selectFrom('workspaces as w')
    .innerJoin('users as u', 'u.id', 'w.owner_id')
    .innerJoin('workspace_builds as b', 'b.workspace_id', 'w.id')
    .innerJoin('provisioner_jobs as j', 'j.id', 'b.job_id')
    .select(['w.id', 'w.owner_id', 'w.organization_id', 'w.dormant_at', 'w.user_acl', 'w.group_acl'])
    .select(['b.transition', 'j.job_status'])
    .where('w.deleted', '=', false)
    .where((eb) =>
      UUID.test(owner)
        ? eb('w.owner_id', '=', owner)
        : eb(sql<string>`lower(u.username)`, '=', owner.toLowerCase()),
    )
    .where((eb) =>
      UUID.test(workspace)
        ? eb('w.id', '=', workspace)
        : eb(sql<string>`lower(w.name)`, '=', workspace.toLowerCase()),
    )
    .orderBy('b.build_number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const runs = row?.transition === 'start' && row.job_status === 'succeeded'
  return row === undefined || runs ? undefined : workspaceObject(row)
}

/** A stored port share. */
export type PortShareRow = Selectable<WorkspaceAgentPortShareTable>

/**
 * Port shares of a workspace, by port, each with the widest level that its template allows now (AC-202).
 *
 * @throws ApiError 404.
 */
export async function listPortShares(
  actor: Actor,
  db: Db,
  workspace: WorkspaceRow,
): Promise<(PortShareRow & { readonly highest: SharingLevel })[]> {
  if (!isAllowed(actor, 'read', workspaceObject(workspace))) throw notFound()
  return db
    .selectFrom('workspace_agent_port_share as s')
    .innerJoin('workspaces as w', 'w.id', 's.workspace_id')
    .innerJoin('templates as t', 't.id', 'w.template_id')
    .selectAll('s')
    .select('t.max_port_sharing_level as highest')
    .where('s.workspace_id', '=', workspace.id)
    .orderBy('s.port')
    .orderBy('s.agent_name')
    .execute()
}

/**
 * Shares a port, or changes how it is shared (AC-202).
 *
 * @throws ApiError 403, 400 for an agent that the latest build does not have or a level above the template's.
 */
export async function upsertPortShare(
  actor: Actor,
  tx: Db,
  workspace: WorkspaceRow,
  share: Omit<PortShareRow, 'workspace_id'>,
): Promise<PortShareRow> {
  authorize(actor, 'update', workspaceObject(workspace))
  const row = await tx
    .selectFrom('agents_with_workspace as a')
    .innerJoin('templates as t', 't.id', 'a.template_id')
    .select('t.max_port_sharing_level as highest')
    // A template that allows less by the time that this is stored would pass it over (WS-89).
    .forShare('t')
    .where('a.build_id', '=', workspace.build_id)
    .where('a.name', '=', share.agent_name)
    .executeTakeFirst()
  if (row === undefined) throw badRequest('Agent not found.')
  if (narrower(share.share_level, row.highest) !== share.share_level)
    throw badRequest(`Port sharing level not allowed: the template allows ${row.highest} at most.`, {
      validations: [{ field: 'share_level', detail: `must be at most ${row.highest}` }],
    })
  return tx
    .insertInto('workspace_agent_port_share')
    .values({ ...share, workspace_id: workspace.id })
    .onConflict((found) =>
      found
        .columns(['workspace_id', 'agent_name', 'port'])
        .doUpdateSet({ share_level: share.share_level, protocol: share.protocol }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}

/**
 * Takes shared ports of all workspaces of a template back to what it allows now (WS-89); where that is nothing, they are
 * shared no more.
 *
 * @throws ApiError 403 without `workspace:update`.
 */
export async function lowerPortShares(
  actor: Actor,
  tx: Db,
  template: { readonly id: string; readonly organization_id: string },
  highest: SharingLevel,
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace', organization: template.organization_id })
  const ofTemplate = sql<boolean>`workspace_id in (select id from workspaces where template_id = ${template.id}::uuid)`
  if (highest === 'owner') {
    await tx.deleteFrom('workspace_agent_port_share').where(ofTemplate).execute()
    return
  }
  const wider = widerThan(highest)
  if (wider.length === 0) return
  await tx
    .updateTable('workspace_agent_port_share')
    .set({ share_level: highest })
    .where(ofTemplate)
    .where('share_level', 'in', wider)
    .execute()
}

/** Ends the sharing of a port. @throws ApiError 403, 404 when it is not shared. */
export async function deletePortShare(
  actor: Actor,
  db: Db,
  workspace: WorkspaceRow,
  agentName: string,
  port: number,
): Promise<void> {
  authorize(actor, 'update', workspaceObject(workspace))
  const gone = await db
    .deleteFrom('workspace_agent_port_share')
    .where('workspace_id', '=', workspace.id)
    .where('agent_name', '=', agentName)
    .where('port', '=', port)
    .returning('port')
    .executeTakeFirst()
  if (gone === undefined) throw new ApiError(404, 'Port share not found.')
}
