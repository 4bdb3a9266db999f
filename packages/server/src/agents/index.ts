export { countAgents } from './agent-gauges.ts'
export { agentRoutes } from './agent-routes.ts'
export { type AgentVisits, agentVisits, LOST, TUNNEL } from './agent-visits.ts'
export { type AgentCandidate, type AgentChoice, chooseAgent } from './choose-agent.ts'
export { AgentMetadata } from './metadata.ts'
export { relayRoutes } from './relay-routes.ts'
export { agentReportRoutes } from './report-routes.ts'
export { RightsWatch } from './rights-watch.ts'
export { storable } from './storable.ts'
export {
  type AgentRow,
  agentObject,
  filterMayStay,
  findAgentByToken,
  getAgent,
  listLatestAgents,
} from './store/agents.ts'
export { AgentTunnels } from './tunnels.ts'
