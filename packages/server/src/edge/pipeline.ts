import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'

import type { Route } from '@slipway/contract'
import { describeError, type Logger, safeQueryFields } from '@slipway/request-log'
import { ApiError, INTERNAL_MESSAGE } from '../errors/index.ts'
import { type AgentCaller, type FindAgent, requireAgent } from './agent-access.ts'
import type { BoundRoute, Incoming } from './bind.ts'
import type { AddressResolver } from './client-address.ts'
import { type CookiePolicy, parseCookies, SESSION_COOKIE } from './cookies.ts'
import { corsFor } from './cors.ts'
import { checkCsrf } from './csrf.ts'
import { RequestMetrics } from './metrics.ts'
import { pathParameters } from './path-parameters.ts'
import type { Precheck } from './precheck.ts'
import { bucketKey, cleanPath, RateLimiter, rateLimitHeaders, tooManyRequests } from './rate-limit.ts'
import { newRequestId, type RequestContext, runInRequest } from './request-context.ts'
import { type Accepted, requireSession } from './session-access.ts'
import type { OpenStreams } from './streams.ts'
import { tokenOf } from './token-source.ts'
import { bodyCheck, queryReader } from './validation.ts'

const JSON_BODY_LIMIT = 4 * 1024 * 1024
const EMPTY = Buffer.alloc(0)

/** Paths that need no identity and must work without a database (ID-66). */
const WITHOUT_IDENTITY = /^\/(healthz|readyz|latency-check|assets\/|bin\/|derp)/

/** What the edge needs from the rest of the server. */
export interface EdgeOptions {
  readonly log: Logger
  readonly version: string
  readonly accessUrl: string
  readonly addresses: AddressResolver
  readonly cookies: CookiePolicy
  readonly apiRateLimit: number
  readonly limitsDisabled: boolean
  readonly allowAllOrigins: boolean
  /** Validates a token in full; never rejects (ID-62). */
  readonly validate: (token: string | undefined, context: RequestContext) => Promise<Precheck>
  /** Makes a dormant user active, with its audit (ID-68). */
  readonly activate: (accepted: Accepted) => Promise<Accepted>
  readonly findAgent: FindAgent
  readonly streams: OpenStreams
  readonly apps: AppDispatch
  /** Answers requests that are for no route of the API. */
  readonly page: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>
}

/** Workspace apps, as the edge sees them: some requests are theirs, whatever their path says (AC-183). */
export interface AppDispatch {
  /** Whether a request is for an app; `limited` ones count against the limits of the API (AC-215). */
  claim(host: string, url: string): ClaimedRequest | undefined
}

/** A request that an app answers. */
export interface ClaimedRequest {
  readonly limited: boolean
  serve(request: FastifyRequest, reply: FastifyReply): Promise<void>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    takesBytes?: boolean
  }
  interface FastifyRequest {
    context: RequestContext
    cookieValues: Record<string, string>
    search: URLSearchParams
  }
}

const ANONYMOUS: Precheck = {
  ok: false,
  status: 401,
  message: 'You are signed out or your session has expired. Please sign in again to continue.',
  detail: 'Cookie "coder_session_token" or query parameter must be provided.',
  reason: 'no-credential',
  hard: false,
}

/**
 * The HTTP server with every step that a request passes, in the order of ID-98. Steps that must see all
 * requests are root hooks; access rule and validation belong to the route.
 */
