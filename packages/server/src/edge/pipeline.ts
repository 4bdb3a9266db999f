import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'

import type { Route } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import { ApiError, INTERNAL_MESSAGE } from '../errors/index.ts'
import { logRequest } from './access-log.ts'
import { type AgentCaller, type FindAgent, requireAgent } from './agent-access.ts'
import type { BoundRoute, Incoming } from './bind.ts'
import { canonicalTarget } from './canonical-target.ts'
import type { AddressResolver } from './client-address.ts'
import { type CookiePolicy, parseCookies, SESSION_COOKIE } from './cookies.ts'
import { corsFor } from './cors.ts'
import { checkCsrf, isSafeMethod } from './csrf.ts'
import { RequestMetrics } from './metrics.ts'
import { pathParameters } from './path-parameters.ts'
import type { Precheck } from './precheck.ts'
import { bucketKey, cleanPath, RateLimiter, rateLimitHeaders, tooManyRequests } from './rate-limit.ts'
import { newRequestId, type RequestContext, runInRequest } from './request-context.ts'
import { type Accepted, requireSession } from './session-access.ts'
import type { OpenStreams } from './streams.ts'
import { tokenOf } from './token-source.ts'
import { bodyCheck, queryReader, refuseNul } from './validation.ts'

const JSON_BODY_LIMIT = 4 * 1024 * 1024
const EMPTY = Buffer.alloc(0)
/** Shared by all requests without a query; nobody changes what a request asked for. */
const NO_SEARCH = new URLSearchParams()

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
  /** Validates a token in full, at once when its rows are known; never rejects (ID-62). */
  readonly validate: (token: string | undefined, context: RequestContext) => Precheck | Promise<Precheck>
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
    claimed: ClaimedRequest | undefined
    cookieValues: Readonly<Record<string, string>>
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
    rewriteUrl: ({ url = '/' }) => canonicalTarget(url),
    frameworkErrors: (error, request, reply) => {
      // The router could not read the address, so that no step of ours has run yet.
      reply.hijack()
      reply.raw.writeHead(error.statusCode ?? 400, {
        'Content-Type': 'application/json; charset=utf-8',
        'X-Coder-Request-Id': request.id,
      })
      reply.raw.end(
        JSON.stringify({ message: 'The address of the request cannot be read.', detail: error.message }),
      )
    },
    forceCloseConnections: 'idle',
    routerOptions: { ignoreDuplicateSlashes: true, maxParamLength: 1024 },
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
  })
  server.decorateRequest('context')
  server.decorateRequest('claimed')
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

  options.streams.attach(server.server, (request, response) => {
    request.url = canonicalTarget(request.url ?? '/')
    server.routing(request, response)
  })
  const always = { 'X-Coder-Build-Version': options.version, 'X-Content-Type-Options': 'nosniff' }
  server.addHook('onRequest', (request, reply, done) => {
    const context = newContext(request, options.addresses)
    request.context = context
    request.claimed = options.apps.claim(context.host, request.url)
    if (request.claimed !== undefined) context.route = request.claimed.limited ? 'SUBDOMAIN_APP' : 'PATH_APP'
    metrics.started(request.method, context.route)
    reply.header('X-Coder-Request-Id', context.id).headers(always)
    runInRequest(context, done)
  })
  server.addHook('onRequest', (request, _reply, done) => {
    request.cookieValues = parseCookies(request.headers.cookie)
    if (options.cookies.hostPrefix) preferBoundCookie(request.cookieValues)
    const at = request.url.indexOf('?')
    request.search = at < 0 ? NO_SEARCH : new URLSearchParams(request.url.slice(at + 1))
    if (WITHOUT_IDENTITY.test(request.url)) return done()
    const token = tokenOf({ cookies: request.cookieValues, headers: request.headers, query: request.search })
    const outcome = options.validate(token, request.context)
    const settle = (settled: Precheck): void => {
      request.context.precheck = settled
      done()
    }
    if (outcome instanceof Promise) outcome.then(settle, done)
    else settle(outcome)
  })
  const api = new RateLimiter(options.limitsDisabled ? 0 : options.apiRateLimit)
  server.addHook('onRequest', (request, reply, done) => {
    const { claimed } = request
    if (claimed === undefined) return done()
    if (claimed.limited && api.enabled) limit(api, request, reply)
    claimed.serve(request, reply).catch(done)
  })
  server.addHook('onRequest', (request, reply, done) => {
    const cors = corsFor(request.url, request.method, options.allowAllOrigins)
    if (cors !== undefined) reply.headers(cors)
    if (request.method === 'OPTIONS') {
      void reply.code(204).send()
      return
    }
    if (isSafeMethod(request.method)) return done()
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
    const ms = reply.elapsedTime
    metrics.finished(request.method, request.context.route, reply.statusCode, ms / 1000)
    logRequest(options.log, request, reply.statusCode, ms)
    done()
  })
  return { server, metrics }
}

/** Where clients find this deployment: as configured, else as they have just reached it (ID-71). */
function baseUrl(context: RequestContext, { accessUrl }: EdgeOptions): string {
  return accessUrl === '' ? `${context.scheme}://${context.host}` : accessUrl
}

/** ID-58: with the prefix only the cookie that browsers bind to this very host counts. */
function preferBoundCookie(cookies: Record<string, string>): void {
  const bound = cookies[`__Host-${SESSION_COOKIE}`]
  if (bound === undefined) delete cookies[SESSION_COOKIE]
  else cookies[SESSION_COOKIE] = bound
}

function newContext(request: FastifyRequest, addresses: AddressResolver): RequestContext {
  const client = addresses.resolve(request.raw, 'encrypted' in request.raw.socket)
  return {
    id: request.id,
    method: request.method,
    route: routeName(request),
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

const routeNames = new Map<string, string>()

/** The pattern of the matched route as the contract writes it (ID-115, ID-116). */
function routeName(request: FastifyRequest): string {
  const pattern = request.routeOptions.url
  if (pattern === undefined) return request.url.startsWith('/api') ? 'UNKNOWN' : 'STATIC'
  let name = routeNames.get(pattern)
  if (name === undefined) {
    name = pattern.replace(/:(\w+)/g, '{$1}')
    routeNames.set(pattern, name)
  }
  return name
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
    const status = Number(Object.keys(route.responses)[0] ?? 200)
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
        const rule = accessRule(bound.access, request, options)
        // Who is known already is not waited for.
        const caller = rule instanceof Promise ? await rule : rule
        const query = read?.(request.search) ?? {}
        if (bound.access !== 'agent') refuseNul(request.body)
        check?.(request.body ?? {})
        reply.code(status)
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

const ANYONE: Caller = { kind: 'anyone' }

/** Who calls, as the route demands it. @throws ApiError 401, 403 or 500. */
function accessRule(
  access: BoundRoute['access'],
  request: FastifyRequest,
  options: EdgeOptions,
): Caller | Promise<Caller> {
  switch (access) {
    case 'public':
      return ANYONE
    case 'session': {
      const accepted = requireSession(request.context, baseUrl(request.context, options), options.activate)
      return accepted instanceof Promise ? accepted.then(asSession) : asSession(accepted)
    }
    case 'agent':
      return requireAgent(request.headers['coder-session-token'], options.findAgent).then((agent) => ({
        kind: 'agent',
        agent,
      }))
  }
}

function asSession(accepted: Accepted): Caller {
  return { kind: 'session', accepted }
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
