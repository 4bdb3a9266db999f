import { setTimeout as delay } from 'node:timers/promises'

import type { Context, Span as OtelSpan, Tracer } from '@opentelemetry/api'
import type { SpanExporter } from '@opentelemetry/sdk-trace-node'

import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'

type Api = typeof import('@opentelemetry/api')

/** Values of a span; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

const FLUSH_MS = 5_000
const HONEYCOMB = 'https://api.honeycomb.io/v1/traces'
/** An exporter that fails is told of this often. */
const COMPLAINT_MS = 60_000

/** A piece of work in a trace. */
export class Span {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #span: OtelSpan
  readonly #context: Context

  constructor(api: Api, tracer: Tracer, span: OtelSpan, within: Context) {
    this.#api = api
    this.#tracer = tracer
    this.#span = span
    this.#context = api.trace.setSpan(within, span)
  }

  /** Begins a piece of this one. */
  child(name: string, attributes: Attributes = {}): Span {
    const span = this.#tracer.startSpan(name, { attributes }, this.#context)
    return new Span(this.#api, this.#tracer, span, this.#context)
  }

  /** Does a piece of this one, and ends it. Rejects as the work does. */
  async during<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const child = this.child(name)
    try {
      return await work()
    } catch (error) {
      child.fail(error instanceof Error ? error.name : 'error')
      throw error
    } finally {
      child.end()
    }
  }

  set(attributes: Attributes): void {
    for (const [name, value] of Object.entries(attributes))
      if (value !== undefined) this.#span.setAttribute(name, value)
  }

  /** Notes that it went wrong. @param type one of few. */
  fail(type: string): void {
    this.#span.setAttribute('error.type', type)
    this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
  }

  end(): void {
    this.#span.end()
  }

  /** By which others go on with the trace (W3C Trace Context). */
  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext()
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  }
}

/**
 * Traces over OTLP, to where the standard `OTEL_EXPORTER_OTLP_*` variables say (OP-95). The libraries are loaded only
 * where it is on. An exporter that fails harms nothing: spans beyond a bound are dropped.
 */
export class Tracing implements AsyncDisposable {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #shutdown: () => Promise<void>

  private constructor(api: Api, tracer: Tracer, shutdown: () => Promise<void>) {
    this.#api = api
    this.#tracer = tracer
    this.#shutdown = shutdown
  }

  /** Undefined while tracing is off. */
  static async start({ config, log, version, replicaId }: AppContext): Promise<Tracing | undefined> {
    if (!config.traceEnable && config.traceHoneycombApiKey === '') return undefined
    const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-proto'),
      import('@opentelemetry/resources'),
    ])
    const exporters: SpanExporter[] = []
    if (config.traceEnable) exporters.push(new OTLPTraceExporter())
    if (config.traceHoneycombApiKey !== '')
      exporters.push(
        new OTLPTraceExporter({
          url: HONEYCOMB,
          headers: { 'x-honeycomb-team': config.traceHoneycombApiKey },
        }),
      )
    const provider = new sdk.NodeTracerProvider({
      resource: resourceFromAttributes({
        'service.name': process.env.OTEL_SERVICE_NAME ?? 'coderd',
        'service.version': version,
        'service.instance.id': replicaId,
      }),
      spanProcessors: exporters.map(
        (exporter) =>
          new sdk.BatchSpanProcessor(
            complaining(exporter, (why) => {
              log.warn('traces cannot be exported', { error: why })
            }),
          ),
      ),
    })
    return new Tracing(api, provider.getTracer('slipway', version), () => provider.shutdown())
  }

  /** Begins a trace, or goes on with the one that a header names (W3C Trace Context). */
  span(name: string, attributes: Attributes, traceparent: string | undefined): Span {
    const { ROOT_CONTEXT, trace } = this.#api
    const remote = traceparent === undefined ? undefined : spanContextOf(traceparent)
    const within = remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote)
    return new Span(this.#api, this.#tracer, this.#tracer.startSpan(name, { attributes }, within), within)
  }

  /** Sends what is left, for five seconds at most (OP-32). */
  async [Symbol.asyncDispose](): Promise<void> {
    const late = new AbortController()
    await Promise.race([
      this.#shutdown().catch(() => undefined),
      delay(FLUSH_MS, undefined, { signal: late.signal }).catch(() => undefined),
    ])
    late.abort()
  }
}

function complaining(exporter: SpanExporter, complain: (why: string) => void): SpanExporter {
  let last = Number.NEGATIVE_INFINITY
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const now = performance.now()
        if (result.error !== undefined && now - last > COMPLAINT_MS) {
          last = now
          complain(describeError(result.error))
        }
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}

function spanContextOf(traceparent: string) {
  const parts = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/.exec(traceparent.trim())
  const [, traceId, spanId, flags] = parts ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
}
