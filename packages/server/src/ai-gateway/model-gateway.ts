import { LRUCache } from 'lru-cache'

import { Governance } from '../ai-governance/index.ts'
import {
  type ModelProvider,
  type ModelProviders,
  ProviderTroubles,
  userKeyFor,
} from '../ai-providers/index.ts'
import type { AppContext } from '../context.ts'
import type { Tracing } from '../tracing/index.ts'
import { type AnswerHeaders, Upstream } from './answers/upstream.ts'
import { AwsCredentials } from './bedrock/aws-credentials.ts'
import { admit } from './exchange/admission.ts'
import { exchange } from './exchange/exchange.ts'
import type { ExchangeParts } from './exchange/exchange-parts.ts'
import type { GatewayCall } from './exchange/gateway-call.ts'
import { GatewayError } from './exchange/gateway-error.ts'
import { Guardrails } from './guardrails/guardrails.ts'
import { type Credential, keyCredential } from './keys/credentials.ts'
import { KeyPools } from './keys/key-pool.ts'
import { KeyRates } from './keys/key-rates.ts'
import { keyForChats } from './keys/synthetic-key.ts'
import { BoundedNames } from './observation/bounded-names.ts'
import { type GatewayHealth, providersHealth } from './observation/gateway-health.ts'
import { GatewayMetrics } from './observation/metrics.ts'
import { MODELS_IN_PRICE_BOOK } from './prices/price-book.ts'
import { Dumps } from './recording/dumps.ts'
import { InterceptionExport } from './recording/interception-export.ts'
import { LastKnown } from './recording/last-known.ts'
import { Recorder } from './recording/recorder.ts'
import { CircuitBreakers } from './resilience/circuit-breakers.ts'
import { circuitEvents } from './resilience/found-troubles.ts'
import { ResilienceMetrics } from './resilience/resilience-metrics.ts'
import { ToolInjection } from './tool-injection/open-tool-loop.ts'

/** Longest request body, in bytes (chapter 05 section 4). */
export const MAX_BODY = 32 * 1024 * 1024

/** How long somebody whom nothing limits may ask before the database is asked about them again, in milliseconds. */
const UNLIMITED_MS = 1_000
const MAX_UNLIMITED = 10_000

/** What the gateway is started with. */
export interface GatewayOptions {
  /** Folder in which records wait while the database is away. */
  readonly directory: string
  readonly tracing: Tracing | undefined
}

/**
 * The way to the model providers: it puts the credential in, keeps budgets, relays bytes as they come and records what
 * was asked, used and spent. Callers in this process get it as a `fetch`.
 */
export class ModelGateway implements AsyncDisposable {
  readonly parts: ExchangeParts
  readonly providers: ModelProviders
  readonly #context: AppContext
  readonly #subscription: Disposable
  readonly #export: InterceptionExport
  readonly #stopped = new AbortController()
  readonly #closing = new AbortController()

