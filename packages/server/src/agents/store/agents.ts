import { type Selectable, sql } from 'kysely'

import {
  type Actor,
  agentScope,
  authorize,
  isAllowed,
  type ResourceObject,
  type RoleOptions,
} from '../../authz/index.ts'
import { type Db, prepared } from '../../database/index.ts'
import type { AgentsWithWorkspaceTable } from '../../database/tables.ts'
import { type AgentCaller, noteInLog } from '../../edge/index.ts'
import { ApiError } from '../../errors/index.ts'
import { actorOf, STANDING, type Standing } from '../../identity/index.ts'
import { hashAgentToken } from '../../resources/index.ts'
import { workspaceObject } from '../../workspaces/index.ts'

/** An agent with its build, workspace and owner, from one statement (AC-13). */
export type AgentRow = Selectable<AgentsWithWorkspaceTable>

/** What permissions speak of: the workspace of the agent. */
export function agentObject(agent: AgentRow): ResourceObject {
  return workspaceObject({
    id: agent.workspace_id,
    owner_id: agent.owner_id,
    organization_id: agent.organization_id,
    dormant_at: agent.dormant_at,
    user_acl: agent.user_acl,
    group_acl: agent.group_acl,
  })
}

/** An agent of a live workspace. @throws ApiError 404 (AC-14). */
export async function getAgent(actor: Actor, db: Db, id: string): Promise<AgentRow> {
  const row = await db.selectFrom('agents_with_workspace').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', agentObject(row)))
    throw new ApiError(404, "Agent doesn't exist with that id, or you do not have access to it.")
  noteInLog({ agent_name: row.name, workspace_name: row.workspace_name })
  return row
}

/** Agents of the latest build of a live workspace, in no order (AC-15). @throws ApiError 403 without `workspace:read`. */
export async function listLatestAgents(
  actor: Actor,
  db: Db,
  workspace: Parameters<typeof workspaceObject>[0] & { readonly build_id: string },
): Promise<AgentRow[]> {
  authorize(actor, 'read', workspaceObject(workspace))
  return db
    .selectFrom('agents_with_workspace')
    .selectAll()
    .where('workspace_id', '=', workspace.id)
    .where('build_id', '=', workspace.build_id)
    .execute()
}

/**
 * AC-3, AC-4: the agent's build is the latest one, or it is a start that succeeded and the very next build is
 * a stop of the same version that has not ended. One predicate, so that it can be relaxed (AC-6).
 */
const MAY_AUTHENTICATE = sql<boolean>`(a.build_number = latest.build_number or (
  a.build_transition = 'start' and a.job_status = 'succeeded'
  and latest.transition = 'stop' and latest.build_number = a.build_number + 1
  and latest_job.job_status in ('pending', 'running')
  and latest.template_version_id = a.template_version_id))`

const load = prepared<
  { hash: Buffer },
  AgentRow & { readonly standing: Standing; readonly task_id: string | null }
>((db, p) =>
  db
    .selectFrom('agents_with_workspace as a')
    .innerJoin('users as u', 'u.id', 'a.owner_id')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('workspace_builds as b')
          .select(['b.build_number', 'b.transition', 'b.template_version_id', 'b.job_id'])
          .whereRef('b.workspace_id', '=', 'a.workspace_id')
          .orderBy('b.build_number', 'desc')
          .limit(1)
          .as('latest'),
      (join) => join.onTrue(),
    )
    .innerJoin('provisioner_jobs as latest_job', 'latest_job.id', 'latest.job_id')
    .selectAll('a')
    .select(
      sql<Standing>`jsonb_build_object('username', u.username, 'email', u.email, 'status', u.status,
        'is_system', u.is_system, 'is_service_account', u.is_service_account, 'rbac_roles', u.rbac_roles,
        'site_custom_roles', ${STANDING.site_custom_roles}, 'groups', ${STANDING.groups}, 'memberships', ${STANDING.memberships})`.as(
        'standing',
      ),
    )
    .select(
      sql<string | null>`(select k.id from tasks k
        where k.workspace_id = a.workspace_id and k.deleted_at is null)`.as('task_id'),
    )
    .where('a.auth_token_hash', '=', p('hash'))
    .where(MAY_AUTHENTICATE),
)

/**
 * The agent that holds this token, with its own build, in one statement (AC-5); undefined when none may
 * authenticate now. It acts as the workspace's owner, narrowed to this workspace (AC-7).
 *
 * @throws ApiError 403 for all but the system, and whatever the database throws: never a 401 (AC-6).
 */
export async function findAgentByToken(
  actor: Actor,
  db: Db,
  token: string,
  options: RoleOptions,
): Promise<AgentCaller | undefined> {
  authorize(actor, 'read', { type: 'workspace' })
  const [row] = await load(db, { hash: hashAgentToken(token) })
  if (row === undefined) return undefined
  return {
    id: row.id,
    name: row.name,
    workspaceId: row.workspace_id,
    workspaceName: row.workspace_name,
    ownerId: row.owner_id,
    ownerUsername: row.owner_username,
    organizationId: row.organization_id,
    templateId: row.template_id,
    buildId: row.build_id,
    jobId: row.job_id,
    actor: actorOf(
      row.owner_id,
      row.standing,
      options,
      agentScope({
        keyScope: row.api_key_scope === 'no_user_data' ? 'no_user_data' : 'all',
        workspaceId: row.workspace_id,
        templateId: row.template_id,
        templateVersionId: row.template_version_id,
        ownerId: row.owner_id,
        taskId: row.task_id ?? undefined,
      }),
    ),
  }
}

