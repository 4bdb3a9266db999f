import type { Server } from 'node:http'

import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { TSchema } from 'typebox'

import { isDevelopmentBuild } from '@slipway/contract'
import { logRequest } from './access-log.ts'
import { JSON_BODY_LIMIT, readBodies } from './body-parser.ts'
import { canonicalTarget } from './canonical-target.ts'
import { SESSION_COOKIE } from './cookies.ts'
import { corsFor, isOpenToPages } from './cors.ts'
import { checkCsrf, isSafeMethod } from './csrf.ts'
import { watchRequests } from './decisions.ts'
import { answerError } from './error-response.ts'
import { alwaysSent, firstSteps, isApi, newContext } from './first-steps.ts'
import { KnownRoutes } from './known-routes.ts'
import { afterLimit, limit, pathOf } from './limit.ts'
import { RequestMetrics } from './metrics.ts'
import type { EdgeOptions } from './options.ts'
import { cleanPath, RateLimiter } from './rate-limit.ts'
import { newRequestId } from './request-context.ts'
import { serializer } from './serializer.ts'
import { tellServerTime } from './server-timing.ts'
import { cutSlowBody } from './slow-bodies.ts'

/** Time for the head of a request (OP-27), and how often connections are looked at for that, in milliseconds. */
const HEAD_MS = 60_000
const CHECK_MS = 10_000

/** Counted where it is known which agent reports: many of them share one address (ID-120). */
const AGENT_REPORT = '/api/v2/workspaceagents/me/'

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
    rewriteUrl: ({ url = '/', method }) => canonicalTarget(url, method),
    frameworkErrors: (error, request, reply) => answerUnreadable(error, request, reply, options, metrics),
    forceCloseConnections: 'idle',
    routerOptions: { ignoreDuplicateSlashes: true, maxParamLength: 1024 },
    // Bodies have a limit of their own, which knows what they are for.
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
    http: {
      headersTimeout: HEAD_MS,
      connectionsCheckingInterval: CHECK_MS,
      // Clients in Java ask for HTTP/2 with each request outside of TLS, and are served as if they did not (RFC 9110
      // section 7.8): to take it for an upgrade would lose the body.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.trim().toLowerCase() !== 'h2c',
    },
  })
  server.decorate('applicationName', options.applicationName)
  server.decorateRequest('context')
  server.decorateRequest('claimed')
  server.decorateRequest('cookieValues')
  server.decorateRequest('search')
  server.decorateRequest('credentialSearch')
  server.decorateRequest('provesInForm', false)
  server.addHook('onRoute', ({ url, method, config }) => {
    if (config?.isCatchAll !== true) known.add(url, method)
  })
  server.setSerializerCompiler<TSchema>(({ schema }) => serializer(schema))
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
  const records = isDevelopmentBuild(options.version)
  watchRequests(records)
  firstSteps(server, options, metrics, records)
  tellServerTime(server)
  if (records) tellDecisions(server)
  const { redirect } = options
  if (redirect !== undefined)
    server.addHook('onRequest', (request, reply, done) => {
      const target = redirect(request)
      if (target === undefined) return done()
      void reply.code(307).header('Location', target).header('Cache-Control', 'no-store').send()
    })
  const api = new RateLimiter({
    name: 'api',
    limit: options.limitsDisabled ? 0 : options.apiRateLimit,
    shared: options.sharedCounters,
  })
  server.addHook('onRequest', (request, reply, done) => {
    const { claimed } = request
    if (claimed === undefined) {
      cutSlowBody(request.raw, options.bodyTimeout)
      return done()
    }
    // An app may take its time with an upload; who was answered already has none to take.
    reply.raw.once('finish', () => {
      if (!request.raw.complete) cutSlowBody(request.raw, options.bodyTimeout)
    })
    const serve = (error?: Error): void => {
      if (error === undefined) claimed.serve(request, reply).catch(done)
      else done(error)
    }
    afterLimit(api.enabled ? limit(api, request, reply) : undefined, serve)
  })
  server.addHook('onRequest', (request, reply, done) => {
    if (isSecretive(request.url)) reply.headers(NOT_STORED)
    const path = pathOf(request)
    const isPreflight = request.method === 'OPTIONS'
    const cors = corsFor(
      path,
      request.method,
      options.allowAllOrigins,
      isPreflight ? request.headers['access-control-request-headers'] : undefined,
    )
    if (cors !== undefined) reply.headers(cors)
    const { dpopNonce } = request.context
    if (dpopNonce !== undefined) reply.header('DPoP-Nonce', dpopNonce)
    if (isPreflight) {
      void reply.code(isOpenToPages(path) ? 200 : 204).send()
      return
    }
    if (isSafeMethod(request.method)) return done()
    request.provesInForm = checkCsrf(
      {
        method: request.method,
        path: cleanPath(path),
        cookies: request.cookieValues,
        headers: request.headers,
        query: request.search,
      },
      SESSION_COOKIE,
    )
    done()
  })
  server.addHook('onRequest', (request, reply, done) => {
    const counts =
      api.enabled && isApi(request.url) && (request.is404 || !request.url.startsWith(AGENT_REPORT))
    afterLimit(counts ? limit(api, request, reply) : undefined, done)
  })
  server.setErrorHandler((error, request, reply) =>
    answerError(error, request, reply, { log: options.log, metrics, accessUrl: options.accessUrl }),
  )
  server.setNotFoundHandler((request, reply) => {
    if (!isApi(request.url) && !OF_PROGRAMS.test(request.url)) return options.page(request, reply)
    options.gate?.(request.url)
    const methods = known.methodsOf(pathOf(request))
    if (methods.length === 0) return reply.code(404).send({ message: 'Route not found.' })
    return reply
      .code(405)
      .header('Allow', methods.join(', '))
      .send({ message: `Method not allowed. This address answers ${methods.join(', ')}.` })
  })
  return { server, metrics, attach }
}

/** ID-142: a header on what is answered with a body, or without. */
function tellDecisions(server: FastifyInstance): void {
  server.addHook('onSend', (request, reply, payload, done) => {
    const { decisions } = request.context
    if (decisions !== undefined) reply.header('x-authz-checks', decisions.toString())
    done(null, payload)
  })
}

/** What only programs ask for: none of it is a page of the dashboard (OA-B4, UI-101). */
const OF_PROGRAMS = /^\/(?:oauth2|scim|\.well-known)(?:[/?]|$)/

const NOT_STORED = { 'Cache-Control': 'no-store', Pragma: 'no-cache' }

/** Whether answers hold tokens or what leads to them (ID-137). */
function isSecretive(url: string): boolean {
  return url.startsWith('/oauth2/') || url.startsWith('/api/v2/oauth2-provider/')
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
