import { randomUUID } from 'node:crypto'

import { describeError } from '@slipway/request-log'
import type { ModelProvider } from '../ai-providers/index.ts'
import type { AppContext } from '../context.ts'
import { CLIENT_LEFT, failureOfError } from './categories.ts'
import type { CircuitBreakers, Outcome } from './circuit-breakers.ts'
import { clientOf, clientSessionOf, type RequestHeaders } from './clients.ts'
import { Course } from './course.ts'
import { bedrockCredential, type Credential, forwardedHeaders, keyCredential } from './credentials.ts'
import { GatewayError } from './gateway-error.ts'
import { cooldownOf, type KeyPools } from './key-pool.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { Recorder } from './recorder.ts'
import type { Initiator } from './store/budgets.ts'
import type { NewInterception } from './store/interceptions.ts'
import { type AnswerHeaders, readAtMost, type Upstream, type UpstreamAnswer } from './upstream.ts'
import { type RequestFacts, requestFacts } from './wires/request-facts.ts'
import { observerOf, wireOf } from './wires/wire.ts'

/** One request of a client to a model. */
export interface ModelRequest {
  readonly provider: ModelProvider
  readonly initiatorId: string
  readonly initiator: Initiator
  readonly apiKeyId: string | undefined
  readonly method: string
  /** Where it goes. */
  readonly url: URL
  /** Path behind the name of the provider; a label of metrics. */
  readonly route: string
  /** What the client sent, names in lower case. */
  readonly headers: RequestHeaders
  readonly body: Uint8Array
  /** What the user brings in place of the deployment's keys. */
  readonly byok: Credential | undefined
  /** Whether the refusal of the last key is answered as the provider gave it, rather than as one of all keys (AG-54). */
  readonly relayRefusal: boolean
  readonly signal: AbortSignal
}

/** What the client gets; the body must be read to its end or returned from. */
export interface ModelAnswer {
  readonly interceptionId: string
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: AsyncIterable<Uint8Array>
}

/** What is known of a key before one has answered (AG-81). */
const FAILOVER_HINT = '<failover key>'
/** Of a refusal that nobody gets to see, in bytes. */
const MAX_REFUSAL = 64 * 1024

/** The parts that every exchange uses. */
export interface ExchangeParts {
  readonly context: AppContext
  readonly upstream: Upstream
  readonly pools: KeyPools
  readonly breakers: CircuitBreakers
  readonly recorder: Recorder
  readonly metrics: GatewayMetrics
}

/**
 * Relays a request to its provider and the answer back, byte for byte as they come, and records it (AG-20, AG-78). The
 * answer may be an error of the provider.
 *
 * @throws GatewayError for what the gateway refuses or fails with; the reason of the signal.
 */
export async function exchange(parts: ExchangeParts, request: ModelRequest): Promise<ModelAnswer> {
  const { provider, url, method, route, signal } = request
  const wire = wireOf(url.pathname)
  const facts = requestFacts(wire, url.pathname, request.body)
  if (facts === undefined)
    throw new GatewayError(400, 'invalid_request', 'the request body is not a JSON object')
  const own = request.byok ?? bedrockCredential(provider)
  if (own === undefined && provider.keys.length === 0) throw noCredential(provider)
  const interception = interceptionOf(parts.context, request, facts, own)
  try {
    await parts.recorder.begin(interception)
  } catch (error) {
    parts.context.log.error('a request to a model could not be recorded', { error: describeError(error) })
    throw new GatewayError(500, 'internal_error', 'failed to record interception', { cause: error })
  }
  const course = new Course(
    { interception, providerType: provider.type, prompt: facts.prompt, method, route, url, signal },
    parts,
  )
  const actor = actorHeaders(parts.context, request)
  let went: (outcome: Outcome) => void = () => undefined
  try {
    went = parts.breakers.enter({ provider: provider.name, route, model: facts.model })
    const answer =
      own === undefined
        ? await askWithPool(parts, request, facts.stream, (hint) => course.usedKey(hint), actor)
        : await ask(parts, request, facts.stream, own, actor)
    went(isBreakdown(provider, answer.status) ? 'failure' : 'success')
    const contentType = answer.headers['content-type']
    const observer = observerOf(wire, typeof contentType === 'string' ? contentType : '')
    return {
      interceptionId: interception.id,
      status: answer.status,
      headers: answer.headers,
      body: answer.status >= 400 ? await course.refused(answer) : course.relay(answer, observer),
    }
  } catch (error) {
    went(!signal.aborted && isUnreachable(error) ? 'failure' : 'unknown')
    await course.end(signal.aborted ? CLIENT_LEFT : failureOfError(error))
    throw error
  }
}

/**
 * Relays a request that is not recorded, with the credential put in, and with another key where one is refused (AG-19,
 * AG-53).
 *
 * @throws GatewayError as {@link exchange}; the reason of the signal.
 */
