import { Readable } from 'node:stream'

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import { describeError } from '@slipway/request-log'
import { type ModelProvider, RESERVED_NAMES } from '../../ai-providers/index.ts'
import type { AppContext } from '../../context.ts'
import { forwardedFor } from '../../edge/index.ts'
import { ApiError } from '../../errors/index.ts'
import { isTranslated, speaksInvokeModel } from '../bedrock/invoke-model.ts'
import { type Admission, admit } from '../exchange/admission.ts'
import type { RequestHeaders } from '../exchange/clients.ts'
import { exchange, passThrough } from '../exchange/exchange.ts'
import { GATEWAY_OFF, GatewayError, INTERCEPTION } from '../exchange/gateway-error.ts'
import { MAX_BODY, type ModelGateway, tooLarge } from '../model-gateway.ts'
import { wireOf } from '../wires/wire.ts'
import { relayHead, tellTiming } from './answer-head.ts'
import {
  authenticate,
  type Caller,
  countedAs,
  GOVERNANCE,
  headersOf,
  ownCredential,
  type Validate,
  withoutToken,
} from './caller.ts'
import { streamedAnswer, wholeAnswer } from './client-answer.ts'
import { editForGoogle, editRequest } from './edit-request.ts'
import { firewallMarkOf } from './firewall-mark.ts'
import { Overload } from './overload.ts'
import { destinationOf } from './paths.ts'
import { watchClient } from './slow-client.ts'
import { wantsSignatures } from './thought-signatures.ts'

const PREFIXES = ['/api/v2/ai-gateway', '/api/v2/aibridge'] as const

/** What the data plane needs of the server. */
export interface DataPlaneParts {
  readonly context: AppContext
  readonly gateway: ModelGateway
  /** Who a token stands for. */
  readonly validate: Validate
}

/** A request that may be made, before its body has been read. */
interface Admitted {
  readonly headers: RequestHeaders
  readonly caller: Caller
  readonly initiator: Admission
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
}

/**
 * The paths under which clients of models reach providers through the gateway, with a token of this deployment in the
 * place of a key (chapter 05 sections 2.1, 4 and 5).
 */
export function mountDataPlane(server: FastifyInstance, parts: DataPlaneParts): void {
  const { config, log } = parts.context
  const { gateway } = parts
  const overload = new Overload(
    {
      maxConcurrency: config.aiGatewayMaxConcurrency,
      rate: config.aiGatewayRateLimit,
      settings: () => gateway.parts.governance.settings(),
    },
    Date.now,
    gateway.parts.resilience,
    gateway.stopped,
  )
  const isCounted = (request: FastifyRequest, prefix: string): boolean =>
    config.aiGatewayRateLimit > 0 &&
    (config.aiGatewayRateLimitPassthrough || !isPassedThrough(request, prefix, gateway))
  const admitted = new WeakMap<FastifyRequest, Admitted>()
  for (const prefix of PREFIXES)
    for (const url of [`${prefix}/:provider/*`, `${prefix}/:provider`])
      server.route({
        method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        url,
        bodyLimit: MAX_BODY,
        config: { takesBytes: true, isCatchAll: true },
        // Before the body is read: only who may ask is listened to (chapter 05 section 4).
        onRequest: async (request, reply) => {
          // Another method of an address that is not ours.
          if (RESERVED_NAMES.has(pathBehind(request, prefix).slice(1))) return reply.callNotFound()
          if (!config.aiGatewayEnabled) throw new GatewayError(403, 'feature_disabled', GATEWAY_OFF)
          gateway.stopped.throwIfAborted()
          const left = new AbortController()
          const { signal } = left
          const places: Disposable[] = []
          let over = false
          // A place is held until the answer has been sent or the client has left (AG-64).
          const hold = (place: Disposable): void => {
            if (over) place[Symbol.dispose]()
            else places.push(place)
          }
          onceOver(request, reply, (answered) => {
            // With nothing under way any more nobody has to be told: to do so costs a twentieth of a whole request.
            if (!answered) left.abort(new Error('the client left'))
            over = true
            for (const place of places) place[Symbol.dispose]()
          })
          const place = overload.admit(isCounted(request, prefix) ? countedAs(request) : undefined, signal)
          hold(place instanceof Promise ? await place : place)
          const headers = headersOf(request)
          const caller = await callerOf(parts, request, headers)
          const own = overload.admitUser(caller.userId, signal)
          if (own !== undefined) hold(own instanceof Promise ? await own : own)
          const initiator = await admit(parts.context, gateway.parts, caller.userId, caller.keyId)
          admitted.set(request, { headers, caller, initiator, signal })
        },
        errorHandler: (error, request, reply) => {
          refuse(
            request,
            reply,
            asGatewayError(error, (cause) =>
              log.error('the AI gateway failed', { error: describeError(cause) }),
            ),
          )
        },
        handler: async (request, reply) => {
          const known = admitted.get(request)
          if (known === undefined) throw new Error('a request was not admitted')
          await serve(parts, request, reply, prefix, known)
          return reply
        },
      })
}

