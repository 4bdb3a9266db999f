import { Counter, Histogram, type Registry } from 'prom-client'

/** Why values were lost: too many waited, too many waited after a write that failed, or an agent has too long keys. */
type DropReason = 'queue_full' | 'not_stored' | 'keys_too_long'

/** What operators see of the queue of agent metadata (OP-81, AC-312). */
export class MetadataMetrics {
  readonly #batchSize: Histogram
  readonly #perAgent: Histogram
  readonly #batches: Counter<'reason'>
  readonly #seconds: Histogram<'reason'>
  readonly #flushed: Counter
  readonly #droppedKeys: Counter
  readonly #dropped: Counter<'reason'>

  constructor(registry: Registry) {
    const registers = [registry]
    const name = (end: string): string => `coderd_agentapi_metadata_${end}`
    this.#batchSize = new Histogram({
      name: name('batch_size'),
      help: 'Values that were written at once.',
      buckets: [1, 10, 30, 100, 300, 1_000, 3_000, 10_000],
      registers,
    })
    this.#perAgent = new Histogram({
      name: name('batch_utilization'),
      help: 'Values of one agent that were written at once.',
      buckets: [1, 3, 5, 10, 15, 20, 25],
      registers,
    })
    this.#batches = new Counter({
      name: name('batches_total'),
      help: 'Times that values were written.',
      labelNames: ['reason'],
      registers,
    })
    this.#seconds = new Histogram({
      name: name('flush_duration_seconds'),
      help: 'How long it took to write values.',
      labelNames: ['reason'],
      registers,
    })
    this.#flushed = new Counter({ name: name('flushed_total'), help: 'Values that were written.', registers })
    this.#droppedKeys = new Counter({
      name: name('dropped_keys_total'),
      help: 'Values that were lost because too many waited.',
      registers,
    })
    this.#dropped = new Counter({
      name: 'slipway_agent_metadata_dropped_total',
      help: 'Values of agent metadata that were lost, by the reason.',
      labelNames: ['reason'],
      registers,
    })
  }

  /** Values are written. @returns what to call when they are. */
  flushing(
    taken: ReadonlyMap<string, { readonly size: number }>,
    count: number,
    reason: 'scheduled' | 'shutdown',
  ): () => void {
    const measured = this.#seconds.startTimer({ reason })
    this.#batchSize.observe(count)
    for (const { size } of taken.values()) this.#perAgent.observe(size)
    return () => {
      measured()
      this.#batches.inc({ reason })
      this.#flushed.inc(count)
    }
  }

  /** So many values were lost. */
  dropped(reason: DropReason, count: number): void {
    this.#dropped.inc({ reason }, count)
    if (reason !== 'keys_too_long') this.#droppedKeys.inc(count)
  }
}
