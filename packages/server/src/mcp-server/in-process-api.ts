import type { FastifyReply, FastifyRequest } from 'fastify'

import type { Route } from '@slipway/contract'
import type { ApiInput, RelayedCall } from '@slipway/mcp-tools'
import type { Accepted, BoundRoute, RequestContext, SessionIncoming } from '../edge/index.ts'
import type { EdgeOptions } from '../edge/options.ts'
import { RateLimiter, tooManyRequests } from '../edge/rate-limit.ts'
import { runInRequest } from '../edge/request-context.ts'
import { quoted } from '../edge/serializer.ts'
import { type BodyCheck, bodyCheck, queryReader, refuseUnstorable } from '../edge/validation.ts'

type SessionRoute = Extract<BoundRoute, { access: 'session' | 'page' }>
type Serialize = ReturnType<FastifyReply['compileSerializationSchema']>

interface Callable {
  readonly bound: SessionRoute
  readonly check: BodyCheck | undefined
  readonly read: ((search: URLSearchParams) => unknown) | undefined
  readonly serialize: Map<number, Serialize>
  /** The status that its answers have unless the handler says otherwise. */
  readonly usual: number
  /** The limit that the route has over HTTP beside that of all requests. */
  readonly limiter: RateLimiter
}

/** A request that was let in, for which further operations are carried out. */
export type Outer = Pick<SessionIncoming<Route>, 'actor' | 'key' | 'owner' | 'context' | 'raw' | 'reply'>

/** An answer as JSON, and that as a string in JSON. */
export interface Relayed {
  readonly json: string
  readonly quoted: string
}

/** What goes into an operation; bytes where it takes a file. */
export type InnerInput<R extends Route> = ApiInput<R> & {
  readonly bytes?: { readonly data: Uint8Array; readonly type: string }
}

/** Whether calls from inside are limited at all, and with whom they are counted. */
type InnerLimits = Pick<EdgeOptions, 'limitsDisabled' | 'sharedCounters'>

const NO_BYTES = Buffer.alloc(0)
const NO_SEARCH = new URLSearchParams()

/**
 * The operations of the API for tools that work for a caller who was let in already (OA-B23): with the validation, rights
 * and audit that they have over HTTP, but without a connection or a credential.
 */
export class InProcessApi {
  readonly #callable = new Map<string, Callable>()
  readonly #limits: InnerLimits

  constructor(limits: InnerLimits) {
    this.#limits = limits
  }

  /** Takes those of these operations that signed-in users have; gives all of them back. */
  offer(routes: readonly BoundRoute[]): readonly BoundRoute[] {
    for (const bound of routes) {
      const { route } = bound
      if (bound.access !== 'session' || route.stream !== undefined) continue
      this.#callable.set(route.id, {
        bound,
        check: route.body === undefined || route.consumes !== undefined ? undefined : bodyCheck(route.body),
        read: route.query === undefined ? undefined : queryReader(route.query),
        serialize: new Map(),
        usual: Number(Object.keys(route.responses)[0] ?? 200),
        limiter: new RateLimiter({
          name: route.id,
          limit: this.#limits.limitsDisabled ? 0 : (bound.limits.perMinute ?? 0),
          shared: this.#limits.sharedCounters,
        }),
      })
    }
    return routes
  }

  /**
   * Carries out an operation as the caller of `outer`, for the tool of this name, and gives what the wire would: JSON with
   * only what the contract names, `null` for an answer without a body.
   *
   * @throws ApiError as over HTTP. What refused it is noted in the context of `outer`.
   */
  async call<R extends Route>(outer: Outer, tool: string, route: R, input: InnerInput<R>): Promise<string> {
    const callable = this.#callable.get(route.id)
    if (callable === undefined) throw new Error(`${route.id} cannot be called from inside`)
    const { bound, check, read, usual, limiter } = callable
    if (limiter.enabled) {
      const decision = await limiter.take(outer.owner.id, route.path)
      if (!decision.allowed) throw tooManyRequests(decision)
    }
    const search = input.query === undefined ? NO_SEARCH : searchOf(input.query)
    const context: RequestContext = { ...outer.context, denial: undefined, statements: 0, tool }
    const { params, bytes } = input
    // A copy: the check takes out what the route does not know.
    const body: unknown = input.body === undefined ? {} : structuredClone(input.body)
    try {
      if (input.body !== undefined) refuseUnstorable(body)
      check?.(body)
      const query = read?.(search) ?? {}
      const incoming = new InnerIncoming(outer, context, { params, query, body, bytes, search, usual })
      const answer = await inside(context, () => bound.handle(incoming))
      return written(callable, outer, incoming.status, answer)
    } finally {
      outer.context.statements += context.statements
      if (context.denial !== undefined) outer.context.denial = context.denial
    }
  }

  /**
   * As {@link call} without a query or a body, where it can be told without waiting; else undefined. What is told so
   * changes nothing and is in no audit, so that it needs no context of its own.
   *
   * @throws ApiError as over HTTP.
   */
  ready(outer: Outer, { route, params }: RelayedCall): Relayed | undefined {
    const callable = this.#callable.get(route.id)
    const ready = callable?.bound.ready
    if (ready === undefined || callable === undefined || callable.limiter.enabled) return undefined
    const { actor, key, owner, context } = outer
    // The checks of this very route have nothing to say of what is empty.
    const empty = {} as never
    const answer = ready({ actor, key, owner, context, params, query: empty, body: empty }, undefined)
    if (answer === undefined) return undefined
    const json = written(callable, outer, callable.usual, answer)
    return { json, quoted: quoted(answer, json) }
  }
}

