import { NEVER, type Workspace, type WorkspaceAgentMetadata } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { listMetadataOfAgents } from './store/agent-metadata.ts'

const parts = systemActor('provisionerd', 'metadata of agents whose workspaces were listed as the caller')

/**
 * Adds to every agent its metadata under these keys, without the scripts (WS-151). The list is worth more than
 * the metadata: when that cannot be read, the list goes without.
 */
export async function includeMetadata(
  context: AppContext,
  workspaces: readonly Workspace[],
  keys: readonly string[],
): Promise<readonly Workspace[]> {
  if (keys.length === 0) return workspaces
  const agents = workspaces.flatMap((one) => one.latest_build.resources).flatMap((one) => one.agents ?? [])
  try {
    const rows = await listMetadataOfAgents(
      parts,
      context.database.db,
      agents.map((agent) => agent.id),
      keys,
    )
    const now = context.clock.now().getTime()
    for (const agent of agents)
      agent.metadata = rows
        .filter((row) => row.workspace_agent_id === agent.id)
        .map(
          (row): WorkspaceAgentMetadata => ({
            description: {
              display_name: row.display_name,
              key: row.key,
              script: '',
              interval: Math.round(row.interval_ns / 1_000_000_000),
              timeout: Math.round(row.timeout_ns / 1_000_000_000),
            },
            result: {
              collected_at: row.collected_at?.toISOString() ?? NEVER,
              age:
                row.collected_at === null
                  ? 0
                  : Math.max(0, Math.round((now - row.collected_at.getTime()) / 1000)),
              value: row.value,
              error: row.error,
            },
          }),
        )
  } catch (error) {
    context.log.warn('metadata of listed agents could not be read', { error: describeError(error) })
  }
  return workspaces
}
