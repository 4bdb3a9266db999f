import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

import type { AppContext } from '../context.ts'
import { CHATD } from './chatd.ts'
import { countWaiting, type Pool } from './store/leases.ts'

/** Names of tools that get a series of their own; all others count as one. */
const MAX_TOOL_NAMES = 100
const BYTES = [1, 4, 16, 64, 256, 1024, 4096, 16_384].map((kib) => kib * 1024)

/** What runs of chats count (CH-1704). */
export class GenerationMetrics {
  readonly messages: Histogram
  readonly promptBytes: Histogram
  readonly firstToken: Histogram
  readonly steps: Counter
  readonly compactions: Counter
  readonly resultBytes: Histogram
  readonly truncated: Counter
  readonly #toolErrors: Counter
  readonly retries: Counter
  readonly #toolNames = new Set<string>()

  /** @param active tells how many chats this replica works on. */
  constructor(context: Pick<AppContext, 'metrics' | 'database'>, active: () => ReadonlyMap<Pool, number>) {
    const registers: Registry[] = [context.metrics]
    const model = ['provider', 'model']
    this.messages = new Histogram({
      name: 'coderd_chatd_message_count',
      help: 'Messages that a model was told.',
      labelNames: model,
      buckets: [1, 3, 10, 30, 100, 300, 1000, 3000],
      registers,
    })
    this.promptBytes = new Histogram({
      name: 'coderd_chatd_prompt_size_bytes',
      help: 'Size of requests to models.',
      labelNames: model,
      buckets: BYTES,
      registers,
    })
    this.firstToken = new Histogram({
      name: 'coderd_chatd_ttft_seconds',
      help: 'Time from a request to a model to the first piece of its answer.',
      labelNames: model,
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64],
      registers,
    })
    this.steps = new Counter({
      name: 'coderd_chatd_steps_total',
      help: 'Answers of models.',
      labelNames: model,
      registers,
    })
    this.compactions = new Counter({
      name: 'coderd_chatd_compaction_total',
      help: 'Conversations that were summarized.',
      labelNames: [...model, 'result'],
      registers,
    })
    this.resultBytes = new Histogram({
      name: 'coderd_chatd_tool_result_size_bytes',
      help: 'Size of results of tools, before they are shortened.',
      buckets: BYTES,
      registers,
    })
    this.truncated = new Counter({
      name: 'coderd_chatd_tool_result_truncated_total',
      help: 'Results of tools that were shortened.',
      registers,
    })
    this.#toolErrors = new Counter({
      name: 'coderd_chatd_tool_errors_total',
      help: 'Calls of tools that failed.',
      labelNames: [...model, 'tool_name'],
      registers,
    })
    this.retries = new Counter({
      name: 'coderd_chatd_stream_retries_total',
      help: 'Requests to models that failed and are made again.',
      labelNames: [...model, 'kind'],
      registers,
    })
    gaugesOf(context, active)
  }

  /** A call of a tool has failed. */
  toolFailed(provider: string, model: string, toolName: string): void {
    if (!this.#toolNames.has(toolName) && this.#toolNames.size < MAX_TOOL_NAMES) this.#toolNames.add(toolName)
    const name = this.#toolNames.has(toolName) ? toolName : 'other'
    this.#toolErrors.inc({ provider, model, tool_name: name })
  }
}

/** How old what is shown of the database may be, in milliseconds: whoever reads the metrics often costs nothing. */
const COUNTED_MS = 15_000

function gaugesOf(
  context: Pick<AppContext, 'metrics' | 'database'>,
  active: () => ReadonlyMap<Pool, number>,
): void {
  const registers: Registry[] = [context.metrics]
  let counted: { readonly at: number; readonly rows: ReturnType<typeof countWaiting> } | undefined
  const rows = (): ReturnType<typeof countWaiting> => {
    if (counted === undefined || performance.now() - counted.at > COUNTED_MS)
      counted = { at: performance.now(), rows: countWaiting(CHATD, context.database.db).catch(() => []) }
    return counted.rows
  }
  new Gauge({
    name: 'coderd_chatd_agents_active',
    help: 'Chats that this replica works on.',
    labelNames: ['pool'],
    registers,
    collect() {
      for (const pool of ['root', 'subagent'] as const) this.set({ pool }, active().get(pool) ?? 0)
    },
  })
  new Gauge({
    name: 'coderd_chatd_agents_queued_for_capacity',
    help: 'Chats of the deployment that wait for a worker; take the greatest of all replicas.',
    labelNames: ['pool'],
    registers,
    async collect() {
      const all = await rows()
      for (const pool of ['root', 'subagent'] as const)
        this.set(
          { pool },
          all.filter((row) => row.pool === pool).reduce((sum, row) => sum + row.n, 0),
        )
    },
  })
}
