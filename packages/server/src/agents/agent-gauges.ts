import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { addGauge, databaseFigures } from '../metrics/index.ts'
import { type AgentFigures, listAgentFigures } from './store/agent-figures.ts'
import type { AgentTunnels } from './tunnels.ts'

const actor = systemActor('provisionerd', 'operators are told how agents are')
/** What stands for the relay of an agent: it is always the server itself. */
const REGION = { derp_region: 'Slipway', preferred: 'true' }
const WORKSPACE = ['agent_name', 'username', 'workspace_name'] as const

/**
 * Adds to the metrics how the agents of the latest builds are (AC-33), where a scraper is expected (OP-80). Every replica
 * tells the same of the whole deployment, but of the distance only to the agents that are connected to it.
 */
export function countAgents(
  context: Pick<AppContext, 'clock' | 'config' | 'database' | 'log' | 'metrics'>,
  tunnels: Pick<AgentTunnels, 'roundTripSeconds'>,
): void {
  if (!context.config.prometheusEnable) return
  const read = databaseFigures(context, () => listAgentFigures(actor, context.database.db))
  addGauge(
    context.metrics,
    {
      name: 'coderd_agents_up',
      help: 'Agents of a workspace, whether they are connected or not.',
      labelNames: ['template_name', 'template_version', 'username', 'workspace_name'],
    },
    read,
    (agents, gauge) => {
      for (const { template_name, version_name: template_version, username, workspace_name } of agents)
        gauge.inc({ template_name, template_version, username, workspace_name })
    },
  )
  addGauge(
    context.metrics,
    {
      name: 'coderd_agents_connections',
      help: 'Agents by their connection.',
      labelNames: [...WORKSPACE, 'lifecycle_state', 'status', 'tailnet_node'],
    },
    read,
    (agents, gauge) => {
      for (const agent of agents) {
        const { lifecycle_state, status } = agent
        // Agents connect to the server itself, and are nodes of no other network.
        gauge.set({ ...namesOf(agent), lifecycle_state, status, tailnet_node: 'unknown' }, 1)
      }
    },
  )
  addGauge(
    context.metrics,
    {
      name: 'coderd_agents_connection_latencies_seconds',
      help: 'Time to an agent and back.',
      labelNames: [...WORKSPACE, 'derp_region', 'preferred'],
    },
    read,
    (agents, gauge) => {
      for (const agent of agents) {
        const seconds = tunnels.roundTripSeconds(agent.id)
        if (seconds !== undefined) gauge.set({ ...namesOf(agent), ...REGION }, seconds)
      }
    },
  )
  addGauge(
    context.metrics,
    {
      name: 'coderd_agents_apps',
      help: 'Apps of agents by their health.',
      labelNames: [...WORKSPACE, 'app_name', 'health'],
    },
    read,
    (agents, gauge) => {
      for (const agent of agents)
        for (const { slug: app_name, health } of agent.apps)
          gauge.set({ ...namesOf(agent), app_name, health }, 1)
    },
  )
}

function namesOf({ agent_name, username, workspace_name }: AgentFigures) {
  return { agent_name, username, workspace_name }
}
