/**
 * Durations in seconds by upper bound, in the Prometheus text format. Counted by hand, because it is done for every request
 * and every decision; each bucket holds its own values only until it is rendered.
 */
export class Histogram {
  readonly #limits: readonly number[]
  readonly #buckets: number[]
  #sum = 0
  #count = 0

  constructor(limits: readonly number[]) {
    this.#limits = limits
    this.#buckets = limits.map(() => 0)
  }

  /** @param times how often something took that long. */
  observe(seconds: number, times = 1): void {
    this.#sum += seconds * times
    this.#count += times
    const bucket = this.#limits.findIndex((limit) => seconds <= limit)
    if (bucket >= 0) this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + times
  }

  /** @param labels as they stand between the braces; empty for none. */
  render(name: string, labels: string): string[] {
    let total = 0
    const before = labels === '' ? '' : `${labels},`
    const braced = labels === '' ? '' : `{${labels}}`
    const lines = this.#limits.map((limit, i) => {
      total += this.#buckets[i] ?? 0
      return `${name}_bucket{${before}le="${limit}"} ${total}`
    })
    lines.push(`${name}_bucket{${before}le="+Inf"} ${this.#count}`)
    lines.push(`${name}_sum${braced} ${this.#sum}`, `${name}_count${braced} ${this.#count}`)
    return lines
  }
}

/**
 * Limits for what takes seconds or an hour, such as builds: the usual ones of OP-85, which dashboards know, and more above
 * them, because hardly a build is over within ten seconds.
 */
export const LONG_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600,
]