/** What an operation is given. */
interface Given {
  readonly params: Readonly<Record<string, string>> | undefined
  readonly query: unknown
  readonly body: unknown
  readonly bytes: InnerInput<Route>['bytes']
  readonly search: URLSearchParams
  readonly usual: number
}

/**
 * What a handler receives. A class without functions of its own: V8 makes those of accessors in an object, and those that
 * are assigned to a member, among what lives long, and all that they know would stay until a full collection of garbage.
 */
class InnerIncoming implements SessionIncoming<Route> {
  readonly actor: Outer['actor']
  readonly key: Outer['key']
  readonly owner: Outer['owner']
  readonly context: RequestContext
  readonly params: Readonly<Record<string, string>>
  // The checks of this very route have passed.
  readonly query: never
  readonly body: never
  readonly bytes: Buffer
  readonly upgrade = noStream
  readonly events = noStream
  /** Copies of those of the outer request. */
  declare readonly raw: FastifyRequest
  declare readonly reply: FastifyReply
  readonly #outer: Outer
  readonly #given: Given
  #request: FastifyRequest | undefined
  #reply: FastifyReply | undefined

  constructor(outer: Outer, context: RequestContext, given: Given) {
    const { params, query, body, bytes } = given
    this.actor = outer.actor
    this.key = outer.key
    this.owner = outer.owner
    this.context = context
    this.params = { ...params }
    this.query = query as never
    this.body = body as never
    this.bytes = bytes === undefined ? NO_BYTES : Buffer.from(bytes.data)
    this.#outer = outer
    this.#given = given
    Object.defineProperties(this, COPIES)
  }

  visitor(): Accepted {
    return { ok: true, actor: this.actor, key: this.key, owner: this.owner }
  }

  /** What the handler has said, or what is usual. */
  get status(): number {
    return this.#reply?.statusCode ?? this.#given.usual
  }

  static request(incoming: InnerIncoming): FastifyRequest {
    const { params, search, bytes } = incoming.#given
    const copy = { ...params }
    incoming.#request ??= innerRequest(incoming.#outer.raw, incoming.context, copy, search, bytes?.type)
    return incoming.#request
  }

  static reply(incoming: InnerIncoming): FastifyReply {
    incoming.#reply ??= innerReply(incoming.#outer.reply, incoming.#given.usual)
    return incoming.#reply
  }
}

/**
 * Accessors, because to copy a request and its reply takes longer than most operations that do not look at them; of each
 * object, because handlers take what they do not name with `...`; and the same for all, so that all have one shape.
 */
const COPIES: PropertyDescriptorMap & ThisType<InnerIncoming> = {
  raw: {
    enumerable: true,
    get() {
      return InnerIncoming.request(this)
    },
  },
  reply: {
    enumerable: true,
    get() {
      return InnerIncoming.reply(this)
    },
  },
}

/** What the wire would hold of an answer. */
function written({ bound, serialize }: Callable, outer: Outer, status: number, answer: unknown): string {
  const schema = bound.route.responses[status] ?? Object.values(bound.route.responses)[0]
  if (schema === undefined || schema === null || answer === undefined) return 'null'
  let write = serialize.get(status)
  if (write === undefined) {
    write = outer.reply.compileSerializationSchema({ ...schema })
    serialize.set(status, write)
  }
  return write(answer as never)
}

function inside<T>(context: RequestContext, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    runInRequest(context, () => void work().then(resolve, reject))
  })
}

function searchOf(query: Readonly<Record<string, unknown>>): URLSearchParams {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) search.append(name, String(one))
  return search
}

function noStream(): Promise<never> {
  return Promise.reject(new Error('an operation that is called from inside has no connection'))
}

/**
 * The request around it, as far as handlers and the audit look at it, with the address of the operation. A copy: an object
 * that is the prototype of another one is slow from then on, and the answer to it is still to be written.
 */
function innerRequest(
  outer: FastifyRequest,
  context: RequestContext,
  params: Readonly<Record<string, string>>,
  search: URLSearchParams,
  contentType: string | undefined,
): FastifyRequest {
  const inner: FastifyRequest = Object.create(Object.getPrototypeOf(outer))
  Object.assign(inner, outer)
  inner.context = context
  inner.params = params
  inner.search = search
  if (contentType !== undefined) inner.headers = { ...outer.headers, 'content-type': contentType }
  return inner
}

const STATUS = Symbol('status')

interface InnerReply extends FastifyReply {
  [STATUS]: number
}

/** By the prototype of a server's replies, what those inside have in its place. */
const innerPrototypes = new WeakMap<object, object>()

/** Takes the status that a handler sets: the answer around it has its own. */
function innerReply(outer: FastifyReply, usual: number): FastifyReply {
  const prototype: object = Object.getPrototypeOf(outer)
  let inside = innerPrototypes.get(prototype)
  if (inside === undefined) {
    inside = innerPrototype(prototype)
    innerPrototypes.set(prototype, inside)
  }
  const inner: InnerReply = Object.create(inside)
  Object.assign(inner, outer)
  inner[STATUS] = usual
  return inner
}

function innerPrototype(prototype: object): object {
  const refuse = (): never => {
    throw new Error('an operation that answers by itself cannot be called from inside')
  }
  function itself(this: InnerReply): InnerReply {
    return this
  }
  function code(this: InnerReply, status: number): InnerReply {
    this[STATUS] = status
    return this
  }
  return Object.create(prototype, {
    statusCode: {
      get(this: InnerReply) {
        return this[STATUS]
      },
    },
    code: { value: code },
    status: { value: code },
    header: { value: itself },
    headers: { value: itself },
    type: { value: itself },
    send: { value: refuse },
    hijack: { value: refuse },
  })
}
