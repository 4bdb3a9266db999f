import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import { logRequest } from './access-log.ts'
import type { AddressResolver } from './client-address.ts'
import { parseCookies, SESSION_COOKIE, setCookie } from './cookies.ts'
import { clientSessionId } from './correlation.ts'
import { DecisionRecord } from './decision-record.ts'
import { asksForDecisions } from './decisions.ts'
import type { RequestMetrics } from './metrics.ts'
import type { EdgeOptions } from './options.ts'
import type { Precheck } from './precheck.ts'
import { QUERY_TOKEN_PARAMETERS, queryTokensCount, queryTokensOf } from './query-tokens.ts'
import { type RequestContext, runInRequest } from './request-context.ts'
import { tokenOf } from './token-source.ts'

/** Shared by all requests without a query; nobody changes what a request asked for. */
const NO_SEARCH = new URLSearchParams()

/** Status in logs and metrics of a request whose client left; nothing is sent with it. */
const CLIENT_CLOSED_REQUEST = 499
/** Probes ask for it all the time (ID-108). */
const isApiRoot = (route: string): boolean => route === '/api/v2' || route === '/api/v2/'

/** Paths that need no identity and must work without a database (ID-66). */
const WITHOUT_IDENTITY =
  /^\/(?:(?:healthz|readyz|latency-check|derp|[\w-]+\.(?:js|svg|ico|png|txt|webmanifest))(?:\?|$)|(?:assets|icon|favicons|bin|derp)\/)/

const ANONYMOUS: Precheck = {
  ok: false,
  status: 401,
  message: 'You are signed out or your session has expired. Please sign in again to continue.',
  detail: 'Cookie "coder_session_token" or query parameter must be provided.',
  reason: 'no-credential',
  hard: false,
}

/** Address, context, log, metrics and the key of a request: what every later step relies on. */
export function firstSteps(
  server: FastifyInstance,
  options: EdgeOptions,
  metrics: RequestMetrics,
  records: boolean,
): void {
  // In the spelling in which they are kept: any other is made anew for each answer.
  const always = Object.entries(alwaysSent(options)).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  )
  server.addHook('onRequest', (request, reply, done) => {
    const context = newContext(request, options.addresses)
    request.context = context
    request.claimed = options.apps.claim(context.host, request.url)
    if (request.claimed !== undefined) context.route = request.claimed.route
    if (records && (options.recordDecisions || asksForDecisions(request.headers)))
      context.decisions = new DecisionRecord()
    reply.header('x-coder-request-id', context.id)
    for (const [name, value] of always) reply.header(name, value)
    const isUpgrade = options.streams.isUpgrade(request)
    const series = metrics.started(request.method, context.route, isUpgrade)
    // Not the hook of the framework, which hears nothing of clients that leave before the answer is complete.
    reply.raw.on(isUpgrade ? 'finish' : 'close', () => {
      const ms = performance.now() - context.startedTick
      const status = reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_CLOSED_REQUEST
      metrics.finished(series, status, ms / 1000)
      if (status !== 200 || !isApiRoot(context.route)) logRequest(options.log, request, status, ms)
    })
    runInRequest(context, done, context.startedTick)
  })
  server.addHook('onRequest', (request, reply, done) => {
    request.cookieValues = parseCookies(request.headers.cookie)
    if (options.cookies.hostPrefix) preferBoundCookie(request.cookieValues, reply, options)
    readQuery(request, options, metrics)
    if (request.claimed === undefined && !isApi(request.url) && WITHOUT_IDENTITY.test(request.url))
      return done()
    const ownCookie = request.claimed?.sessionCookie
    const token =
      (ownCookie === undefined ? undefined : request.cookieValues[ownCookie]) ??
      tokenOf({
        cookies: request.cookieValues,
        headers: request.headers,
        query: request.credentialSearch,
      })
    const outcome = options.validate(token, request.context)
    const settle = (settled: Precheck): void => {
      request.context.precheck = settled
      done()
    }
    if (outcome instanceof Promise) outcome.then(settle, done)
    else settle(outcome)
  })
}

/** Takes the query apart, counts the tokens in it and leaves those out that may not count (ID-202). */
function readQuery(request: FastifyRequest, options: EdgeOptions, metrics: RequestMetrics): void {
  const { context, url } = request
  const at = url.indexOf('?')
  const search = at < 0 ? NO_SEARCH : new URLSearchParams(url.slice(at + 1))
  request.search = search
  request.credentialSearch = search
  const sessionId = clientSessionId(request.headers.baggage, search)
  if (sessionId !== undefined) context.logFields.client_session_id = sessionId
  context.queryTokens = queryTokensOf(search)
  if (context.queryTokens.length === 0) return
  for (const name of QUERY_TOKEN_PARAMETERS) if (search.get(name)) metrics.queryToken(context.route, name)
  if (!queryTokensCount(options.queryTokens, context)) request.credentialSearch = NO_SEARCH
}

/**
 * ID-58: with the prefix only the cookie that browsers bind to this very host counts; one without it, which a page of
 * another host may have set, is taken away from the client too.
 */
function preferBoundCookie(cookies: Record<string, string>, reply: FastifyReply, options: EdgeOptions): void {
  const bound = cookies[`__Host-${SESSION_COOKIE}`]
  if (cookies[SESSION_COOKIE] !== undefined)
    reply.header('Set-Cookie', setCookie(SESSION_COOKIE, '', options.cookies, { maxAge: -1 }))
  if (bound === undefined) delete cookies[SESSION_COOKIE]
  else cookies[SESSION_COOKIE] = bound
}

/** Headers of every answer. */
export function alwaysSent({ version }: Pick<EdgeOptions, 'version'>): Record<string, string> {
  return { 'X-Coder-Build-Version': version, 'X-Content-Type-Options': 'nosniff' }
}

/** Whether an address belongs to the API, which answers in its envelope and within its limits. */
export function isApi(url: string): boolean {
  return url.startsWith('/api') && (url.length === 4 || url[4] === '/' || url[4] === '?')
}

/** What is known of a request when it has arrived. */
export function newContext(request: FastifyRequest, addresses: AddressResolver): RequestContext {
  const client = addresses.resolve(request.raw, 'encrypted' in request.raw.socket)
  return {
    id: request.id,
    method: request.method,
    target: request.url,
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
    provenKeyId: undefined,
    dpopNonce: undefined,
    queryTokens: [],
    denial: undefined,
    decisions: undefined,
    statements: 0,
    systemSubject: undefined,
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
