import { Readable } from 'node:stream'

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import { describeError } from '@slipway/request-log'
import { type ModelProvider, maskSecret } from '../../ai-providers/index.ts'
import { isAllowed } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import {
  forwardedFor,
  limitedSubject,
  type Precheck,
  type RequestContext,
  tokenOf,
} from '../../edge/index.ts'
import { ApiError } from '../../errors/index.ts'
import { admit } from '../admission.ts'
import type { RequestHeaders } from '../clients.ts'
import type { Credential } from '../credentials.ts'
import { exchange, passThrough } from '../exchange.ts'
import { GatewayError } from '../gateway-error.ts'
import { MAX_BODY, type ModelGateway, tooLarge } from '../model-gateway.ts'
import type { AnswerHeaders } from '../upstream.ts'
import { at, parseJson } from '../wires/json.ts'
import { wireOf } from '../wires/wire.ts'
import { streamedAnswer, wholeAnswer } from './client-answer.ts'
import { editMembers } from './json-members.ts'
import { Overload } from './overload.ts'
import { destinationOf } from './paths.ts'

const PREFIXES = ['/api/v2/ai-gateway', '/api/v2/aibridge'] as const
const GOVERNANCE = 'x-coder-ai-governance-token'

/** What the data plane needs of the server. */
export interface DataPlaneParts {
  readonly context: AppContext
  readonly gateway: ModelGateway
  /** Who a token stands for. */
  readonly validate: (token: string, request: RequestContext) => Precheck | Promise<Precheck>
}

interface Caller {
  readonly userId: string
  readonly keyId: string
}

/**
 * The paths under which clients of models reach providers through the gateway, with a token of this deployment in the
 * place of a key (chapter 05 sections 2.1, 4 and 5).
 */
export function mountDataPlane(server: FastifyInstance, parts: DataPlaneParts): void {
  const { config, log } = parts.context
  const overload = new Overload({
    maxConcurrency: config.aiGatewayMaxConcurrency,
    rate: config.aiGatewayRateLimit,
  })
  for (const prefix of PREFIXES)
    server.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      url: `${prefix}/:provider/*`,
      bodyLimit: MAX_BODY,
      config: { takesBytes: true },
      // A place is held from before the body is read until the answer has been sent or the client has left (AG-64).
      onRequest: (request, reply, done) => {
        try {
          if (!config.aiGatewayEnabled)
            throw new GatewayError(
              403,
              'feature_disabled',
              'The AI gateway is off: see --ai-gateway-enabled.',
            )
          const place = overload.admit(callerOf(request))
          reply.raw.once('close', () => place[Symbol.dispose]())
          done()
        } catch (error) {
          if (error instanceof GatewayError) refuse(request, reply, error)
          else throw error
        }
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
        const left = new AbortController()
        reply.raw.once('close', () => left.abort(new Error('the client left')))
        await serve(parts, request, reply, prefix, left.signal)
        return reply
      },
    })
}

function asGatewayError(error: unknown, unexpected: (error: unknown) => void): GatewayError {
  if (error instanceof GatewayError) return error
  const status = error instanceof ApiError ? error.status : statusOf(error)
  if (status === 413) return tooLarge()
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

function refuse(request: FastifyRequest, reply: FastifyReply, error: GatewayError): void {
  void reply.code(error.status).headers(error.headers()).send(error.body(request.context.id))
}

async function serve(
  { context, gateway, validate }: DataPlaneParts,
  request: FastifyRequest,
  reply: FastifyReply,
  prefix: string,
  signal: AbortSignal,
): Promise<void> {
  const headers = headersOf(request)
  const governance = headers[GOVERNANCE]?.trim() ?? ''
  if (governance !== '' && !context.config.aiGatewayAllowByok)
    throw new GatewayError(403, 'byok_disabled', 'Bring Your Own Key (BYOK) mode is not enabled.')
  const caller = await authenticate(headers, request.context, validate)
  const initiator = await admit(context, gateway.parts.metrics, caller.userId)
  const { provider, path, query } = target(request, prefix, gateway)
  const destination = provider === undefined ? undefined : destinationOf(provider, path, query)
  if (provider === undefined || destination === undefined)
    throw new GatewayError(404, 'route_not_supported', `route not supported: ${request.method} ${path}`)
  if (provider.bedrock?.protocol === 'invoke-model')
    throw new GatewayError(
      501,
      'route_not_supported',
      'providers that speak the invoke-model protocol of Bedrock are for chats: set the protocol mantle',
    )
  const byok = governance === '' ? undefined : ownCredential(provider, headers)
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
    route: path,
    headers,
    byok,
    relayRefusal: false,
    signal,
  }
  if (destination.kind === 'passthrough') {
    const { remoteAddress, host, scheme } = request.context
    const answer = await passThrough(gateway.parts, {
      ...common,
      body,
      forwarded: {
        'x-forwarded-for': forwardedFor(request.raw, remoteAddress),
        'x-forwarded-host': host,
        'x-forwarded-proto': scheme,
        ...(headers['user-agent'] === undefined ? { 'user-agent': 'aibridge' } : {}),
      },
    })
    relayHead(reply, answer)
    await reply.send(Readable.from(answer.body))
    return
  }
  const wire = wireOf(destination.url.pathname)
  const answer = await exchange(gateway.parts, { ...common, body: edited(wire, body) })
  relayHead(reply, answer)
  reply.header('x-slipway-interception-id', answer.interceptionId)
  const type = answer.headers['content-type']
  if (answer.status < 400 && typeof type === 'string' && type.startsWith('text/event-stream')) {
    reply.headers({ 'cache-control': 'no-cache', 'x-accel-buffering': 'no' })
    await reply.send(Readable.from(streamedAnswer(answer.body, wire, answer.interceptionId)))
    return
  }
  await reply.send(
    await wholeAnswer(answer.body, answer.status < 400 ? wire : 'other', answer.interceptionId),
  )
}

