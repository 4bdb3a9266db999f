import type { WorkspaceAgentListeningPort } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { listResources } from '../resources/index.ts'
import type { AgentRow } from './store/agents.ts'

/** Well-known ports that speak no HTTP (chapter 07 section 6). */
const NO_HTTP = new Set([
  20, 21, 22, 23, 25, 53, 110, 143, 179, 389, 465, 587, 636, 989, 990, 993, 995, 3306, 3389, 5432, 27017,
  27018, 27019, 28017,
])

/**
 * The ports that an agent has reported, without those that its apps declare and those that speak no HTTP.
 *
 * @throws ApiError 502 when the report cannot be read.
 */
export async function listeningPorts(
  context: AppContext,
  agent: AgentRow,
  report: string,
): Promise<WorkspaceAgentListeningPort[]> {
  const resources = await listResources(systemActor('provisionerd'), context.database.db, [agent.job_id])
  const declared = new Set(
    resources
      .flatMap((resource) => resource.agents)
      .flatMap((one) => one.apps)
      .flatMap((app) => (app.url === null || !URL.canParse(app.url) ? [] : [new URL(app.url).port])),
  )
  return parse(report).filter((entry) => !NO_HTTP.has(entry.port) && !declared.has(String(entry.port)))
}

function parse(report: string): WorkspaceAgentListeningPort[] {
  const value: unknown = JSON.parse(report)
  if (typeof value !== 'object' || value === null || !('ports' in value) || !Array.isArray(value.ports))
    throw new ApiError(502, 'The agent sent a list of ports that cannot be read.')
  return value.ports.map((entry: { process_name?: unknown; network?: unknown; port?: unknown }) => ({
    process_name: String(entry.process_name ?? ''),
    network: String(entry.network ?? 'tcp'),
    port: Number(entry.port ?? 0),
  }))
}
