import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import type { Route } from '@slipway/contract'
import { ApiError, SCIM_JSON } from '../errors/index.ts'
import { type AgentCaller, requireAgent } from './agent-access.ts'
import { baseUrl } from './base-url.ts'
import type { BoundRoute, Incoming } from './bind.ts'
import { JSON_BODY_LIMIT } from './body-parser.ts'
import { ConcurrencyLimiter } from './concurrency-limit.ts'
import { checkFormCsrf } from './csrf.ts'
import { afterLimit, limit } from './limit.ts'
import type { EdgeOptions } from './options.ts'
import { isOwnOrigin, requireOwnPage } from './own-pages.ts'
import { pathParameters } from './path-parameters.ts'
import { RateLimiter } from './rate-limit.ts'
import { type Accepted, optionalSession, pageSession, requireSession } from './session-access.ts'
import { tokenOf } from './token-source.ts'
import { bodyCheck, queryReader, refuseUnstorable } from './validation.ts'

const EMPTY = Buffer.alloc(0)

/** Puts the operations on the server: limit of the route, access rule, validation, use case (ID-98). */
export function mount(server: FastifyInstance, routes: readonly BoundRoute[], options: EdgeOptions): void {
  const limiter = (name: string, perMinute: number): RateLimiter =>
    new RateLimiter({ name, limit: options.limitsDisabled ? 0 : perMinute, shared: options.sharedCounters })
  const agents = limiter('agents', options.apiRateLimit)
  for (const bound of routes) {
    const { route, limits } = bound
    const check =
      // A body that is taken as bytes is checked by who reads it.
      route.body === undefined || route.consumes !== undefined ? undefined : bodyCheck(route.body)
    const read = route.query === undefined ? undefined : queryReader(route.query, limits.queryFaults)
    const own = limiter(route.id, limits.perMinute ?? 0)
    const places =
      limits.atOnce === undefined || options.limitsDisabled
        ? undefined
        : new ConcurrencyLimiter(limits.atOnce)
    const status = Number(Object.keys(route.responses)[0] ?? 200)
    const readParams = pathParameters(route.path)
    const serve = (request: FastifyRequest, reply: FastifyReply, caller: Caller): unknown => {
      if (caller.kind === 'stranger')
        return reply.code(303).header('Cache-Control', 'no-store').header('Location', caller.location).send()
      limits.gate?.()
      if (request.context.webSocket || route.stream === 'sse') requireOwnPage(request, options)
      if (request.provesInForm) requireFormProof(request, options)
      const query = read?.(request.search) ?? {}
      // Agents may send fields that nobody knows, where they send something at all.
      if (!request.plainBody && (bound.access !== 'agent' || check === undefined))
        refuseUnstorable(request.body)
      check?.(request.body ?? {})
      reply.code(status)
      if (route.errors === 'scim') reply.type(SCIM_JSON)
      const incoming = {
        context: request.context,
        params: readParams(request.params),
        query: query as never,
        body: (request.body ?? {}) as never,
        bytes: Buffer.isBuffer(request.body) ? request.body : EMPTY,
        raw: request,
        reply,
        visitor: () => optionalSession(request.context, baseUrl(request.context, options.accessUrl)),
        upgrade: () => options.streams.accept(request, reply),
        events: () => options.streams.events(request, reply),
      }
      if (bound.access === 'session' && bound.ready !== undefined && caller.kind === 'session') {
        const { actor, key, owner } = caller.accepted
        const known = { ...incoming, actor, key, owner }
        const ready = bound.ready(known, known)
        if (ready !== undefined) return ready
      }
      const work = () => answer(bound, incoming, caller)
      // A stream or a file has been sent already: there is nothing left to serialize.
      return (places === undefined ? work() : places.run(work)).then((body) =>
        reply.sent ? undefined : body,
      )
    }
    server.route({
      method: route.method,
      url: route.path.replace(/\{([^}]+)\}/g, ':$1'),
      bodyLimit: limits.bodyLimit ?? JSON_BODY_LIMIT,
      config: {
        takesBytes: route.consumes !== undefined,
        isPage: bound.access === 'page',
        errorForm: route.errors,
      },
      schema: {
        response: Object.fromEntries(Object.entries(route.responses).filter(([, schema]) => schema !== null)),
      },
      ...(places === undefined && !own.enabled
        ? {}
        : {
            onRequest: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
              // Only looked at: a body that is slow to come must not hold a place.
              places?.check()
              afterLimit(own.enabled ? limit(own, request, reply) : undefined, done)
            },
          }),
      handler: (request, reply) => {
        const asked = accessRule(bound.access, request, options)
        const rule =
          asked instanceof Promise && bound.access === 'agent' && agents.enabled
            ? limitAgent(agents, request, reply, asked)
            : asked
        // Who is known already is not waited for.
        return rule instanceof Promise
          ? rule.then((caller) => serve(request, reply, caller))
          : serve(request, reply, rule)
      },
    })
  }
}

/** @throws ApiError 400. */
function requireFormProof(request: FastifyRequest, { accessUrl }: EdgeOptions): void {
  const form = new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString() : '')
  checkFormCsrf({ cookies: request.cookieValues, headers: request.headers }, form, (origin) =>
    isOwnOrigin(origin, request.context, accessUrl),
  )
}

type Caller =
  | { readonly kind: 'anyone' }
  /** Has to sign in first, there. */
  | { readonly kind: 'stranger'; readonly location: string }
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
      const { precheck } = request.context
      if (precheck.ok && precheck.owner.status === 'active') return asSession(precheck)
      const base = baseUrl(request.context, options.accessUrl)
      const accepted = requireSession(request.context, base, options.activate)
      return accepted instanceof Promise ? accepted.then(asSession) : asSession(accepted)
    }
    case 'page': {
      const base = baseUrl(request.context, options.accessUrl)
      const page = pageSession(request.context, base, request.url)
      return page.kind === 'accepted'
        ? asSession(page.accepted)
        : { kind: 'stranger', location: page.location }
    }
    case 'agent': {
      const token = tokenOf({
        cookies: request.cookieValues,
        headers: request.headers,
        query: request.credentialSearch,
      })
      // Agents have no keys of their own to prove.
      return requireAgent(typeof token === 'string' ? token : token?.token, options.findAgent).then(
        (agent) => ({ kind: 'agent', agent }),
      )
    }
  }
}

/**
 * Counts the reports of each agent by itself, and what comes with no agent's token by its address (ID-120).
 *
 * @throws ApiError 429.
 */
async function limitAgent(
  limiter: RateLimiter,
  request: FastifyRequest,
  reply: FastifyReply,
  rule: Promise<Caller>,
): Promise<Caller> {
  try {
    const caller = await rule
    if (caller.kind === 'agent') await limit(limiter, request, reply, caller.agent.id)
    return caller
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) await limit(limiter, request, reply)
    throw error
  }
}

function asSession(accepted: Accepted): Caller {
  return { kind: 'session', accepted }
}

function answer(bound: BoundRoute, incoming: Incoming<Route>, caller: Caller): Promise<unknown> {
  if ((bound.access === 'session' || bound.access === 'page') && caller.kind === 'session') {
    const { actor, key, owner } = caller.accepted
    return bound.handle({ ...incoming, actor, key, owner })
  }
  if (bound.access === 'agent' && caller.kind === 'agent')
    return bound.handle({ ...incoming, agent: caller.agent })
  if (bound.access === 'public') return bound.handle(incoming)
  throw new Error(`a route for ${bound.access} was reached by ${caller.kind}`)
}