/**
 * Calls back when a request has been answered in full or its client has left, perhaps before anybody listened; maybe
 * twice.
 */
function onceOver(request: FastifyRequest, { raw }: FastifyReply, over: (answered: boolean) => void): void {
  // Of an answer without a body the provider may still be sending one.
  const ended = (): void => over(raw.writableFinished && request.method !== 'HEAD')
  raw.once('close', ended)
  if (raw.closed || request.raw.socket.destroyed) ended()
}

/** Steps 4 to 8 of chapter 05 section 4. */
async function callerOf(
  { context, gateway, validate }: DataPlaneParts,
  request: FastifyRequest,
  headers: RequestHeaders,
): Promise<Caller> {
  if (headers[GOVERNANCE]?.trim() && !context.config.aiGatewayAllowByok)
    throw new GatewayError(403, 'byok_disabled', 'Bring Your Own Key (BYOK) mode is not enabled.', {
      detail: 'Contact your administrator to enable it with --ai-gateway-allow-byok.',
    })
  return authenticate(headers, request.context, validate, gateway.parts.lastCallers)
}

function asGatewayError(error: unknown, unexpected: (error: unknown) => void): GatewayError {
  if (error instanceof GatewayError) return error
  const status = error instanceof ApiError ? error.status : statusOf(error)
  if (status === 413) return tooLarge()
  // The limit of the whole API (AG-7).
  if (error instanceof ApiError && status === 429)
    return new GatewayError(429, 'rate_limited', error.message, {
      retryAfterSeconds: Number(error.headers['Retry-After'] ?? 1),
    })
  if (status !== undefined && status < 500)
    return new GatewayError(
      status,
      'invalid_request',
      error instanceof Error ? error.message : 'invalid request',
    )
  unexpected(error)
  return new GatewayError(500, 'internal_error', 'an internal error occurred', { cause: error })
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined
}

/** What is refused before there is a record of it goes by the id of the request itself. */
function refuse(request: FastifyRequest, reply: FastifyReply, error: GatewayError): void {
  const { id } = request.context
  void reply.code(error.status).headers(error.headers())
  nameRecord(request, reply, error.interceptionId ?? id)
  void reply.send(error.body(id))
}

/** Names the record of a request to its client, and in its line of the log (AG-B6). */
function nameRecord(request: FastifyRequest, reply: FastifyReply, interceptionId: string): void {
  reply.header(INTERCEPTION, interceptionId)
  request.context.logFields.interception_id = interceptionId
}

