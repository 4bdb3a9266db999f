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