/** Those of these agents that may still be connected: their tokens still authenticate (AC-22). @throws ApiError 403. */
export async function filterMayStay(
  actor: Actor,
  db: Db,
  agentIds: readonly string[],
): Promise<ReadonlySet<string>> {
  authorize(actor, 'read', { type: 'workspace' })
  if (agentIds.length === 0) return new Set()
  const rows = await db
    .selectFrom('agents_with_workspace as a')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('workspace_builds as b')
          .select(['b.build_number', 'b.transition', 'b.template_version_id', 'b.job_id'])
          .whereRef('b.workspace_id', '=', 'a.workspace_id')
          .orderBy('b.build_number', 'desc')
          .limit(1)
          .as('latest'),
      (join) => join.onTrue(),
    )
    .innerJoin('provisioner_jobs as latest_job', 'latest_job.id', 'latest.job_id')
    .select('a.id')
    .where(sql<boolean>`a.id = any(${[...agentIds]}::uuid[])`)
    .where(MAY_AUTHENTICATE)
    .execute()
  return new Set(rows.map((row) => row.id))
}

/** The first connection of an agent. */
export interface FirstConnection {
  readonly agent_name: string
  readonly template_name: string | null
  /** Since the agent was made. */
  readonly seconds: number
}

/**
 * Notes that an agent has connected to this replica (AC-21).
 *
 * @returns what is told of its first connection; undefined for a later one.
 * @throws ApiError 403.
 */
export async function markConnected(
  actor: Actor,
  db: Db,
  agentId: string,
  replicaId: string,
  apiVersion: string,
): Promise<FirstConnection | undefined> {
  authorize(actor, 'update', { type: 'workspace' })
  const row = await db
    .updateTable('workspace_agents')
    .set({
      first_connected_at: sql<Date>`coalesce(first_connected_at, now())`,
      last_connected_at: sql<Date>`now()`,
      disconnected_at: null,
      last_connected_replica_id: replicaId,
      api_version: apiVersion,
    })
    .where('id', '=', agentId)
    .returning(
      sql<FirstConnection | null>`case when first_connected_at = last_connected_at then jsonb_build_object(
        'agent_name', name, 'seconds', extract(epoch from first_connected_at - created_at),
        'template_name', (select t.name from agents_with_workspace a join templates t on t.id = a.template_id
                           where a.id = workspace_agents.id)) end`.as('first'),
    )
    .executeTakeFirst()
  return row?.first ?? undefined
}

/**
 * Notes that these agents are still there; one statement for all of a replica (AC-21). One that has left by now stays
 * gone.
 *
 * @throws ApiError 403.
 */
export async function markAlive(actor: Actor, db: Db, agentIds: readonly string[]): Promise<void> {
  authorize(actor, 'update', { type: 'workspace' })
  if (agentIds.length === 0) return
  await db
    .updateTable('workspace_agents')
    .set({ last_connected_at: sql<Date>`now()` })
    .where(sql<boolean>`id = any(${[...agentIds]}::uuid[])`)
    .where('disconnected_at', 'is', null)
    .execute()
}

/** Notes that an agent is gone, unless it has connected to another replica by now. @throws ApiError 403. */
export async function markDisconnected(
  actor: Actor,
  db: Db,
  agentId: string,
  replicaId: string,
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace' })
  await db
    .updateTable('workspace_agents')
    .set({ disconnected_at: sql<Date>`greatest(now(), last_connected_at)` })
    .where('id', '=', agentId)
    .where('last_connected_replica_id', '=', replicaId)
    .execute()
}

/** Stores what an agent says of itself at its start (AC-72). @throws ApiError 403. */
export async function setStartup(
  actor: Actor,
  db: Db,
  agentId: string,
  startup: {
    readonly version: string
    readonly expandedDirectory: string
    readonly subsystems: readonly string[]
  },
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace' })
  await db
    .updateTable('workspace_agents')
    .set({
      version: startup.version,
      expanded_directory: startup.expandedDirectory,
      subsystems: [...new Set(startup.subsystems)].sort(),
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', agentId)
    .execute()
}

/** What came of the start scripts of an agent. */
export interface EndedStart {
  /** Undefined when their beginning is not known. */
  readonly seconds: number | undefined
  readonly succeeded: boolean
}

/**
 * Stores a lifecycle state with its times (AC-30, AC-31).
 *
 * @returns what came of its start scripts, when it is by this state that they are over.
 * @throws ApiError 403.
 */
export async function setLifecycle(
  actor: Actor,
  db: Db,
  agentId: string,
  state: AgentRow['lifecycle_state'],
  changedAt: Date,
): Promise<EndedStart | undefined> {
  authorize(actor, 'update', { type: 'workspace' })
  const times =
    state === 'starting'
      ? { started_at: changedAt, ready_at: null }
      : state === 'ready' || state === 'start_timeout' || state === 'start_error'
        ? { ready_at: changedAt, started_at: sql<Date>`coalesce(started_at, ${changedAt})` }
        : {}
  const row = await db
    .updateTable('workspace_agents')
    .from((from) =>
      from
        .selectFrom('workspace_agents')
        .select(['id', 'ready_at'])
        .where('id', '=', agentId)
        .forUpdate()
        .as('before'),
    )
    .set({ lifecycle_state: state, ...times, updated_at: sql<Date>`now()` })
    .whereRef('workspace_agents.id', '=', 'before.id')
    .returning([
      'before.ready_at as ready_before',
      'workspace_agents.started_at',
      'workspace_agents.ready_at',
    ])
    .executeTakeFirst()
  if (row === undefined || row.ready_before !== null || row.ready_at === null) return undefined
  const { started_at: start, ready_at: end } = row
  return {
    seconds: start === null ? undefined : Math.max(0, end.getTime() - start.getTime()) / 1_000,
    succeeded: state === 'ready',
  }
}
