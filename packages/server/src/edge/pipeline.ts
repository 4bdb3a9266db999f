import type { Server } from 'node:http'

import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'

import type { Logger } from '@slipway/request-log'
import { ApiError } from '../errors/index.ts'
import { logRequest } from './access-log.ts'
import type { FindAgent } from './agent-access.ts'
import { JSON_BODY_LIMIT, readBodies } from './body-parser.ts'
import { canonicalTarget } from './canonical-target.ts'
import type { AddressResolver } from './client-address.ts'
import { type CookiePolicy, parseCookies, SESSION_COOKIE } from './cookies.ts'
import { corsFor } from './cors.ts'
import { checkCsrf, isSafeMethod } from './csrf.ts'
import { answerError } from './error-response.ts'
import { KnownRoutes } from './known-routes.ts'
import { RequestMetrics } from './metrics.ts'
import type { Precheck } from './precheck.ts'
import { cleanPath, limitedSubject, RateLimiter, rateLimitHeaders, tooManyRequests } from './rate-limit.ts'
import { newRequestId, type RequestContext, runInRequest } from './request-context.ts'
import type { Accepted } from './session-access.ts'
import type { OpenStreams } from './streams.ts'
import { tokenOf } from './token-source.ts'

/** Shared by all requests without a query; nobody changes what a request asked for. */
const NO_SEARCH = new URLSearchParams()

/** Status in logs and metrics of a request whose client left; nothing is sent with it. */
const CLIENT_CLOSED_REQUEST = 499
/** Probes ask for it all the time (ID-108). */
const API_ROOT = '/api/v2'

/** Paths that need no identity and must work without a database (ID-66). */
const WITHOUT_IDENTITY = /^\/(?:(?:healthz|readyz|latency-check)(?:\?|$)|(?:assets|icon|bin|derp)\/)/

/** Counted where it is known which agent reports: many of them share one address (ID-120). */
const AGENT_REPORT = /^\/api\/v2\/workspaceagents\/me\//

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
  /** Whether a request is for an app, which then answers it within the limits of the API (AC-215, ID-123). */
  claim(host: string, url: string): ClaimedRequest | undefined
}

/** A request that an app answers. */
export interface ClaimedRequest {
  /** Its pattern, in place of a route's (ID-115). */
  readonly route: string
  serve(request: FastifyRequest, reply: FastifyReply): Promise<void>
}

declare module 'fastify' {
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
  /** Lets the upgrade requests of another listener pass the same steps. */
  readonly attach: (listener: Server) => void
} {
  const metrics = new RequestMetrics()
  const known = new KnownRoutes()
  const server = fastify({
    bodyLimit: JSON_BODY_LIMIT,
    genReqId: newRequestId,
    rewriteUrl: ({ url = '/' }) => canonicalTarget(url),
    frameworkErrors: (error, request, reply) => answerUnreadable(error, request, reply, options, metrics),
    forceCloseConnections: 'idle',
    routerOptions: { ignoreDuplicateSlashes: true, maxParamLength: 1024 },
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
  })
  server.decorateRequest('context')
  server.decorateRequest('claimed')
  server.decorateRequest('cookieValues')
  server.decorateRequest('search')
  server.addHook('onRoute', ({ url, method }) => known.add(url, method))
  readBodies(server)
  const attach = options.streams.attach({
    route: (request, response) => {
      request.url = canonicalTarget(request.url ?? '/')
      server.routing(request, response)
    },
    // ID-108: a connection that may last for days is logged when it begins.
    opened: (request, carrier) => {
      logRequest(options.log, request, 202, performance.now() - request.context.startedTick)
      const { route } = request.context
      const began = performance.now()
      metrics.socketOpened(route)
      carrier.on('close', () => metrics.socketClosed(route, (performance.now() - began) / 1000))
    },
    probed: (route, result) => metrics.socketProbed(route, result),
  })
  attach(server.server)
  firstSteps(server, options, metrics)
  const api = new RateLimiter(options.limitsDisabled ? 0 : options.apiRateLimit)
  server.addHook('onRequest', (request, reply, done) => {
    const { claimed } = request
    if (claimed === undefined) return done()
    if (api.enabled) limit(api, request, reply)
    claimed.serve(request, reply).catch(done)
  })
  server.addHook('onRequest', (request, reply, done) => {
    const cors = corsFor(pathOf(request), request.method, options.allowAllOrigins)
    if (cors !== undefined) reply.headers(cors)
    if (request.method === 'OPTIONS') {
      void reply.code(204).send()
      return
    }
    if (isSafeMethod(request.method)) return done()
    checkCsrf(
      {
        method: request.method,
        path: cleanPath(pathOf(request)),
        cookies: request.cookieValues,
        headers: request.headers,
        query: request.search,
      },
      SESSION_COOKIE,
    )
    done()
  })
  server.addHook('onRequest', (request, reply, done) => {
    if (api.enabled && isApi(request.url) && !AGENT_REPORT.test(request.url)) limit(api, request, reply)
    done()
  })
  server.setErrorHandler((error, request, reply) =>
    answerError(error, request, reply, { log: options.log, metrics }),
  )
  server.setNotFoundHandler((request, reply) => {
    if (!isApi(request.url)) return options.page(request, reply)
    const methods = known.methodsOf(pathOf(request))
    if (methods.length === 0) return reply.code(404).send({ message: 'Route not found.' })
    return reply
      .code(405)
      .header('Allow', methods.join(', '))
      .send({ message: `Method not allowed. This address answers ${methods.join(', ')}.` })
  })
  return { server, metrics, attach }
}

