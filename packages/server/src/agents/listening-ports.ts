import type { WorkspaceAgentListeningPort } from '@slipway/contract'
import type { TunnelClient } from '@slipway/tunnel'
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

const TIMEOUT_MS = 30_000
/** More than a workspace with thousands of listeners; an agent may send anything. */
const MAX_ANSWER_BYTES = 1024 * 1024

/**
 * The ports that an agent reports, without those that its apps declare and those that speak no HTTP.
 *
 * @throws ApiError 502 when the agent fails or sends what cannot be read, 504 when it does not answer in time.
 */
export async function listeningPorts(
  context: AppContext,
  agent: AgentRow,
  tunnel: TunnelClient,
): Promise<WorkspaceAgentListeningPort[]> {
  const report = await ask(tunnel)
  const resources = await listResources(
    systemActor(
      'provisionerd',
      'resources of a build have no owner of their own; the agent was read as the caller',
    ),
    context.database.db,
    [agent.job_id],
  )
  const declared = new Set(
    resources
      .flatMap((resource) => resource.agents)
      .flatMap((one) => one.apps)
      .flatMap((app) => (app.url === null || !URL.canParse(app.url) ? [] : [new URL(app.url).port])),
  )
  return parse(report).filter((entry) => !NO_HTTP.has(entry.port) && !declared.has(String(entry.port)))
}

async function ask(tunnel: TunnelClient): Promise<string> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const answer = await tunnel.request({ method: 'GET', path: '/api/v0/listening-ports', signal })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of answer.body) {
      const bytes = Buffer.from(chunk)
      size += bytes.length
      if (size > MAX_ANSWER_BYTES) throw unreadable()
      chunks.push(bytes)
    }
    const body = Buffer.concat(chunks).toString('utf8')
    if (answer.status === 200) return body
    throw new ApiError(502, 'The agent could not list its ports.', { detail: body.slice(0, 1_000) })
  } catch (error) {
    if (error instanceof ApiError) throw error
    if (signal.aborted) throw new ApiError(504, 'The agent did not list its ports in time. Try again.')
    throw new ApiError(502, 'The agent could not be asked for its ports. Try again.', { cause: error })
  }
}

function unreadable(): ApiError {
  return new ApiError(502, 'The agent sent a list of ports that cannot be read.')
}

function parse(report: string): WorkspaceAgentListeningPort[] {
  let value: unknown
  try {
    value = JSON.parse(report)
  } catch {
    throw unreadable()
  }
  if (typeof value !== 'object' || value === null || !('ports' in value) || !Array.isArray(value.ports))
    throw unreadable()
  return value.ports.flatMap(
    (entry: { process_name?: unknown; network?: unknown; port?: unknown } | null) => {
      const port = Number(entry?.port)
      if (!Number.isInteger(port) || port < 1 || port > 65_535) return []
      return [
        { process_name: String(entry?.process_name ?? ''), network: String(entry?.network ?? 'tcp'), port },
      ]
    },
  )
}
