import * as contract from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAgent } from '../edge/index.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import type { UsageRecorder } from '../usage/index.ts'
import { noteUse } from '../workspaces/index.ts'
import { AgentStats } from './agent-stats.ts'
import { manifestOf } from './manifest.ts'
import type { AgentMetadata } from './metadata.ts'
import { type OnAppStatus, reportAppStatus } from './report-app-status.ts'
import { storable } from './storable.ts'
import { findReadyBuild } from './store/agent-figures.ts'
import { setLifecycle, setStartup } from './store/agents.ts'
import {
  appendAgentLogs,
  EXTERNAL_LOG_SOURCE,
  insertLogSource,
  storeAppHealth,
  storeScriptTiming,
} from './store/reports.ts'
import type { AgentTunnels } from './tunnels.ts'

const system = systemActor('provisionerd', 'an agent reports of itself, whatever its owner may do')
const OK = { message: 'ok' }

/** What agents say of themselves, with their own token (AC §3.5, §4, §5). */
export function agentReportRoutes(
  context: AppContext,
  tunnels: AgentTunnels,
  metadata: AgentMetadata,
  usage: Pick<UsageRecorder, 'sessions'>,
  onAppStatus: OnAppStatus,
): BoundRoute[] {
  const db = context.database.db
  const stats = new AgentStats(context)
  const interval = Math.max(1, Math.round(context.config.agentStatsRefreshInterval / 1_000))
  return [
    forAgent(contract.getAgentManifest, ({ agent }) => manifestOf(context, agent)),
    forAgent(contract.openAgentTunnel, async ({ agent, upgrade }) => {
      await tunnels.adopt(agent.id, await upgrade())
      return undefined
    }),
    forAgent(contract.reportAgentStartup, async ({ agent, body }) => {
      await setStartup(system, db, agent.id, {
        version: body.version,
        expandedDirectory: storable(body.expanded_directory),
        subsystems: body.subsystems ?? [],
      })
      return OK
    }),
    forAgent(contract.reportAgentLifecycle, async ({ agent, body }) => {
      const at = body.changed_at === undefined ? context.clock.now() : new Date(body.changed_at)
      const start = await setLifecycle(system, db, agent.id, body.state, at)
      if (start !== undefined) {
        await stats.started(agent, start)
        const build = await findReadyBuild(system, db, agent.id)
        if (build !== undefined) context.buildMetrics.ready(build)
      }
      return OK
    }),
    forAgent(contract.reportAgentMetadata, async ({ agent, body }) => {
      metadata.report(agent.id, body.metadata)
      return OK
    }),
    forAgent(contract.reportAgentStats, async ({ agent, body }) => {
      const sessions = Object.values(body.session_counts).reduce((sum, count) => sum + count, 0)
      if (sessions > 0) await noteUse(context, agent.workspaceId)
      usage.sessions(agent.id, body.session_counts)
      await stats.sessions(agent, body.session_counts)
      return { report_interval_seconds: interval }
    }),
    forAgent(contract.reportAppHealth, async ({ agent, body }) => {
      await storeAppHealth(system, db, agent.id, body.updates)
      return OK
    }),
    forAgent(contract.patchAgentAppStatus, async ({ agent, body }) => {
      await reportAppStatus(context, agent, body, onAppStatus)
      return { message: 'App status updated.' }
    }),
    forAgent(contract.reportScriptCompleted, async ({ agent, body }) => {
      const [start, end] = [new Date(body.start), new Date(body.end)]
      if (start > end)
        throw badRequest('Validation failed.', {
          validations: [{ field: 'end', detail: 'must not be before start' }],
        })
      await storeScriptTiming(system, db, agent.id, {
        script_id: body.script_id,
        started_at: start,
        ended_at: end,
        exit_code: body.exit_code,
        stage: body.stage,
        status: body.status,
      })
      await stats.scriptRun(agent, body.status === 'ok')
      return OK
    }),
    forAgent(contract.createAgentLogSource, async ({ agent, body, reply }) => {
      const source = {
        id: body.id,
        displayName: storable(body.display_name ?? ''),
        icon: storable(body.icon ?? ''),
      }
      await insertLogSource(system, db, agent.id, source)
      reply.code(201)
      return {
        id: source.id,
        workspace_agent_id: agent.id,
        created_at: context.clock.now().toISOString(),
        display_name: source.displayName,
        icon: source.icon,
      }
    }),
    forAgent(contract.appendAgentLogs, async ({ agent, body }) => {
      if (body.logs.length === 0) throw badRequest('No logs provided.')
      const given = body.log_source_id ?? contract.NO_ID
      const source = given === contract.NO_ID ? EXTERNAL_LOG_SOURCE : given
      if (given === contract.NO_ID)
        await insertLogSource(system, db, agent.id, { id: source, displayName: 'External', icon: '' })
      const taken = await appendAgentLogs(
        system,
        db,
        agent.id,
        source,
        body.logs.map((line) => ({ level: line.level ?? 'info', output: line.output })),
      )
      if (!taken) throw new ApiError(413, 'Logs limit exceeded')
      return OK
    }),
  ]
}