/** Address, context, log, metrics and the key of a request: what every later step relies on. */
function firstSteps(server: FastifyInstance, options: EdgeOptions, metrics: RequestMetrics): void {
  const always = alwaysSent(options)
  server.addHook('onRequest', (request, reply, done) => {
    const context = newContext(request, options.addresses)
    request.context = context
    request.claimed = options.apps.claim(context.host, request.url)
    if (request.claimed !== undefined) context.route = request.claimed.route
    reply.header('X-Coder-Request-Id', context.id).headers(always)
    const series = metrics.started(request.method, context.route, context.webSocket)
    // Not the hook of the framework, which hears nothing of clients that leave before the answer is complete.
    reply.raw.on(context.webSocket ? 'finish' : 'close', () => {
      const ms = performance.now() - context.startedTick
      const status = reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_CLOSED_REQUEST
      metrics.finished(series, status, ms / 1000)
      if (context.route !== API_ROOT || status !== 200) logRequest(options.log, request, status, ms)
    })
    runInRequest(context, done)
  })
  server.addHook('onRequest', (request, _reply, done) => {
    request.cookieValues = parseCookies(request.headers.cookie)
    if (options.cookies.hostPrefix) preferBoundCookie(request.cookieValues)
    const at = request.url.indexOf('?')
    request.search = at < 0 ? NO_SEARCH : new URLSearchParams(request.url.slice(at + 1))
    if (request.claimed === undefined && WITHOUT_IDENTITY.test(request.url)) return done()
    const token = tokenOf({ cookies: request.cookieValues, headers: request.headers, query: request.search })
    const outcome = options.validate(token, request.context)
    const settle = (settled: Precheck): void => {
      request.context.precheck = settled
      done()
    }
    if (outcome instanceof Promise) outcome.then(settle, done)
    else settle(outcome)
  })
}

/** The router could not read the address, so that no step of ours has run yet. */
function answerUnreadable(
  error: { readonly message: string; readonly statusCode?: number },
  request: FastifyRequest,
  reply: FastifyReply,
  options: EdgeOptions,
  metrics: RequestMetrics,
): void {
  const context = newContext(request, options.addresses)
  request.context = context
  const series = metrics.started(request.method, context.route, context.webSocket)
  const status = error.statusCode ?? 400
  reply.hijack()
  reply.raw.on('finish', () => {
    const ms = performance.now() - context.startedTick
    metrics.finished(series, status, ms / 1000)
    logRequest(options.log, request, status, ms)
  })
  reply.raw.writeHead(status, {
    ...alwaysSent(options),
    'Content-Type': 'application/json; charset=utf-8',
    'X-Coder-Request-Id': context.id,
  })
  reply.raw.end(
    JSON.stringify({ message: 'The address of the request cannot be read.', detail: error.message }),
  )
}

function alwaysSent({ version }: EdgeOptions): Record<string, string> {
  return { 'X-Coder-Build-Version': version, 'X-Content-Type-Options': 'nosniff' }
}

/** Whether an address belongs to the API, which answers in its envelope and within its limits. */
function isApi(url: string): boolean {
  return url.startsWith('/api') && (url.length === 4 || url[4] === '/' || url[4] === '?')
}

function pathOf({ url }: FastifyRequest): string {
  const at = url.indexOf('?')
  return at < 0 ? url : url.slice(0, at)
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
    startedTick: performance.now(),
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
  if (pattern === undefined) return isApi(request.url) ? 'UNKNOWN' : 'STATIC'
  let name = routeNames.get(pattern)
  if (name === undefined) {
    name = pattern.replace(/:(\w+)/g, '{$1}')
    routeNames.set(pattern, name)
  }
  return name
}

/**
 * Counts a request; owners may ask to be left out (ID-124).
 *
 * @param subject whose request it is, where that is neither the user of the key nor the address.
 * @throws ApiError 429, 428.
 */
export function limit(
  limiter: RateLimiter,
  request: FastifyRequest,
  reply: FastifyReply,
  subject?: string,
): void {
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
  const decision = limiter.take(
    subject ?? limitedSubject(outcome.ok ? outcome.owner.id : undefined, request.context.remoteAddress),
    cleanPath(pathOf(request)),
  )
  if (!decision.allowed) throw tooManyRequests(decision)
  reply.headers(rateLimitHeaders(decision))
}
