import { createHash, randomUUID } from 'node:crypto'

import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { Agent, Resource } from '../../provisioning/index.ts'
import type { AgentRecord, ResourceRecord } from './record.ts'

/**
 * Stores what a job has found or made. Agents are stored only where `withAgents` says so: stop and delete
 * builds leave none behind, whatever their state still names (WS-33, PR-49).
 *
 * @throws ApiError 403 without `system:create`.
 */
export async function insertResources(
  actor: Actor,
  tx: Db,
  jobId: string,
  transition: 'start' | 'stop' | 'delete',
  resources: readonly Resource[],
  withAgents: boolean,
): Promise<void> {
  authorize(actor, 'update', { type: 'provisioner_jobs' })
  for (const resource of resources) {
    const { id } = await tx
      .insertInto('workspace_resources')
      .values({
        job_id: jobId,
        transition,
        type: resource.type,
        name: resource.name,
        hide: resource.hide,
        icon: resource.icon,
        instance_type: resource.instanceType,
        daily_cost: resource.dailyCost,
        // PR-52: items without a value are not stored.
        metadata: JSON.stringify(resource.metadata.filter((item) => item.value !== null)),
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    if (withAgents) for (const agent of resource.agents) await insertAgent(tx, id, agent)
  }
}

async function insertAgent(tx: Db, resourceId: string, agent: Agent): Promise<void> {
  // An import plans agents without tokens; nobody will ever hold theirs.
  const token = agent.auth.type === 'token' && agent.auth.token !== '' ? agent.auth.token : randomUUID()
  const { id } = await tx
    .insertInto('workspace_agents')
    .values({
      ...(agent.id === '' ? {} : { id: agent.id }),
      resource_id: resourceId,
      name: agent.name,
      auth_token_hash: hashAgentToken(token),
      auth_instance_id: agent.auth.type === 'instance-id' ? agent.auth.instanceId : null,
      architecture: agent.architecture,
      operating_system: agent.operatingSystem,
      environment_variables: JSON.stringify(
        Object.fromEntries(agent.env.map((entry) => [entry.name, entry.value])),
      ),
      directory: agent.directory,
      motd_file: agent.motdFile,
      connection_timeout_seconds: agent.connectionTimeoutSeconds,
      troubleshooting_url: agent.troubleshootingUrl,
      display_apps: [...agent.displayApps],
      display_order: agent.order,
      api_key_scope: agent.apiKeyScope,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  for (const script of agent.scripts) {
    const logSourceId = randomUUID()
    await tx
      .insertInto('workspace_agent_log_sources')
      .values({
        workspace_agent_id: id,
        id: logSourceId,
        display_name: script.displayName,
        icon: script.icon,
      })
      .execute()
    await tx
      .insertInto('workspace_agent_scripts')
      .values({
        workspace_agent_id: id,
        log_source_id: logSourceId,
        log_path: script.logPath,
        display_name: script.displayName,
        icon: script.icon,
        script: script.script,
        cron: script.cron,
        start_blocks_login: script.startBlocksLogin,
        run_on_start: script.runOnStart,
        run_on_stop: script.runOnStop,
        timeout_seconds: script.timeoutSeconds,
      })
      .execute()
  }
  if (agent.metadata.length > 0)
    await tx
      .insertInto('workspace_agent_metadata')
      .values(
        agent.metadata.map((item) => ({
          workspace_agent_id: id,
          key: item.key,
          display_name: item.displayName,
          script: item.script,
          interval_ns: item.intervalSeconds * 1e9,
          timeout_ns: item.timeoutSeconds * 1e9,
          display_order: item.order,
        })),
      )
      .execute()
  if (agent.apps.length > 0)
    await tx
      .insertInto('workspace_apps')
      .values(
        agent.apps.map((app) => ({
          ...(app.id === '' ? {} : { id: app.id }),
          agent_id: id,
          slug: app.slug,
          display_name: app.displayName,
          icon: app.icon,
          command: app.command,
          url: app.url,
          external: app.external,
          subdomain: app.subdomain,
          sharing_level: app.share,
          healthcheck_url: app.healthcheck?.url ?? '',
          healthcheck_interval: app.healthcheck?.intervalSeconds ?? 0,
          healthcheck_threshold: app.healthcheck?.threshold ?? 0,
          health: app.healthcheck === null ? ('disabled' as const) : ('initializing' as const),
          display_order: app.order,
          display_group: app.group === '' ? null : app.group,
          hidden: app.hidden,
          open_in: app.openIn,
          tooltip: app.tooltip,
        })),
      )
      .execute()
}

/** What is stored of an agent token (AC-301). */
export function hashAgentToken(token: string): Buffer {
  return createHash('sha256').update(token.toLowerCase()).digest()
}

/** Marks the agents of all builds of a workspace but the given one as deleted (WS-33, AC-8). @throws ApiError 403. */
export async function deleteAgentsOfOtherBuilds(
  actor: Actor,
  tx: Db,
  workspaceId: string,
  keepJobId: string | undefined,
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace' })
  await sql`
    update workspace_agents a set deleted = true, updated_at = now()
      from workspace_resources r join workspace_builds b on b.job_id = r.job_id
     where a.resource_id = r.id and b.workspace_id = ${workspaceId}::uuid and not a.deleted
       and r.job_id is distinct from ${keepJobId ?? null}::uuid`.execute(tx)
}

/** So many reports of an app are shown at most, the newest. */
const SHOWN_STATUSES = sql.lit(50)

/** JSON of the agents of resource `r`; one expression, so that lists stay one statement. */
const AGENTS = sql<AgentRecord[]>`coalesce((
  select jsonb_agg((to_jsonb(a) - 'auth_token_hash') || jsonb_build_object(
           'status', agent_status(a),
           'apps', coalesce((select jsonb_agg(to_jsonb(p) || jsonb_build_object('statuses', coalesce((
                        select jsonb_agg(to_jsonb(s)) from (
                          select * from workspace_app_statuses one where one.app_id = p.id
                           order by one.created_at desc, one.id limit ${SHOWN_STATUSES}) s), '[]'))
                        order by p.display_order, p.slug)
                      from workspace_apps p where p.agent_id = a.id), '[]'),
           'scripts', coalesce((select jsonb_agg(to_jsonb(s) || coalesce((
                        select jsonb_build_object('exit_code', t.exit_code, 'status', t.status)
                          from workspace_agent_script_timings t where t.script_id = s.id
                         order by t.started_at desc limit 1), '{}') order by s.display_name, s.id)
                      from workspace_agent_scripts s where s.workspace_agent_id = a.id), '[]'),
           'log_sources', coalesce((select jsonb_agg(to_jsonb(l) order by l.created_at, l.id)
                      from workspace_agent_log_sources l where l.workspace_agent_id = a.id), '[]'))
         order by a.display_order, lower(a.name), a.name, a.id)
    from workspace_agents a where a.resource_id = r.id and not a.deleted), '[]')`

/**
 * Resources with agents, apps and scripts of these jobs, in one statement; the caller has checked that the
 * reader may see what the jobs belong to (WS-188).
 *
 * @throws ApiError 403 without `system:read`.
 */
export async function listResources(
  actor: Actor,
  db: Db,
  jobIds: readonly string[],
): Promise<ResourceRecord[]> {
  authorize(actor, 'read', { type: 'provisioner_jobs' })
  if (jobIds.length === 0) return []
  return db
    .selectFrom('workspace_resources as r')
    .selectAll('r')
    .select(AGENTS.as('agents'))
    .where(sql<boolean>`r.job_id = any(${[...jobIds]}::uuid[])`)
    .orderBy(
      sql`coalesce((select min(a.display_order) from workspace_agents a where a.resource_id = r.id), 2147483647)`,
    )
    .orderBy('r.name')
    .execute()
}