export function createEdge(options: EdgeOptions): {
  readonly server: FastifyInstance
  readonly metrics: RequestMetrics
} {
  const metrics = new RequestMetrics()
  const server = fastify({
    bodyLimit: JSON_BODY_LIMIT,
    genReqId: newRequestId,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreDuplicateSlashes: true },
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
  })
  server.decorateRequest('context')
  server.decorateRequest('cookieValues')
  server.decorateRequest('search')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    ['application/json', 'text/plain'],
    { parseAs: 'string' },
    (request, body, done) => {
      if (request.routeOptions.config.takesBytes === true) return done(null, Buffer.from(String(body)))
      if (body === '') return done(null, undefined)
      try {
        done(null, JSON.parse(String(body)))
      } catch {
        done(new ApiError(400, 'Request body must be valid JSON.'), undefined)
      }
    },
  )

  // Routes that take files say so; any other type is refused by the framework with 415.
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    if (request.routeOptions.config.takesBytes === true) return done(null, body)
    done(new ApiError(415, 'Unsupported content type: send application/json.'), undefined)
  })

  options.streams.attach(server.server, (request, response) => server.routing(request, response))
  server.addHook('onRequest', (request, reply, done) => {
    request.context = newContext(request, options.addresses)
    metrics.started(request.method, request.context.route)
    reply.header('X-Coder-Request-Id', request.id)
    reply.header('X-Coder-Build-Version', options.version)
    reply.header('X-Content-Type-Options', 'nosniff')
    runInRequest(request.context, done)
  })
  server.addHook('onRequest', async (request) => {
    request.cookieValues = parseCookies(request.headers.cookie)
    const at = request.url.indexOf('?')
    request.search = new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1))
    if (WITHOUT_IDENTITY.test(request.url)) return
    const token = tokenOf({ cookies: request.cookieValues, headers: request.headers, query: request.search })
    request.context.precheck = await options.validate(token, request.context)
  })
  const api = new RateLimiter(options.limitsDisabled ? 0 : options.apiRateLimit)
  server.addHook('onRequest', async (request, reply) => {
    const claimed = options.apps.claim(request.context.host, request.url)
    if (claimed === undefined) return
    if (claimed.limited && api.enabled) limit(api, request, reply)
    request.context.route = claimed.limited ? 'SUBDOMAIN_APP' : 'PATH_APP'
    await claimed.serve(request, reply)
    return reply
  })
  server.addHook('onRequest', (request, reply, done) => {
    const cors = corsFor(request.url, request.method, options.allowAllOrigins)
    reply.headers(cors.headers)
    if (request.method === 'OPTIONS') {
      void reply.code(204).send()
      return
    }
    const path = cleanPath(request.url.split('?', 1)[0] ?? '/')
    checkCsrf(
      {
        method: request.method,
        path,
        cookies: request.cookieValues,
        headers: request.headers,
        query: request.search,
      },
      SESSION_COOKIE,
    )
    done()
  })

  server.addHook('onRequest', (request, reply, done) => {
    if (api.enabled && /^\/+api\//.test(request.url)) limit(api, request, reply)
    done()
  })

  server.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log, metrics))
  server.setNotFoundHandler((request, reply) => {
    if (request.url.startsWith('/api')) return reply.code(404).send({ message: 'Route not found.' })
    return options.page(request, reply)
  })
  server.addHook('onResponse', (request, reply, done) => {
    const seconds = reply.elapsedTime / 1000
    metrics.finished(request.method, request.context.route, reply.statusCode, seconds)
    logRequest(options.log, request, reply)
    done()
  })
  return { server, metrics }
}

function newContext(request: FastifyRequest, addresses: AddressResolver): RequestContext {
  const client = addresses.resolve(request.raw, 'encrypted' in request.raw.socket)
  const pattern = request.is404 ? undefined : request.routeOptions.url
  return {
    id: request.id,
    method: request.method,
    route: pattern?.replace(/:(\w+)/g, '{$1}') ?? (request.url.startsWith('/api') ? 'UNKNOWN' : 'STATIC'),
    remoteAddress: client.remoteAddress,
    host: client.host,
    scheme: client.scheme,
    receivedHost: request.headers.host ?? '',
    startedAt: Date.now(),
    webSocket: request.headers.upgrade?.toLowerCase() === 'websocket',
    apiKeyId: undefined,
    precheck: ANONYMOUS,
    statements: 0,
    logFields: {},
  }
}

/** Counts a request; owners may ask to be left out (ID-124). */
function limit(limiter: RateLimiter, request: FastifyRequest, reply: FastifyReply): void {
  const outcome = request.context.precheck
  const bypass = request.headers['x-coder-bypass-ratelimit']
  if (outcome.ok && typeof bypass === 'string' && /^(1|t|true)$/i.test(bypass)) {
    if (outcome.owner.siteRoles.includes('owner')) return
    throw new ApiError(
      428,
      'The X-Coder-Bypass-Ratelimit header is only for users with the owner role: leave it out.',
      {
        plainText: true,
      },
    )
  }
  const path = request.url.split('?', 1)[0] ?? '/'
  const decision = limiter.take(
    bucketKey(outcome.ok ? outcome.owner.id : undefined, request.context.remoteAddress, path),
  )
  if (!decision.allowed) throw tooManyRequests(decision)
  reply.headers(rateLimitHeaders(decision))
}

/** Puts the operations on the server: limit of the route, access rule, validation, use case (ID-98). */
export function mount(server: FastifyInstance, routes: readonly BoundRoute[], options: EdgeOptions): void {
  for (const bound of routes) {
    const { route, limits } = bound
    const check = route.body === undefined ? undefined : bodyCheck(route.body)
    const read = route.query === undefined ? undefined : queryReader(route.query)
    const own = new RateLimiter(options.limitsDisabled ? 0 : (limits.perMinute ?? 0))
    const [status = '200'] = Object.keys(route.responses)
    server.route({
      method: route.method,
      url: route.path.replace(/\{([^}]+)\}/g, ':$1'),
      bodyLimit: limits.bodyLimit ?? JSON_BODY_LIMIT,
      config: { takesBytes: route.consumes !== undefined },
      schema: {
        response: Object.fromEntries(Object.entries(route.responses).filter(([, schema]) => schema !== null)),
      },
      onRequest: (request, reply, done) => {
        if (own.enabled) limit(own, request, reply)
        done()
      },
      handler: async (request, reply) => {
        const caller = await accessRule(bound.access, request, options)
        const query = read?.(request.search) ?? {}
        check?.(request.body ?? {})
        reply.code(Number(status))
        const incoming = {
          context: request.context,
          params: pathParameters(request.params),
          query: query as never,
          body: (request.body ?? {}) as never,
          bytes: Buffer.isBuffer(request.body) ? request.body : EMPTY,
          raw: request,
          reply,
          upgrade: () => options.streams.accept(request, reply),
          events: () => options.streams.events(request, reply),
        }
        const body = await answer(bound, incoming, caller)
        // A stream or a file has been sent already: there is nothing left to serialize.
        return reply.sent ? undefined : body
      },
    })
  }
}

