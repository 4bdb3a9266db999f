import { randomUUIDv7 } from 'node:crypto'

import { describeError } from '@slipway/request-log'
import type { ModelProvider } from '../../ai-providers/index.ts'
import type { AppContext } from '../../context.ts'
import { type AnswerHeaders, type UpstreamAnswer, upstreamFailure } from '../answers/upstream.ts'
import { bedrockCredential } from '../bedrock/credential.ts'
import { inspectPrompt } from '../guardrails/inspect-prompt.ts'
import { decideModel, decidePassThrough } from '../guardrails/model-policy.ts'
import type { Credential } from '../keys/credentials.ts'
import { InterceptTrace } from '../observation/intercept-trace.ts'
import { type LogFields, logFields } from '../observation/log-fields.ts'
import { CLIENT_LEFT, failureOfError } from '../recording/categories.ts'
import { askProvider } from '../routing/ask.ts'
import { type AskingTargets, askTargets } from '../routing/attempts.ts'
import { sessionOf, type Target, targetsOf } from '../routing/target.ts'
import { reserve } from '../spend/reservations.ts'
import type { NewInterception } from '../store/interceptions.ts'
import { namedModel, type RequestFacts, requestFacts } from '../wires/request-facts.ts'
import { observerOf, wireOf } from '../wires/wire.ts'
import { clientOf, clientSessionOf } from './clients.ts'
import { Course } from './course.ts'
import type { ExchangeParts, ModelRequest } from './exchange-parts.ts'
import { GatewayError } from './gateway-error.ts'

/** What the client gets; the body must be read to its end or returned from. */
export interface ModelAnswer {
  readonly interceptionId: string
  /** What lines of the log say of the request. */
  readonly logFields: () => LogFields
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: AsyncIterable<Uint8Array>
  /** From when the provider was asked until its answer began, with other attempts and called tools, in milliseconds. */
  readonly providerMs: number
}

/** What is known of a key before one has answered (AG-81). */
const FAILOVER_HINT = '<failover key>'

/**
 * Relays a request to its provider and the answer back, byte for byte as they come, and records it (AG-20, AG-78). The
 * answer may be an error of the provider.
 *
 * @throws GatewayError for what the gateway refuses or fails with; the reason of the signal.
 */
export async function exchange(parts: ExchangeParts, given: ModelRequest): Promise<ModelAnswer> {
  const trace = InterceptTrace.begin(parts.tracing, given)
  try {
    return await exchangeTraced(parts, given, trace)
  } catch (error) {
    trace?.refused(error)
    throw error
  }
}

