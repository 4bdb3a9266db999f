import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** The present prefix, and the former one that dashboards still ask for (AG-123). */
const PREFIXES = ['coder_ai_gateway_', 'coder_aibridged_'] as const

/** Counts under names, which are told to the library when it is asked for them: it looks at every label each time. */
export class Count<Labels extends string> {
  readonly #names: readonly Labels[]
  readonly #values = new Map<string, { readonly labels: Readonly<Record<Labels, string>>; value: number }>()

  constructor(names: readonly Labels[]) {
    this.#names = names
  }

  /** Adds to the count of these labels; negative where it is a gauge. */
  add(labels: Readonly<Record<Labels, string>>, value = 1): void {
    let key = ''
    for (const name of this.#names) key += `${labels[name]}\0`
    const known = this.#values.get(key)
    if (known === undefined) this.#values.set(key, { labels, value })
    else known.value += value
  }

  values(): Iterable<{ readonly labels: Readonly<Record<Labels, string>>; readonly value: number }> {
    return this.#values.values()
  }
}

/** Makes the series of the gateway, each under both prefixes. */
export class GatewaySeries {
  readonly #registers: Registry[]

  constructor(registry: Registry) {
    this.#registers = [registry]
  }

  counter<Labels extends string>(name: string, help: string, labelNames: readonly Labels[]): Count<Labels> {
    const count = new Count(labelNames)
    for (const prefix of PREFIXES)
      new Counter<Labels>({
        name: prefix + name,
        help,
        labelNames: [...labelNames],
        registers: this.#registers,
        collect() {
          this.reset()
          for (const { labels, value } of count.values()) this.inc(labels, value)
        },
      })
    return count
  }

  /** A gauge that goes up and down with what is under way. */
  level<Labels extends string>(name: string, help: string, labelNames: readonly Labels[]): Count<Labels> {
    const count = new Count(labelNames)
    this.gauge(name, help, labelNames, (set) => {
      for (const { labels, value } of count.values()) set(labels, value)
    })
    return count
  }

  /** @param collect gives the values anew when they are asked for. */
  gauge<Labels extends string>(
    name: string,
    help: string,
    labelNames: readonly Labels[],
    collect: (set: (labels: Readonly<Record<Labels, string>>, value: number) => void) => void,
  ): void {
    for (const prefix of PREFIXES) {
      const made: Gauge<Labels> = new Gauge<Labels>({
        name: prefix + name,
        help,
        labelNames: [...labelNames],
        registers: this.#registers,
        collect: () => {
          made.reset()
          collect((labels, value) => made.set(labels, value))
        },
      })
    }
  }

  histogram<Labels extends string>(
    name: string,
    help: string,
    labelNames: readonly Labels[],
    buckets: readonly number[],
  ): readonly Histogram<Labels>[] {
    return PREFIXES.map(
      (prefix) =>
        new Histogram<Labels>({
          name: prefix + name,
          help,
          labelNames: [...labelNames],
          buckets: [...buckets],
          registers: this.#registers,
        }),
    )
  }
}
