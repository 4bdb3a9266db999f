import { sql } from 'kysely'

import { type Actor, authorize, PREBUILDS_USER } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { AgentRow } from './agents.ts'

/** How series name an agent. */
export interface AgentNames {
  readonly agent_name: string
  readonly username: string
  readonly workspace_name: string
  readonly template_name: string
}

/** An agent of the latest build of its workspace, and its apps. */
export interface AgentFigures extends AgentNames {
  readonly id: string
  readonly version_name: string
  readonly lifecycle_state: AgentRow['lifecycle_state']
  readonly status: AgentRow['status']
  readonly apps: readonly { readonly slug: string; readonly health: string }[]
}

/** All agents of the latest builds, with one statement (AC-33). @throws ApiError 403 without `workspace:read`. */
export async function listAgentFigures(actor: Actor, db: Db): Promise<AgentFigures[]> {
  authorize(actor, 'read', { type: 'workspace' })
  // The database makes texts in half the time that objects take, and there are many of them.
  const { rows } = await sql<Omit<AgentFigures, 'apps'> & { readonly apps: readonly string[] }>`
    select a.id, a.name as agent_name, u.username, w.name as workspace_name, t.name as template_name,
           v.name as version_name, a.lifecycle_state, agent_status(a) as status,
           array(select p.health || ' ' || p.slug from workspace_apps p where p.agent_id = a.id) as apps
      from workspaces w
     cross join lateral (
       select n.job_id, n.template_version_id from workspace_builds n
        where n.workspace_id = w.id order by n.build_number desc limit 1) b
      join workspace_resources r on r.job_id = b.job_id
      join workspace_agents a on a.resource_id = r.id and not a.deleted
      join users u on u.id = w.owner_id
      join templates t on t.id = w.template_id
      join template_versions v on v.id = b.template_version_id
     where not w.deleted`.execute(db)
  return rows.map((row) => ({ ...row, apps: row.apps.map(appOf) }))
}

function appOf(text: string): AgentFigures['apps'][number] {
  const end = text.indexOf(' ')
  return { health: text.slice(0, end), slug: text.slice(end + 1) }
}

/** How series name this agent; undefined when it is gone. @throws ApiError 403 without `workspace:read`. */
export async function findAgentNames(actor: Actor, db: Db, agentId: string): Promise<AgentNames | undefined> {
  authorize(actor, 'read', { type: 'workspace' })
  return db
    .selectFrom('agents_with_workspace as a')
    .innerJoin('templates as t', 't.id', 'a.template_id')
    .select([
      'a.name as agent_name',
      'a.owner_username as username',
      'a.workspace_name',
      't.name as template_name',
    ])
    .where('a.id', '=', agentId)
    .executeTakeFirst()
}

/** A build whose agents, but those inside others, have all run their start scripts. */
export interface ReadyBuild {
  readonly templateName: string
  readonly organizationName: string
  readonly transition: string
  readonly isPrebuild: boolean
  readonly status: 'success' | 'timeout' | 'error'
  /** Since the build was asked for. */
  readonly seconds: number
}

/**
 * The build of an agent whose start scripts are over (AC-32); undefined for an agent inside another one, and while others
 * of the build still start.
 *
 * @throws ApiError 403 without `workspace:read`.
 */
export async function findReadyBuild(actor: Actor, db: Db, agentId: string): Promise<ReadyBuild | undefined> {
  authorize(actor, 'read', { type: 'workspace' })
  const { rows } = await sql<ReadyBuild>`
    select t.name as "templateName", g.name as "organizationName", a.build_transition as transition,
           b.initiator_id = ${PREBUILDS_USER}::uuid as "isPrebuild",
           case when every_one.failed then 'error' when every_one.late then 'timeout' else 'success' end as status,
           extract(epoch from now() - b.created_at)::float8 as seconds
      from agents_with_workspace a
      join workspace_builds b on b.id = a.build_id
      join templates t on t.id = a.template_id
      join organizations g on g.id = a.organization_id
     cross join lateral (
       select bool_and(o.ready_at is not null) as ready, bool_or(o.lifecycle_state = 'start_error') as failed,
              bool_or(o.lifecycle_state = 'start_timeout') as late
         from workspace_resources r join workspace_agents o on o.resource_id = r.id
        where r.job_id = a.job_id and o.parent_id is null and not o.deleted) every_one
     where a.id = ${agentId}::uuid and a.parent_id is null and every_one.ready`.execute(db)
  return rows[0]
}
