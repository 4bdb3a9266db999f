import { Histogram } from '../histogram/index.ts'
import type { ProbeResult } from './streams.ts'

const LATENCY_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10, 30] as const
const SOCKET_BUCKETS = [0.001, 1, 60, 3_600, 54_000, 108_000] as const

/** What is counted of one route and method. */
export interface RouteSeries {
  readonly labels: string
  readonly webSocket: boolean
  readonly byStatus: Map<number, number>
  readonly latency: Histogram
  inFlight: number
}

interface SocketSeries {
  readonly duration: Histogram
  readonly probes: Map<string, number>
  open: number
}

/**
 * Request metrics in the Prometheus text format (ID-117), counted by hand: one object per route costs a
 * third of a general histogram on every request. Labels are full route patterns, never raw paths.
 */
export class RequestMetrics {
  readonly #series = new Map<string, Map<string, RouteSeries>>()
  readonly #sockets = new Map<string, SocketSeries>()
  readonly #tooLarge = new Map<string, number>()
  readonly #queryTokens = new Map<string, number>()

  /** A request has found its route. Upgrade requests count among those processed only. */
  started(method: string, path: string, webSocket: boolean): RouteSeries {
    const series = this.#of(method, path, webSocket)
    series.inFlight += 1
    return series
  }

  #of(method: string, path: string, webSocket: boolean): RouteSeries {
    let byMethod = this.#series.get(path)
    if (byMethod === undefined) {
      byMethod = new Map()
      this.#series.set(path, byMethod)
    }
    const key = webSocket ? `${method} upgrade` : method
    let series = byMethod.get(key)
    if (series === undefined) {
      series = {
        labels: `method="${method}",path="${path}"`,
        webSocket,
        byStatus: new Map(),
        latency: new Histogram(LATENCY_BUCKETS),
        inFlight: 0,
      }
      byMethod.set(key, series)
    }
    return series
  }

  /** The response is complete, or nobody waits for it any more. */
  finished(series: RouteSeries, status: number, seconds: number): void {
    series.inFlight -= 1
    series.byStatus.set(status, (series.byStatus.get(status) ?? 0) + 1)
    series.latency.observe(seconds)
  }

  /** An upgrade request has become a connection. */
  socketOpened(path: string): void {
    this.#socketsOf(path).open += 1
    const request = this.#of('GET', path, true)
    request.inFlight -= 1
    request.byStatus.set(101, (request.byStatus.get(101) ?? 0) + 1)
  }

  /** The connection is over after so many seconds. */
  socketClosed(path: string, seconds: number): void {
    const series = this.#socketsOf(path)
    series.open -= 1
    series.duration.observe(seconds)
  }

  /** A heartbeat of a connection. */
  socketProbed(path: string, result: ProbeResult): void {
    const { probes } = this.#socketsOf(path)
    probes.set(result, (probes.get(result) ?? 0) + 1)
  }

  #socketsOf(path: string): SocketSeries {
    let series = this.#sockets.get(path)
    if (series === undefined) {
      series = { open: 0, probes: new Map(), duration: new Histogram(SOCKET_BUCKETS) }
      this.#sockets.set(path, series)
    }
    return series
  }

  /** A 413 was answered; `reason` is `request_body` when the body was over the limit (ID-94). */
  tooLarge(method: string, path: string, reason: 'request_body' | 'other'): void {
    const labels = `method="${method}",path="${path}",reason="${reason}"`
    this.#tooLarge.set(labels, (this.#tooLarge.get(labels) ?? 0) + 1)
  }

  /** A query carried a token in this parameter (ID-202). */
  queryToken(path: string, parameter: string): void {
    const labels = `path="${path}",param="${parameter}"`
    this.#queryTokens.set(labels, (this.#queryTokens.get(labels) ?? 0) + 1)
  }

  /** All series as text. */
  render(): string {
    const all = [...this.#series.values()].flatMap((byMethod) => [...byMethod.values()])
    const requests = all.filter((series) => !series.webSocket)
    const processed = new Map<string, number>()
    for (const { labels, byStatus } of all)
      for (const [code, count] of byStatus) {
        const key = `code="${code}",${labels}`
        processed.set(key, (processed.get(key) ?? 0) + count)
      }
    return `${[
      '# TYPE coderd_api_requests_processed_total counter',
      ...[...processed].map(([labels, count]) => `coderd_api_requests_processed_total{${labels}} ${count}`),
      '# TYPE coderd_api_concurrent_requests gauge',
      ...requests.map((one) => `coderd_api_concurrent_requests{${one.labels}} ${one.inFlight}`),
      '# TYPE coderd_api_request_latencies_seconds histogram',
      ...requests.flatMap((one) => one.latency.render('coderd_api_request_latencies_seconds', one.labels)),
      ...this.#renderSockets(),
      '# TYPE coderd_api_requests_too_large_total counter',
      ...[...this.#tooLarge].map(([key, count]) => `coderd_api_requests_too_large_total{${key}} ${count}`),
      '# TYPE slipway_query_token_requests_total counter',
      ...[...this.#queryTokens].map(([key, count]) => `slipway_query_token_requests_total{${key}} ${count}`),
    ].join('\n')}\n`
  }

  #renderSockets(): string[] {
    const all = [...this.#sockets]
    return [
      '# TYPE coderd_api_concurrent_websockets gauge',
      ...all.map(([path, { open }]) => `coderd_api_concurrent_websockets{path="${path}"} ${open}`),
      '# TYPE coderd_api_websocket_durations_seconds histogram',
      ...all.flatMap(([path, { duration }]) =>
        duration.render('coderd_api_websocket_durations_seconds', `path="${path}"`),
      ),
      '# TYPE coderd_api_websocket_probes_total counter',
      ...all.flatMap(([path, { probes }]) =>
        [...probes].map(
          ([result, count]) =>
            `coderd_api_websocket_probes_total{path="${path}",result="${result}"} ${count}`,
        ),
      ),
    ]
  }
}
