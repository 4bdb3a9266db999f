import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import type { McpServers } from './mcp-servers.ts'
import { listEnabledConfigs } from './store/configs.ts'
import { listHealth, tryHealthLock } from './store/health.ts'

const EVERY_MS = 5 * 60_000
/** What was looked at or used within this time is not looked at again. */
const FRESH_MS = 4 * 60_000
const AT_ONCE = 4

const actor = systemActor('chatd', 'the health of MCP servers is known before a chat needs them')

/**
 * Looks at the MCP servers that are on: every five minutes, one replica at a time, and only at those that nobody has
 * used since. Where users connect with their own accounts it sees whether the server asks for one.
 */
export class McpHealthChecks implements AsyncDisposable {
  readonly #context: AppContext
  readonly #servers: McpServers
  readonly #closed = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void>

  constructor(context: AppContext, servers: McpServers) {
    this.#context = context
    this.#servers = servers
    this.#round = this.#run()
  }

  async #run(): Promise<void> {
    try {
      await labelled('mcp-health', () => this.#look())
    } catch (error) {
      if (this.#closed.signal.aborted) return
      this.#context.log.error('MCP servers could not be looked at', { error: describeError(error) })
    }
    if (!this.#closed.signal.aborted)
      this.#timer = setTimeout(() => {
        this.#round = this.#run()
      }, EVERY_MS).unref()
  }

  async #look(): Promise<void> {
    const { database, clock } = this.#context
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
        if (this.#closed.signal.aborted) return
        await this.#servers.look(config, this.#closed.signal)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Error('the server ends'))
    clearTimeout(this.#timer)
    await this.#round
    clearTimeout(this.#timer)
  }
}
