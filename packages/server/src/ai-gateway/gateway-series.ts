import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** The present prefix, and the former one that dashboards still ask for (AG-123). */
const PREFIXES = ['coder_ai_gateway_', 'coder_aibridged_'] as const

/** A counter under both prefixes. */
interface Both<Labels extends string> {
  readonly all: readonly Counter<Labels>[]
}

/** Counts under both prefixes. */
export function inc<Labels extends string>(
  { all }: Both<Labels>,
  labels: Readonly<Record<Labels, string>>,
  value = 1,
): void {
  for (const one of all) one.labels(labels).inc(value)
}

/** Makes the series of the gateway, each under both prefixes. */
export class GatewaySeries {
  readonly #registers: Registry[]

  constructor(registry: Registry) {
    this.#registers = [registry]
  }

  counter<Labels extends string>(name: string, help: string, labelNames: readonly Labels[]): Both<Labels> {
    return {
      all: PREFIXES.map(
        (prefix) =>
          new Counter<Labels>({
            name: prefix + name,
            help,
            labelNames: [...labelNames],
            registers: this.#registers,
          }),
      ),
    }
  }

  /** @param collect gives the values anew when they are asked for. */
  gauge<Labels extends string>(
    name: string,
    help: string,
    labelNames: readonly Labels[],
    collect?: (set: (labels: Readonly<Record<Labels, string>>, value: number) => void) => void,
  ): { readonly all: readonly Gauge<Labels>[] } {
    return {
      all: PREFIXES.map((prefix) => {
        const made: Gauge<Labels> = new Gauge<Labels>({
          name: prefix + name,
          help,
          labelNames: [...labelNames],
          registers: this.#registers,
          ...(collect === undefined
            ? {}
            : {
                collect: () => {
                  made.reset()
                  collect((labels, value) => made.set(labels, value))
                },
              }),
        })
        return made
      }),
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