  private constructor(
    context: AppContext,
    providers: ModelProviders,
    governance: Governance,
    troubles: ProviderTroubles,
    { directory, tracing }: GatewayOptions,
  ) {
    this.#context = context
    this.providers = providers
    const now = (): number => context.clock.now().getTime()
    const pools = new KeyPools(now)
    const { config } = context
    const models = new BoundedNames(MODELS_IN_PRICE_BOOK)
    const metrics = new GatewayMetrics(context.metrics, {
      providers,
      pools,
      models,
      initiatorLabel: () => governance.settings().initiatorLabel,
    })
    const recorder = new Recorder(context, metrics, governance, directory)
    const outage = {
      failOpen: () => governance.settings().recordFailOpen,
      away: () => recorder.databaseAway,
    }
    const resilience = new ResilienceMetrics(context.metrics, models, () => this.parts.breakers.broken())
    this.parts = {
      context,
      providers,
      resilience,
      governance,
      troubles,
      pools,
      breakers: new CircuitBreakers(
        {
          enabled: config.aiGatewayCircuitBreakerEnabled,
          failureThreshold: config.aiGatewayCircuitBreakerFailureThreshold,
          interval: config.aiGatewayCircuitBreakerInterval,
          timeout: config.aiGatewayCircuitBreakerTimeout,
          maxRequests: config.aiGatewayCircuitBreakerMaxRequests,
        },
        now,
        circuitEvents({ resilience, troubles, providers }),
      ),
      metrics,
      upstream: new Upstream(),
      keyRates: new KeyRates(now),
      aws: new AwsCredentials(() => context.clock.now()),
      injection: new ToolInjection(),
      recorder,
      guardrails: new Guardrails(context, () => governance.settings().guardrails, metrics),
      tracing,
      dumps:
        config.aiGatewayDumpDir === '' ? undefined : new Dumps(config.aiGatewayDumpDir, context.log, now),
      lastInitiators: new LastKnown(outage),
      unlimitedInitiators: new LRUCache({ max: MAX_UNLIMITED, ttl: UNLIMITED_MS }),
      lastCallers: new LastKnown(outage),
    }
    this.#export = new InterceptionExport(context, () => governance.settings(), this.parts)
    metrics.exportSetsAside(() => this.#export.setAside().count)
    this.#subscription = providers.onRead((all) => pools.keep(all))
  }

  /**
   * Reads what is allowed, for the first time.
   *
   * @throws Error when that is not possible.
   */
  static async start(
    context: AppContext,
    providers: ModelProviders,
    options: GatewayOptions,
  ): Promise<ModelGateway> {
    const governance = await Governance.start(context)
    return new ModelGateway(context, providers, governance, await ProviderTroubles.start(context), options)
  }

  /**
   * A `fetch` that AI SDK providers can be given, made for the user of the call. Give such a provider the address of
   * `sdkBaseUrl` and any text as its key: both `Authorization` and `x-api-key` are replaced.
   *
   * What the gateway itself refuses or fails with is an answer too, with a body that `gatewayErrorCode` reads:
   * `budget_exceeded` (403, CH-805), `missing_credential` (401), `provider_disabled` (503), `rate_limit_exceeded` (429),
   * `keys_refused` (502), `upstream_unreachable` (502), `timeout` (504), `circuit_open` (503), `internal_error` (500). A provider that goes away
   * in the middle of its answer makes the body fail with a GatewayError. It rejects with the reason of the signal when
   * that is aborted, and with a TypeError for an address that is not the provider's.
   */
  fetchFor(call: GatewayCall): typeof fetch {
    return async (input, init) => {
      const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined)
      const given = input instanceof Request ? new Request(input, init) : undefined
      const url = new URL(given?.url ?? String(input))
      const headers = new Headers(given?.headers ?? init?.headers)
      try {
        const body =
          given === undefined ? await bytesOf(init?.body) : new Uint8Array(await given.arrayBuffer())
        const answer = await this.#call(call, {
          url,
          method: given?.method ?? init?.method ?? 'GET',
          headers,
          body,
          signal: signal == null ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]),
        })
        return new Response(streamOf(answer.body), {
          status: answer.status,
          headers: webHeaders(answer.headers),
        })
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        return new Response(error.body(), { status: error.status, headers: error.headers() })
      }
    }
  }

  /** The key that the calls of a user's chats are attributed to; it can never authenticate (CH-508). */
  keyFor(ownerId: string): Promise<string> {
    return keyForChats(this.#context, ownerId)
  }

  async #call(
    call: GatewayCall,
    request: {
      readonly url: URL
      readonly method: string
      readonly headers: Headers
      readonly body: Uint8Array
      readonly signal: AbortSignal
    },
  ) {
    this.stopped.throwIfAborted()
    const provider = this.usable(call.provider)
    const { url } = request
    if (url.origin !== new URL(provider.baseUrl).origin)
      throw new TypeError(`${url.origin} is not the address of AI provider ${provider.name}`)
    if (request.body.length > MAX_BODY) throw tooLarge()
    // At the same time: the first token waits for both.
    const [initiator, byok] = await Promise.all([
      admit(this.#context, this.parts, call.ownerId, call.apiKeyId),
      this.#ownCredential(call.ownerId, provider),
    ])
    return exchange(this.parts, {
      provider,
      initiatorId: call.ownerId,
      initiator,
      apiKeyId: call.apiKeyId,
      method: request.method,
      url,
      route: url.pathname,
      headers: this.#headersOf(call, request.headers),
      body: request.body,
      byok,
      relayRefusal: true,
      triesResting: call.triesResting,
      signal: request.signal,
    })
  }

  /** A provider that requests may be sent to now. @throws GatewayError 404 without it, 503 while it is off or broken. */
  usable(idOrName: string): ModelProvider {
    const provider = this.providers.find(idOrName)
    if (provider === undefined)
      throw new GatewayError(
        404,
        'route_not_supported',
        `there is no AI provider ${JSON.stringify(idOrName)}`,
      )
    switch (provider.status) {
      case 'enabled':
        return provider
      case 'disabled':
        throw new GatewayError(
          503,
          'provider_disabled',
          `provider_disabled: AI provider ${JSON.stringify(provider.name)} is disabled`,
        )
      case 'error':
        throw provider.keys.length === 0 && provider.bedrock === undefined && provider.type !== 'bedrock'
          ? new GatewayError(401, 'missing_credential', provider.statusDetail)
          : new GatewayError(503, 'provider_error', provider.statusDetail)
    }
  }

  /** What this replica knows of its providers and records; no provider is asked for it. */
  health(): GatewayHealth {
    const { pools, breakers, recorder } = this.parts
    return {
      enabled: this.#context.config.aiGatewayEnabled,
      providers: providersHealth(this.providers.list(), pools, breakers),
      records: recorder.health(),
      setAside: this.#export.setAside(),
    }
  }

  #headersOf(call: GatewayCall, given: Headers): Record<string, string> {
    const own: Record<string, string | undefined> = {
      'user-agent': call.userAgent ?? `coder-agents/${this.#context.version}`,
      'x-coder-owner-id': call.ownerId,
      'x-coder-chat-id': call.rootChatId,
      'x-coder-subchat-id': call.subchatId,
      'x-coder-workspace-id': call.workspaceId,
    }
    const headers = Object.fromEntries(given)
    for (const [name, value] of Object.entries(own)) if (value !== undefined) headers[name] = value
    return headers
  }

  async #ownCredential(userId: string, provider: ModelProvider): Promise<Credential | undefined> {
    const own = await userKeyFor(this.#context, userId, provider)
    return own === undefined ? undefined : keyCredential(provider, 'byok', own.key, own.hint)
  }

  /** Aborted once requests are let in no more; its reason is a GatewayError that says so. */
  get stopped(): AbortSignal {
    return this.#stopped.signal
  }

  /** Lets no more requests in; those under way go on until they end, or the gateway is disposed of (AG-58). */
  stopAdmitting(): void {
    this.#stopped.abort(serverClosed())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopAdmitting()
    this.#closing.abort(serverClosed())
    this.#subscription[Symbol.dispose]()
    await this.parts.upstream[Symbol.asyncDispose]()
    await this.parts.recorder[Symbol.asyncDispose]()
    await this.#export[Symbol.asyncDispose]()
    this.parts.guardrails[Symbol.dispose]()
    await this.parts.troubles[Symbol.asyncDispose]()
    await this.parts.governance[Symbol.asyncDispose]()
  }
}

function serverClosed(): GatewayError {
  return new GatewayError(500, 'internal_error', 'server closed')
}

/** A request body that is longer than any may be. */
export function tooLarge(): GatewayError {
  return new GatewayError(
    413,
    'request_too_large',
    'Request body too large. The maximum allowed request body size is 32MiB.',
  )
}

async function bytesOf(body: RequestInit['body']): Promise<Uint8Array> {
  if (body == null) return new Uint8Array()
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return body
  return new Uint8Array(await new Response(body).arrayBuffer())
}

/** Headers of an answer that hold for its body as it is relayed. */
function webHeaders(headers: AnswerHeaders): Headers {
  const result = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === 'transfer-encoding' || name === 'connection') continue
    for (const one of Array.isArray(value) ? value : [value]) result.append(name, one)
  }
  return result
}

/** The same bytes as a stream of the web, read as they are wanted and let go when nobody wants them. */
function streamOf(body: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await pieces.next()
        if (next.done === true) controller.close()
        else controller.enqueue(next.value)
      },
      async cancel() {
        await pieces.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