type Caller =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'session'; readonly accepted: Accepted }
  | { readonly kind: 'agent'; readonly agent: AgentCaller }

/** Who calls, as the route demands it. @throws ApiError 401, 403 or 500. */
async function accessRule(
  access: BoundRoute['access'],
  request: FastifyRequest,
  options: EdgeOptions,
): Promise<Caller> {
  switch (access) {
    case 'public':
      return { kind: 'anyone' }
    case 'session':
      return {
        kind: 'session',
        accepted: await requireSession(request.context, options.accessUrl, options.activate),
      }
    case 'agent':
      return {
        kind: 'agent',
        agent: await requireAgent(request.headers['coder-session-token'], options.findAgent),
      }
  }
}

function answer(bound: BoundRoute, incoming: Incoming<Route>, caller: Caller): Promise<unknown> {
  if (bound.access === 'session' && caller.kind === 'session') {
    const { actor, key, owner } = caller.accepted
    return bound.handle({ ...incoming, actor, key, owner })
  }
  if (bound.access === 'agent' && caller.kind === 'agent')
    return bound.handle({ ...incoming, agent: caller.agent })
  if (bound.access === 'public') return bound.handle(incoming)
  throw new Error(`a route for ${bound.access} was reached by ${caller.kind}`)
}

function stringParams(params: unknown): Record<string, string> {
  if (typeof params !== 'object' || params === null) return {}
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))
}

/** The only place that turns an error into a response (ID-88, ID-119, ID-221). */
function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
  metrics: RequestMetrics,
): FastifyReply {
  const known = error instanceof ApiError ? error : fromFramework(error, request)
  if (known === undefined || known.status >= 500)
    log.warn('request failed', {
      request_id: request.id,
      stack: describeError(known?.cause ?? error),
    })
  if (known === undefined)
    return reply.code(500).send({ message: INTERNAL_MESSAGE, detail: `Reference: ${request.id}` })
  if (known.status === 413) metrics.tooLarge(request.method, request.context.route, 'request_body')
  reply.code(known.status).headers(known.headers)
  if (known.plainText) return reply.type('text/plain; charset=utf-8').send(known.message)
  return reply.type('application/json; charset=utf-8').send(
    JSON.stringify({
      message: known.message,
      ...(known.detail === undefined ? {} : { detail: known.detail }),
      ...(known.validations.length === 0 ? {} : { validations: known.validations }),
    }),
  )
}

/** Errors that the framework itself raises before a handler runs. */
function fromFramework(error: unknown, request: FastifyRequest): ApiError | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ApiError(413, 'Request body too large.', {
        detail: `Maximum request body size is ${request.routeOptions.bodyLimit ?? JSON_BODY_LIMIT} bytes.`,
      })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ApiError(415, 'Unsupported content type: send application/json.')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new ApiError(400, 'Request body does not have the length that its header says.')
    default:
      return undefined
  }
}

/** The one line of a request: debug below 500, warn from there on (ID-108…ID-112). */
function logRequest(log: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const level = reply.statusCode >= 500 ? 'warn' : 'debug'
  if (!log.enabled(level)) return
  const context = request.context
  const [path = '/', search = ''] = request.url.split('?', 2)
  const outcome = context.precheck
  const params = Object.entries(stringParams(request.params)).map(([name, value]) => [
    `params_${name}`,
    value,
  ])
  log[level](request.method, {
    request_id: context.id,
    user_agent: request.headers['user-agent'],
    host: context.host,
    received_host: context.receivedHost,
    path,
    route: context.route,
    proto: `HTTP/${request.raw.httpVersion}`,
    remote_addr: context.remoteAddress,
    start: new Date(context.startedAt).toISOString(),
    status_code: reply.statusCode,
    latency_ms: Math.round(reply.elapsedTime * 1000) / 1000,
    statements: context.statements,
    ...(context.apiKeyId === undefined ? {} : { api_key_id: context.apiKeyId }),
    ...(outcome.ok
      ? {
          requestor_id: outcome.owner.id,
          requestor_name: outcome.owner.username,
          requestor_email: outcome.owner.email,
        }
      : {}),
    ...Object.fromEntries(params),
    ...safeQueryFields(search),
    ...context.logFields,
  })
}