async function serve(
  { context, gateway }: DataPlaneParts,
  request: FastifyRequest,
  reply: FastifyReply,
  prefix: string,
  { headers: given, caller, initiator, signal }: Admitted,
): Promise<void> {
  const headers = withoutToken(given, caller.token)
  const { provider, path, query } = target(request, prefix, gateway)
  const destination = provider === undefined ? undefined : destinationOf(provider, path, query)
  if (
    provider === undefined ||
    destination === undefined ||
    // AG-13: nor can it be left out there.
    path.includes(caller.token) ||
    (speaksInvokeModel(provider) && !isTranslated(path))
  )
    throw new GatewayError(
      404,
      'route_not_supported',
      `route not supported: ${request.method} ${pathBehind(request, prefix)}`,
    )
  if (query !== '')
    for (const [name, value] of [...destination.url.searchParams])
      if (value.includes(caller.token)) destination.url.searchParams.delete(name)
  const agentFirewall = firewallMarkOf(given)
  const byok = given[GOVERNANCE]?.trim() ? ownCredential(provider, given, caller.token) : undefined
  if (provider.family === 'copilot' && byok === undefined)
    throw new GatewayError(
      401,
      'missing_credential',
      'missing Copilot authorization: Authorization header not found or invalid',
    )
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const common = {
    provider,
    initiatorId: caller.userId,
    initiator,
    apiKeyId: caller.keyId,
    method: request.method,
    url: destination.url,
    route: destination.route,
    headers,
    byok,
    relayRefusal: false,
    token: caller.token,
    agentFirewall,
    signal,
  }
  if (destination.kind === 'passthrough') {
    const { remoteAddress, host, scheme } = request.context
    const answer = await passThrough(gateway.parts, {
      ...common,
      body,
      path,
      forwarded: {
        'x-forwarded-for': forwardedFor(request.raw, remoteAddress),
        'x-forwarded-host': host,
        'x-forwarded-proto': scheme,
        ...(headers['user-agent'] === undefined ? { 'user-agent': 'aibridge' } : {}),
      },
    })
    relayHead(reply, answer)
    warnOfBudget(reply, initiator)
    nameRecord(request, reply, answer.interceptionId)
    await reply.send(Readable.from(answer.body))
    return
  }
  const wire = wireOf(destination.url.pathname)
  const edit = wantsSignatures(provider) ? editForGoogle : editRequest
  const answer = await exchange(gateway.parts, { ...common, body, edit }).catch((error: unknown) => {
    throw wire === 'responses' ? asOfResponses(error) : error
  })
  relayHead(reply, answer)
  warnOfBudget(reply, initiator)
  nameRecord(request, reply, answer.interceptionId)
  tellTiming(reply, answer, request.context.startedTick)
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = answer.headers
  // What is encoded in a way that is not known passes as it is.
  const seen = answer.status < 400 && encoding === 'identity' ? wire : 'other'
  if (answer.status < 400 && typeof type === 'string' && /^text\/event-stream\b/i.test(type)) {
    reply.headers({ 'cache-control': 'no-cache', 'x-accel-buffering': 'no' })
    const stream = Readable.from(
      encoding === 'identity' ? streamedAnswer(answer.body, wire, answer.interceptionId) : answer.body,
    )
    watchClient(stream, reply.raw, (milliseconds) =>
      context.log.warn('slow client detected', {
        ...answer.logFields(),
        duration_ms: milliseconds,
        ip: request.context.remoteAddress,
      }),
    )
    await reply.send(stream)
    return
  }
  const whole = await wholeAnswer(answer.body, seen, answer.interceptionId)
  if (Buffer.isBuffer(whole)) await reply.send(whole)
  else await reply.header('x-accel-buffering', 'no').send(Readable.from(whole))
}

/** Says of a budget that is not enforced that it is used up (AG-B14). */
function warnOfBudget(reply: FastifyReply, { budgetWarning }: Admission): void {
  if (budgetWarning !== undefined) reply.header('x-slipway-ai-budget-warning', budgetWarning)
}

/** A provider's silence as clients of the Responses API know it, whether it was away or too slow (AG-34). */
function asOfResponses(error: unknown): unknown {
  if (!(error instanceof GatewayError) || (error.code !== 'upstream_unreachable' && error.code !== 'timeout'))
    return error
  return error.with({ status: 500, ofResponses: true })
}

/** Whether a request is relayed without being recorded; what cannot be told is not. */
function isPassedThrough(request: FastifyRequest, prefix: string, gateway: ModelGateway): boolean {
  try {
    const { provider, path } = target(request, prefix, gateway)
    return provider !== undefined && destinationOf(provider, path, '')?.kind === 'passthrough'
  } catch {
    return false
  }
}

/** What a path has behind the gateway's own, without a query. */
function pathBehind({ url }: FastifyRequest, prefix: string): string {
  const mark = url.indexOf('?')
  return url.slice(prefix.length, mark < 0 ? undefined : mark)
}

/** The provider that a path names, and what comes behind its name. @throws GatewayError 503 while it is off (AG-4). */
function target(
  request: FastifyRequest,
  prefix: string,
  gateway: ModelGateway,
): { readonly provider: ModelProvider | undefined; readonly path: string; readonly query: string } {
  const { url } = request
  const mark = url.indexOf('?')
  const behind = pathBehind(request, prefix).slice(1)
  const slash = behind.indexOf('/')
  const end = slash < 0 ? behind.length : slash
  const name = behind.slice(0, end)
  const provider = gateway.providers.list().find((one) => one.name === name)
  if (provider?.status === 'disabled')
    throw new GatewayError(
      503,
      'provider_disabled',
      `provider_disabled: AI provider ${JSON.stringify(name)} is disabled`,
    )
  return {
    provider: provider?.status === 'enabled' ? provider : undefined,
    path: behind.slice(end),
    query: mark < 0 ? '' : url.slice(mark),
  }
}
