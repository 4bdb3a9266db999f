export { agentHealth, agentStatus } from './agent-status.ts'
export { type AgentSurroundings, presentAgent, presentResource } from './present.ts'
export type { AgentRecord, ResourceRecord } from './store/record.ts'
export {
  deleteAgentsOfOtherBuilds,
  hashAgentToken,
  insertResources,
  listResources,
} from './store/resources.ts'