export async function passThrough(
  parts: ExchangeParts,
  request: ModelRequest & { readonly forwarded: Readonly<Record<string, string>> },
): Promise<Omit<ModelAnswer, 'interceptionId'>> {
  const { provider, method, route, forwarded } = request
  const own = request.byok ?? bedrockCredential(provider)
  if (own === undefined && provider.keys.length === 0) throw noCredential(provider)
  parts.metrics.passed(provider.name, route, method)
  try {
    const answer =
      own === undefined
        ? await askWithPool(parts, request, true, () => undefined, forwarded)
        : await ask(parts, request, true, own, forwarded)
    return { status: answer.status, headers: answer.headers, body: answer.body }
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'upstream_unreachable') throw error
    throw new GatewayError(502, error.code, 'upstream proxy error', { cause: error })
  }
}

/** AG-60. */
function isBreakdown({ family }: ModelProvider, status: number): boolean {
  return status === 503 || status === 504 || (status === 529 && family === 'anthropic')
}

/** AG-62. */
function isUnreachable(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'upstream_unreachable' || error.code === 'timeout')
}

/** Who asks, for those between us and the provider that want to know (AG-16). */
function actorHeaders(
  { config }: AppContext,
  { provider, initiatorId, initiator }: ModelRequest,
): Record<string, string> {
  if (!config.aiGatewaySendActorHeaders || provider.family === 'copilot') return {}
  return {
    'x-ai-bridge-actor-id': initiatorId,
    'x-ai-bridge-actor-metadata-username': initiator.username,
  }
}

function noCredential(provider: ModelProvider): GatewayError {
  return new GatewayError(
    401,
    'missing_credential',
    `there is no key for AI provider ${JSON.stringify(provider.name)}: bring one, or ask an administrator`,
  )
}

function interceptionOf(
  context: AppContext,
  { provider, initiator, initiatorId, apiKeyId, headers }: ModelRequest,
  facts: RequestFacts,
  credential: Credential | undefined,
): NewInterception {
  const client = clientOf(headers)
  return {
    id: randomUUID(),
    initiatorId,
    apiKeyId,
    provider: provider.family,
    providerName: provider.name,
    model: facts.model,
    metadata: {
      Username: initiator.username,
      request_user_agent: (headers['user-agent'] ?? '').toWellFormed().replaceAll('\0', '').slice(0, 512),
    },
    startedAt: context.clock.now(),
    client,
    clientSessionId: clientSessionOf(client, headers, facts.metadataUserId),
    credentialKind: credential?.kind ?? 'centralized',
    credentialHint: credential?.hint ?? FAILOVER_HINT,
    toolCallId: facts.toolCallId,
  }
}

/**
 * Asks with one key after the other until one is neither refused nor limited; the others rest (AG-53).
 *
 * @throws GatewayError when no key is left (AG-54), and as {@link ask}.
 */
async function askWithPool(
  parts: ExchangeParts,
  request: ModelRequest,
  stream: boolean,
  usedKey: (hint: string) => void,
  extra: Readonly<Record<string, string>> = {},
): Promise<UpstreamAnswer> {
  const { metrics } = parts
  const { provider } = request
  const pool = parts.pools.of(provider)
  const keys = pool.usable()
  let lastLimit: number | undefined
  for (const [index, { id, key, hint }] of keys.entries()) {
    const answer = await ask(parts, request, stream, keyCredential(provider, 'centralized', key, hint), extra)
    usedKey(hint)
    if (answer.status !== 401 && answer.status !== 429) {
      metrics.tried(provider.name, index + 1)
      return answer
    }
    const reason = answer.status === 429 ? 'rate_limited' : 'unauthorized'
    const cooldown = answer.status === 429 ? cooldownOf(answer.headers) : undefined
    if (answer.status === 429) lastLimit = cooldown ?? 0
    if (pool.rest(id, reason, cooldown)) metrics.keyRests(provider.name, reason)
    if (request.relayRefusal && index === keys.length - 1) return answer
    await readAtMost(answer, MAX_REFUSAL)
  }
  let exhaustion = pool.exhaustion()
  // A key that was limited for no time at all rests no more, and was not refused either.
  if (exhaustion.kind === 'unauthorized' && lastLimit !== undefined)
    exhaustion = { kind: 'rate_limited', retryAfterMs: lastLimit }
  if (exhaustion.kind === 'unauthorized') {
    metrics.exhausted(provider.name, 'auth_failed')
    throw new GatewayError(
      502,
      'keys_refused',
      'all configured keys failed authentication. Contact your Administrator',
    )
  }
  metrics.exhausted(provider.name, 'rate_limited')
  const retryAfterSeconds = Math.ceil(exhaustion.retryAfterMs / 1_000)
  throw new GatewayError(
    429,
    'rate_limit_exceeded',
    `all configured keys are rate-limited (retry after ${retryAfterSeconds}s)`,
    { retryAfterSeconds },
  )
}

/** Sends a request with a credential. @throws GatewayError and the reason of the signal, as `Upstream.send`. */
async function ask(
  { upstream }: ExchangeParts,
  { method, url, headers, body, signal }: ModelRequest,
  stream: boolean,
  credential: Credential,
  extra: Readonly<Record<string, string>> = {},
): Promise<UpstreamAnswer> {
  const unsigned = {
    method,
    url,
    body,
    headers: {
      ...forwardedHeaders(headers),
      'accept-encoding': 'identity',
      ...extra,
    },
  }
  return upstream.send({
    method,
    url,
    body,
    headers: await credential.sign(unsigned),
    signal,
    stream,
  })
}
