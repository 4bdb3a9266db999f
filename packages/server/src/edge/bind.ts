import type { FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'

import type { BodyOf, QueryOf, ResponseOf, Route } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AgentCaller } from './agent-access.ts'
import type { AtOnce } from './concurrency-limit.ts'
import type { KeyOwner, ValidatedKey } from './precheck.ts'
import type { RequestContext } from './request-context.ts'
import type { Accepted } from './session-access.ts'
import type { EventStream } from './streams.ts'

/** What every handler receives. */
export interface Incoming<R extends Route> {
  readonly context: RequestContext
  readonly params: Readonly<Record<string, string>>
  readonly query: QueryOf<R>
  readonly body: BodyOf<R>
  /** The body of a route that takes bytes rather than JSON; empty elsewhere. */
  readonly bytes: Buffer
  readonly raw: FastifyRequest
  readonly reply: FastifyReply
  /**
   * Who asks, on a route that anybody may use; a credential that is not good is none (ID-69).
   *
   * @throws ApiError 401 for users who are not active, 500 when it cannot be told.
   */
  readonly visitor: () => Accepted | undefined
  /** Turns the request into a WebSocket; nothing can be answered after that. @throws ApiError 426. */
  readonly upgrade: () => Promise<WebSocket>
  /** Answers with a stream of events, over SSE or a WebSocket as the client asked. */
  readonly events: () => Promise<EventStream>
}

/** What a handler receives on a route that needs a signed-in user. */
export interface SessionIncoming<R extends Route> extends Incoming<R> {
  readonly actor: Actor
  readonly key: ValidatedKey
  readonly owner: KeyOwner
}

/** What of that is the same on every route, for what several of them share. */
export type SessionRequest = Pick<
  SessionIncoming<Route>,
  'actor' | 'params' | 'context' | 'raw' | 'reply' | 'owner'
>

/** What is told without waiting knows of a request, also of one from inside, which has no connection. */
type KnownRequest<R extends Route> = Pick<
  SessionIncoming<R>,
  'actor' | 'key' | 'owner' | 'context' | 'params' | 'query' | 'body'
>

/** Answers what can be told without waiting; `incoming` is absent for calls from inside. */
type ReadyHandler<R extends Route, Answer> = (
  known: KnownRequest<R>,
  incoming: SessionIncoming<R> | undefined,
) => Answer | undefined

/** What a handler receives on a route that workspace agents call with their own token. */
export interface AgentIncoming<R extends Route> extends Incoming<R> {
  readonly agent: AgentCaller
}

/** Limits that a route has beside those of the whole API. */
export interface RouteLimits {
  /** Requests per minute, caller and path, for routes that guess secrets (ID-37). */
  readonly perMinute?: number
  /** How many of them may run at once, for dear work that anybody can ask for (ID-126). */
  readonly atOnce?: AtOnce
  /** Bytes; 4 MiB unless said otherwise (ID-93). */
  readonly bodyLimit?: number
  /** What is said of a parameter of the query that has a fault, where that is not what is usual (WS-189). */
  readonly queryFaults?: Readonly<Record<string, string>>
  /** Throws while the feature of the route is switched off: asked after the access rule, before all else (OA-3). */
  readonly gate?: () => void
}

/** An operation of the contract with the use case that answers it. */
export type BoundRoute =
  | {
      readonly access: 'session' | 'page'
      readonly route: Route
      readonly limits: RouteLimits
      readonly handle: (incoming: SessionIncoming<Route>) => Promise<unknown>
      readonly ready?: ReadyHandler<Route, unknown> | undefined
    }
  | {
      readonly access: 'agent'
      readonly route: Route
      readonly limits: RouteLimits
      readonly handle: (incoming: AgentIncoming<Route>) => Promise<unknown>
    }
  | {
      readonly access: 'public'
      readonly route: Route
      readonly limits: RouteLimits
      readonly handle: (incoming: Incoming<Route>) => Promise<unknown>
    }

/**
 * Binds an operation that needs a signed-in, active user.
 *
 * @param ready answers what can be told without waiting, and is undefined where `handle` is to be asked: each wait costs
 *   as much as a cheap answer.
 */
export function forSession<R extends Route>(
  route: R,
  handle: (incoming: SessionIncoming<R>) => Promise<ResponseOf<R>>,
  limits: RouteLimits = {},
  ready?: ReadyHandler<R, ResponseOf<R>>,
): BoundRoute {
  // The pipeline has checked query and body against this very route before it calls the handler.
  return {
    access: 'session',
    route,
    limits,
    handle: handle as unknown as (incoming: SessionIncoming<Route>) => Promise<unknown>,
    ready: ready as unknown as ReadyHandler<Route, unknown> | undefined,
  }
}

/**
 * Binds an address that signed-in people open in a browser, such as where a provider sends them back to: who is not
 * signed in goes to the login page and comes back, and failures are pages (ID-69).
 */
export function forPage<R extends Route>(
  route: R,
  handle: (incoming: SessionIncoming<R>) => Promise<ResponseOf<R>>,
  limits: RouteLimits = {},
): BoundRoute {
  return {
    access: 'page',
    route,
    limits,
    handle: handle as unknown as (incoming: SessionIncoming<Route>) => Promise<unknown>,
  }
}

/** Binds an operation that anybody may call. */
export function forAnyone<R extends Route>(
  route: R,
  handle: (incoming: Incoming<R>) => Promise<ResponseOf<R>>,
  limits: RouteLimits = {},
): BoundRoute {
  return {
    access: 'public',
    route,
    limits,
    handle: handle as unknown as (incoming: Incoming<Route>) => Promise<unknown>,
  }
}

/** Binds an operation that only a workspace agent may call (AC-1). */
export function forAgent<R extends Route>(
  route: R,
  handle: (incoming: AgentIncoming<R>) => Promise<ResponseOf<R>>,
  limits: RouteLimits = {},
): BoundRoute {
  return {
    access: 'agent',
    route,
    limits,
    handle: handle as unknown as (incoming: AgentIncoming<Route>) => Promise<unknown>,
  }
}
