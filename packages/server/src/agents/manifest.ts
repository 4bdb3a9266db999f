import type { AgentManifest, ManifestSecret } from '@slipway/contract'
import { isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { AgentCaller } from '../edge/index.ts'
import { notFound } from '../errors/index.ts'
import { countGitProviders } from '../external-auth/index.ts'
import { listResources } from '../resources/index.ts'
import { enabledSecretsOf } from '../user-secrets/index.ts'
import { findTaskOfAgent } from './store/app-statuses.ts'
import { listMetadata } from './store/reports.ts'

const NS_PER_SECOND = 1_000_000_000

/** What an agent needs to know of itself (AC-70). @throws ApiError 404 when it was deleted meanwhile. */
export async function manifestOf(context: AppContext, caller: AgentCaller): Promise<AgentManifest> {
  const system = systemActor('provisionerd', 'the parts of a build that its own agent runs')
  const db = context.database.db
  const resources = await listResources(system, db, [caller.jobId])
  const agent = resources.flatMap((resource) => resource.agents).find((one) => one.id === caller.id)
  if (agent === undefined) throw notFound()
  const metadata = await listMetadata(system, db, caller.id)
  const task = await findTaskOfAgent(system, db, caller.id)
  return {
    agent_id: caller.id,
    agent_name: caller.name,
    owner_id: caller.ownerId,
    owner_username: caller.ownerUsername,
    workspace_id: caller.workspaceId,
    workspace_name: caller.workspaceName,
    git_auth_configs: countGitProviders(context.config.externalAuthProviders),
    vs_code_port_proxy_uri: portProxyUri(context, caller),
    motd_file: agent.motd_file,
    directory: agent.directory,
    environment_variables: texts(agent.environment_variables),
    disable_direct_connections: true,
    apps: agent.apps.map((app) => ({
      id: app.id,
      slug: app.slug,
      url: app.url ?? '',
      healthcheck: {
        url: app.healthcheck_url,
        interval: app.healthcheck_interval,
        threshold: app.healthcheck_threshold,
      },
      health: app.health,
    })),
    scripts: agent.scripts.map((script) => ({
      id: script.id,
      log_source_id: script.log_source_id,
      log_path: script.log_path,
      display_name: script.display_name,
      script: script.script,
      cron: script.cron,
      start_blocks_login: script.start_blocks_login,
      run_on_start: script.run_on_start,
      run_on_stop: script.run_on_stop,
      timeout: script.timeout_seconds,
    })),
    metadata: metadata.map((item) => ({
      key: item.key,
      display_name: item.display_name,
      script: item.script,
      interval: Math.round(item.interval_ns / NS_PER_SECOND),
      timeout: Math.round(item.timeout_ns / NS_PER_SECOND),
    })),
    secrets: await secretsFor(context, caller),
    ...(task === undefined ? {} : { task: { id: task.id, app_url: task.url ?? '' } }),
  }
}

/** Secrets of the owner; an agent that its template keeps from its owner's data gets none. */
async function secretsFor(context: AppContext, caller: AgentCaller): Promise<ManifestSecret[]> {
  const { actor, ownerId } = caller
  if (!isAllowed(actor, 'read_personal', { type: 'user', id: ownerId, owner: ownerId })) return []
  const secrets = await enabledSecretsOf(context, caller)
  return secrets.map(({ envName, filePath, value }) => ({ env_name: envName, file_path: filePath, value }))
}

function portProxyUri(context: AppContext, caller: AgentCaller): string {
  const pattern = context.config.wildcardAccessUrl
  if (pattern === '') return ''
  const label = `{{port}}--${caller.name}--${caller.workspaceName}--${caller.ownerUsername}`
  return `${new URL(context.accessUrl()).protocol}//${pattern.replace('*', label)}`
}

function texts(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, String(entry)]))
}