async function exchangeTraced(
  parts: ExchangeParts,
  given: ModelRequest,
  trace: InterceptTrace | undefined,
): Promise<ModelAnswer> {
  const wire = wireOf(given.url.pathname)
  const told = requestFacts(wire, given.url.pathname, given.body)
  if (told === undefined)
    throw new GatewayError(400, 'invalid_request', 'the request body is not a JSON object')
  const whole = given.edit === undefined ? given : { ...given, body: given.edit(wire, given.body, told) }
  const { request: decided, facts } = decideModel(parts, whole, told)
  const inspection = parts.guardrails.on ? await inspectPrompt(parts, decided, facts) : undefined
  const request = inspection === undefined ? decided : { ...decided, body: inspection.body }
  const { provider, url, method, route, signal } = request
  const targets = targetsOf(parts, request, facts)
  const [first] = targets
  if (first === undefined) throw noCredential(provider)
  const own = request.byok ?? bedrockCredential(parts.aws, first.provider)
  const interception = interceptionOf(parts.context, request, facts, first, own)
  trace?.asked({ interceptionId: interception.id, model: interception.model, streaming: facts.stream })
  const lineFields = (hint: string | undefined): LogFields =>
    logFields(interception, {
      route,
      userAgent: String(request.headers['user-agent'] ?? ''),
      streaming: facts.stream,
      hint,
    })
  const reservation = await reserve(parts, request, targets, interception.id)
  try {
    await traced(trace, 'Intercept.RecordInterception', () => parts.recorder.begin(interception))
  } catch (error) {
    await reservation.release()
    parts.context.log.error('a request to a model could not be recorded', {
      ...lineFields(undefined),
      error: describeError(error),
    })
    throw new GatewayError(500, 'internal_error', 'failed to record interception', { cause: error })
  }
  const course = new Course(
    {
      interception,
      providerType: first.provider.type,
      prompt: inspection === undefined ? facts.prompt : inspection.prompt,
      method,
      route,
      wire,
      url,
      privacy: parts.governance.privacyOf(request.initiator.organizationIds).level,
      isAwaited: request.initiator.isLimited,
      reservation,
      trace,
      signal,
      logFields: lineFields,
    },
    parts,
  )
  try {
    if (inspection !== undefined) course.note(inspection.metadata)
    if (inspection?.refusal !== undefined) throw inspection.refusal
    const loop = parts.injection.isOn
      ? await traced(trace, 'CachedBridgePool.Acquire', () =>
          parts.injection.open(course, { ...request, wire, facts, screen: parts.guardrails.screen }),
        )
      : undefined
    const asking: AskingTargets = {
      stream: facts.stream,
      session: () => sessionOf(request, facts),
      dumped: interception,
      extra: { ...actorHeaders(parts.context, request), ...traceHeaders(parts, trace) },
      fromFirstByte: true,
      retries: !request.relayRefusal,
      usedKey: (hint) => course.usedKey(hint),
      moved: (to, attempts) => {
        course.answeredBy({ providerName: to.provider.name, providerType: to.provider.type, model: to.model })
        // That of the provider before is none of this one's.
        course.usedKey(FAILOVER_HINT)
        course.note({ attempts })
      },
    }
    const send = (body: Uint8Array): Promise<UpstreamAnswer> => {
      // Behind a tool the first is asked again, whoever answered before.
      course.answeredBy(undefined)
      return traced(trace, 'Intercept.ProcessRequest.Upstream', () =>
        askTargets(parts, { ...request, body }, reservation.targets, asking),
      )
    }
    const asked = performance.now()
    const answer = loop === undefined ? await send(request.body) : await loop.run(send)
    const providerMs = performance.now() - asked
    const contentType = answer.headers['content-type']
    const observer = loop ?? observerOf(wire, typeof contentType === 'string' ? contentType : '')
    return {
      interceptionId: interception.id,
      logFields: () => course.logFields(),
      status: answer.status,
      headers: answer.headers,
      providerMs,
      // Where it leads elsewhere, nothing was answered either.
      body: answer.status >= 300 ? await course.refused(answer) : course.relay(answer, observer),
    }
  } catch (error) {
    await course.end(signal.aborted ? CLIENT_LEFT : failureOfError(error))
    throw error instanceof GatewayError ? error.with({ interceptionId: interception.id }) : error
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
  given: ModelRequest & {
    /** Behind the name of the provider, as the client has asked for it, without a query. */
    readonly path: string
    readonly forwarded: Readonly<Record<string, string>>
  },
): Promise<Omit<ModelAnswer, 'providerMs' | 'logFields'>> {
  const { request: decided, filtered } = decidePassThrough(parts, given)
  const { provider, method, route, forwarded } = decided
  if (decided.byok === undefined && provider.bedrock === undefined && provider.keys.length === 0)
    throw noCredential(provider)
  parts.metrics.passed(provider.name, route, method)
  const { id, answered } = parts.recorder.passing({
    initiatorId: decided.initiatorId,
    apiKeyId: decided.apiKeyId,
    provider: provider.family,
    providerName: provider.name,
    method,
    route,
    client: clientOf(decided.headers),
  })
  const inspection =
    parts.guardrails.on && decided.body.length > 0
      ? await inspectPrompt(parts, decided, { model: namedModel(decided.body), prompt: undefined })
      : undefined
  if (inspection?.refusal !== undefined) {
    answered(inspection.refusal.status, inspection.metadata)
    throw inspection.refusal.with({ interceptionId: id })
  }
  const request = inspection === undefined ? decided : { ...decided, body: inspection.body }
  const span = parts.tracing?.span(
    'Passthrough',
    {
      passthrough_url: given.path,
      passthrough_upstream_url: request.url.origin + request.url.pathname,
      passthrough_method: method,
      user_id: request.initiatorId,
      provider: provider.name,
    },
    request.headers.traceparent,
  )
  try {
    const answer = await askProvider(parts, request, {
      stream: true,
      routing: parts.governance.routingOf(provider.id),
      session: () => sessionOf(request),
      dumped: { id, model: undefined },
      extra: forwarded,
      fromFirstByte: false,
      retries: false,
      usedKey: () => undefined,
    })
    answered(answer.status, inspection?.metadata)
    const { status, headers, body } = await filtered(answer)
    return { interceptionId: id, status, headers, body: failingAsProxy(body, request, id) }
  } catch (error) {
    answered(undefined, inspection?.metadata)
    span?.fail(error instanceof GatewayError ? error.code : 'error')
    throw error instanceof GatewayError ? asProxyError(error, id) : error
  } finally {
    span?.end()
  }
}

/** A body whose provider may go away before its first byte, when clients can still be told. */
async function* failingAsProxy(
  body: AsyncIterable<Uint8Array>,
  { url, signal }: Pick<ModelRequest, 'url' | 'signal'>,
  interceptionId: string,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw asProxyError(error instanceof GatewayError ? error : upstreamFailure(error, url), interceptionId)
  }
}

/** AG-19. */
function asProxyError(error: GatewayError, interceptionId: string): GatewayError {
  if (error.code !== 'upstream_unreachable') return error.with({ interceptionId })
  return new GatewayError(502, error.code, 'upstream proxy error', { interceptionId, cause: error })
}

function traced<Result>(
  trace: InterceptTrace | undefined,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  return trace === undefined ? work() : trace.during(name, work)
}

/** What lets the provider go on with our trace (AG-B22). */
function traceHeaders(
  { governance }: Pick<ExchangeParts, 'governance'>,
  trace: InterceptTrace | undefined,
): Record<string, string> {
  if (trace === undefined || !governance.settings().traceUpstream) return {}
  return { traceparent: trace.traceparent }
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
  { initiator, initiatorId, apiKeyId, headers, agentFirewall }: ModelRequest,
  facts: RequestFacts,
  { provider, model, renamed }: Target,
  credential: Credential | undefined,
): NewInterception {
  const client = clientOf(headers)
  return {
    // In the order of time, as all ids of the rows of requests: there are many, and random ones go anywhere in an index.
    id: randomUUIDv7(),
    initiatorId,
    apiKeyId,
    provider: provider.family,
    providerName: provider.name,
    model,
    requestedModel: facts.requestedModel ?? (renamed === undefined ? undefined : facts.model),
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
    agentFirewall,
  }
}
