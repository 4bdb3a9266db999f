import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import type { McpServers } from './mcp-servers.ts'
import { listEnabledConfigs } from './store/configs.ts'
import { listHealth, tryHealthLock } from './store/health.ts'

const PAUSE_MS = 5 * 60_000
/** What was looked at or used within this time is not looked at again. */
const FRESH_MS = 4 * 60_000
const AT_ONCE = 4

const actor = systemActor('chatd', 'the health of MCP servers is known before a chat needs them')

/**
 * Looks at the MCP servers that are on: every five minutes, one replica at a time, and only at those that nobody has
 * used since. Where users connect with their own accounts it sees whether the server asks for one.
 */
export function mcpHealthJob(context: AppContext, servers: McpServers): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'mcp-health',
    pauseMs: PAUSE_MS,
    failure: 'MCP servers could not be looked at',
    round: (closing) => lookAtServers(context, servers, closing),
  })
}

async function lookAtServers(context: AppContext, servers: McpServers, closing: AbortSignal): Promise<void> {
  const { database, clock } = context
  const due = await database.transaction(async (tx) => {
    if (!(await tryHealthLock(actor, tx))) return []
    const configs = await listEnabledConfigs(actor, tx, 'all')
    const known = await listHealth(actor, tx, configs)
    const fresh = clock.now().getTime() - FRESH_MS
    return configs.filter(({ id }) => (known.get(id)?.checked_at.getTime() ?? 0) < fresh)
  })
  const waiting = due.values()
  const work = async (): Promise<void> => {
    for (const config of waiting) {
      if (closing.aborted) return
      await servers.look(config, closing)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}
