export { agentHealth } from './agent-health.ts'
export { type AgentSurroundings, presentAgent, presentAppStatus, presentResource } from './present.ts'
export type { AgentRecord, AppStatusRecord, ResourceRecord } from './store/record.ts'
export {
  deleteAgentsOfOtherBuilds,
  hashAgentToken,
  insertResources,
  listResources,
} from './store/resources.ts'
