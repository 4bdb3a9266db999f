import type { DeploymentStats as Stats } from '@slipway/contract'
import { type Actor, authorize, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { countWorkspaces, sumRecentUse } from './store.ts'

const reader = systemActor(
  'usage_tracker',
  'the figures of the deployment are counted for whoever may see them',
)
const WINDOW_MS = 15 * 60_000
/** However short the interval is said to be. */
const MIN_PAUSE_MS = 1_000

/**
 * What goes on in the deployment, counted in the background, so that whoever asks costs the database nothing (OP-12, L-1).
 */
export class DeploymentStats implements AsyncDisposable {
  readonly #context: AppContext
  readonly #pauseMs: number
  readonly #job: PeriodicJob
  #latest: Stats | undefined

  constructor(context: AppContext) {
    this.#context = context
    this.#pauseMs = Math.max(MIN_PAUSE_MS, context.config.agentStatsRefreshInterval)
    this.#job = new PeriodicJob(context, {
      service: 'usage',
      pauseMs: this.#pauseMs,
      failure: 'the figures of the deployment could not be counted',
      round: () => this.#count(),
    })
  }

  async #count(): Promise<void> {
    const { clock, database } = this.#context
    const now = clock.now()
    const from = new Date(now.getTime() - WINDOW_MS)
    const workspaces = await countWorkspaces(reader, database.db)
    const { vscode, ssh, jetbrains, reconnecting_pty, p50, p95, rx_bytes, tx_bytes } = await sumRecentUse(
      reader,
      database.db,
      from,
    )
    this.#latest = {
      aggregated_from: from.toISOString(),
      collected_at: now.toISOString(),
      next_update_at: new Date(now.getTime() + this.#pauseMs).toISOString(),
      workspaces: { ...workspaces, connection_latency_ms: { P50: p50, P95: p95 }, rx_bytes, tx_bytes },
      session_count: { vscode, ssh, jetbrains, reconnecting_pty },
    }
  }

  /** @throws ApiError 403 without `deployment_stats:read`; 400 before they were counted for the first time. */
  read(actor: Actor): Stats {
    authorize(actor, 'read', { type: 'deployment_stats' })
    if (this.#latest === undefined) throw badRequest('Deployment stats are still processing!')
    return this.#latest
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#job[Symbol.asyncDispose]()
  }
}
