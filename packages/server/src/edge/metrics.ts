const LATENCY_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10, 30] as const

interface RouteSeries {
  readonly method: string
  readonly path: string
  readonly byStatus: Map<number, number>
  readonly buckets: number[]
  sum: number
  count: number
  inFlight: number
}

/**
 * Request metrics in the Prometheus text format (ID-117), counted by hand: one object per route costs a
 * third of a general histogram on every request. Labels are full route patterns, never raw paths.
 */
export class RequestMetrics {
  readonly #series = new Map<string, Map<string, RouteSeries>>()
  readonly #tooLarge = new Map<string, number>()

  #of(method: string, path: string): RouteSeries {
    let byMethod = this.#series.get(path)
    if (byMethod === undefined) {
      byMethod = new Map()
      this.#series.set(path, byMethod)
    }
    let series = byMethod.get(method)
    if (series === undefined) {
      series = {
        method,
        path,
        byStatus: new Map(),
        buckets: LATENCY_BUCKETS.map(() => 0),
        sum: 0,
        count: 0,
        inFlight: 0,
      }
      byMethod.set(method, series)
    }
    return series
  }

  /** A request has found its route. */
  started(method: string, path: string): void {
    this.#of(method, path).inFlight += 1
  }

  /** The response is complete. */
  finished(method: string, path: string, status: number, seconds: number): void {
    const series = this.#of(method, path)
    series.inFlight -= 1
    series.byStatus.set(status, (series.byStatus.get(status) ?? 0) + 1)
    series.sum += seconds
    series.count += 1
    const bucket = LATENCY_BUCKETS.findIndex((limit) => seconds <= limit)
    if (bucket >= 0) series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1
  }

  /** A 413 was answered; `reason` is `request_body` when the body was over the limit (ID-94). */
  tooLarge(method: string, path: string, reason: 'request_body' | 'other'): void {
    const labels = `method="${method}",path="${path}",reason="${reason}"`
    this.#tooLarge.set(labels, (this.#tooLarge.get(labels) ?? 0) + 1)
  }

  /** All series as text. */
  render(): string {
    const lines: string[] = []
    const all = [...this.#series.values()].flatMap((byMethod) => [...byMethod.values()])
    lines.push('# TYPE coderd_api_requests_processed_total counter')
    for (const one of all)
      for (const [code, count] of one.byStatus)
        lines.push(`coderd_api_requests_processed_total{code="${code}",${labels(one)}} ${count}`)
    lines.push('# TYPE coderd_api_concurrent_requests gauge')
    for (const one of all) lines.push(`coderd_api_concurrent_requests{${labels(one)}} ${one.inFlight}`)
    lines.push('# TYPE coderd_api_request_latencies_seconds histogram')
    for (const one of all) {
      let total = 0
      LATENCY_BUCKETS.forEach((limit, i) => {
        total += one.buckets[i] ?? 0
        lines.push(`coderd_api_request_latencies_seconds_bucket{${labels(one)},le="${limit}"} ${total}`)
      })
      lines.push(`coderd_api_request_latencies_seconds_bucket{${labels(one)},le="+Inf"} ${one.count}`)
      lines.push(`coderd_api_request_latencies_seconds_sum{${labels(one)}} ${one.sum}`)
      lines.push(`coderd_api_request_latencies_seconds_count{${labels(one)}} ${one.count}`)
    }
    lines.push('# TYPE coderd_api_requests_too_large_total counter')
    for (const [key, count] of this.#tooLarge)
      lines.push(`coderd_api_requests_too_large_total{${key}} ${count}`)
    return `${lines.join('\n')}\n`
  }
}

function labels(series: RouteSeries): string {
  return `method="${series.method}",path="${series.path}"`
}