function headersOf(request: FastifyRequest): RequestHeaders {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  return headers
}

/** The credential that is counted: the one that would be used, else any, else the address (AG-66). */
function callerOf(request: FastifyRequest): string {
  const own = tokenFrom(headersOf(request))
  if (own !== undefined) return `token ${own}`
  const other = tokenOf({
    cookies: request.cookieValues,
    headers: request.headers,
    query: request.credentialSearch,
  })
  const token = typeof other === 'string' ? other : other?.token
  if (token !== undefined) return `token ${token}`
  return `address ${limitedSubject(undefined, request.context.remoteAddress)}`
}

/** AG-10. */
function tokenFrom(headers: RequestHeaders): string | undefined {
  return headers[GOVERNANCE]?.trim() || bearerOf(headers) || headers['x-api-key']?.trim() || undefined
}

function bearerOf({ authorization = '' }: RequestHeaders): string | undefined {
  const [scheme = '', token, ...more] = authorization.trim().split(/\s+/)
  return scheme.toLowerCase() === 'bearer' && more.length === 0 ? token : undefined
}

/** @throws GatewayError 400 without a token, 403 for one that is not good, 500 when that cannot be found out (AG-11). */
async function authenticate(
  headers: RequestHeaders,
  request: RequestContext,
  validate: DataPlaneParts['validate'],
): Promise<Caller> {
  const token = tokenFrom(headers)
  if (token === undefined) throw new GatewayError(400, 'invalid_request', 'no authentication key provided')
  const outcome = await validate(token, request)
  if (!outcome.ok && outcome.status === 500)
    throw new GatewayError(500, 'internal_error', 'the authentication key could not be checked', {
      cause: outcome.cause,
    })
  if (
    !outcome.ok ||
    outcome.owner.status !== 'active' ||
    outcome.owner.isSystem ||
    // What a token may do says whether it may do this.
    !isAllowed(outcome.actor, 'create', { type: 'aibridge_interception', owner: outcome.owner.id })
  )
    throw new GatewayError(403, 'unauthorized', 'unauthorized')
  request.apiKeyId = outcome.key.id
  return { userId: outcome.owner.id, keyId: outcome.key.id }
}

/** The provider that a path names, and what comes behind its name. @throws GatewayError 503 while it is off (AG-4). */
function target(
  request: FastifyRequest,
  prefix: string,
  gateway: ModelGateway,
): { readonly provider: ModelProvider | undefined; readonly path: string; readonly query: string } {
  const { url } = request
  const mark = url.indexOf('?')
  const behind = url.slice(prefix.length + 1, mark < 0 ? undefined : mark)
  const slash = behind.indexOf('/')
  const name = behind.slice(0, slash)
  const provider = gateway.providers.list().find((one) => one.name === name)
  if (provider?.status === 'disabled')
    throw new GatewayError(
      503,
      'provider_disabled',
      `provider_disabled: AI provider ${JSON.stringify(name)} is disabled`,
    )
  return {
    provider: provider?.status === 'enabled' ? provider : undefined,
    path: behind.slice(slash),
    query: mark < 0 ? '' : url.slice(mark),
  }
}

/** What a user brings in the request itself (AG-13, AG-14). */
function ownCredential({ family, bedrock }: ModelProvider, headers: RequestHeaders): Credential | undefined {
  const key = headers['x-api-key']?.trim()
  if (family === 'anthropic' && key && bedrock === undefined) return byok(key, { 'x-api-key': key })
  const token = bearerOf(headers)
  return token === undefined ? undefined : byok(token, { authorization: `Bearer ${token}` })
}

function byok(secret: string, header: Record<string, string>): Credential {
  return {
    kind: 'byok',
    hint: maskSecret(secret),
    sign: async ({ headers }) => ({ ...headers, ...header }),
  }
}

/** The body with what the gateway needs to be told (AG-27); all else stays as it is. */
function edited(wire: ReturnType<typeof wireOf>, body: Buffer): Buffer {
  if (wire === 'responses') {
    if (body.includes('"background"') && at(parseJson(body.toString('utf8')), 'background') === true)
      throw new GatewayError(
        501,
        'route_not_supported',
        'background requests are currently not supported by AI Gateway',
      )
    return body
  }
  if (wire !== 'chat') return body
  const request = body.toString('utf8')
  const parsed = parseJson(request)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return body
  if (at(parsed, 'stream') !== true)
    return at(parsed, 'stream_options') === undefined
      ? body
      : Buffer.from(editMembers(request, { stream_options: undefined }))
  return Buffer.from(
    editMembers(request, {
      n: () => '1',
      stream_options: (before) =>
        before?.startsWith('{') === true
          ? editMembers(before, { include_usage: () => 'true' })
          : '{"include_usage":true}',
    }),
  )
}

/** Headers of an answer that hold between the provider and us only. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'trailer',
  'upgrade',
  'proxy-authenticate',
  'set-cookie',
  'strict-transport-security',
  'alt-svc',
])

function relayHead(
  reply: FastifyReply,
  answer: { readonly status: number; readonly headers: AnswerHeaders },
): void {
  reply.code(answer.status)
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !HOP_BY_HOP.has(name)) reply.header(name, value)
}
