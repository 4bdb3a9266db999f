import type { Static, TObject, TSchema } from 'typebox'

/** HTTP methods that the API uses. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * Who may call a route: a signed-in user (`session`), anybody (`none`), a signed-in user or an anonymous
 * caller (`optional`), or a workspace agent with its own token (`agent`).
 */
export type Security = 'session' | 'optional' | 'none' | 'agent'

/**
 * One operation of the HTTP contract. `path` is absolute and writes parameters in braces, as OpenAPI does:
 * `/api/v2/users/{user}`. `responses` lists the success statuses with their body; `null` is a response
 * without a body. Error bodies are the same everywhere and are not repeated here.
 */
export interface Route<
  Query extends TObject | undefined = TObject | undefined,
  Body extends TSchema | undefined = TSchema | undefined,
  Responses extends Record<number, TSchema | null> = Record<number, TSchema | null>,
> {
  readonly id: string
  readonly method: Method
  readonly path: string
  readonly tag: string
  readonly security: Security
  readonly query: Query
  readonly body: Body
  /** Content type of the request body when it is not JSON; such a body reaches the handler as bytes. */
  readonly consumes?: readonly string[]
  readonly responses: Responses
  /**
   * Errors are documents of RFC 6749, section 5.2, or of RFC 7644, section 3.12, rather than the envelope of the API; of
   * SCIM all answers have its media type.
   */
  readonly errors?: 'oauth' | 'scim'
  /** What the connection becomes after the request: an SSE stream, a WebSocket, or raw bytes. */
  readonly stream?: 'sse' | 'websocket' | 'bytes'
}

interface RouteOptions<
  Query extends TObject | undefined,
  Body extends TSchema | undefined,
  Responses extends Record<number, TSchema | null>,
> {
  readonly id: string
  readonly tag: string
  readonly security?: Security
  readonly query?: Query
  readonly body?: Body
  readonly consumes?: readonly string[]
  readonly responses: Responses
  readonly errors?: 'oauth' | 'scim'
  readonly stream?: 'sse' | 'websocket' | 'bytes'
}

/** Declares an operation. `signature` is the method and the path: `GET /api/v2/users/{user}`. */
export function route<
  const Responses extends Record<number, TSchema | null>,
  Query extends TObject | undefined = undefined,
  Body extends TSchema | undefined = undefined,
>(
  signature: `${Method} /${string}`,
  options: RouteOptions<Query, Body, Responses>,
): Route<Query, Body, Responses> {
  const [method, path] = signature.split(' ') as [Method, string]
  return {
    method,
    path,
    id: options.id,
    tag: options.tag,
    security: options.security ?? 'session',
    query: options.query as Query,
    body: options.body as Body,
    responses: options.responses,
    ...(options.consumes ? { consumes: options.consumes } : {}),
    ...(options.errors ? { errors: options.errors } : {}),
    ...(options.stream ? { stream: options.stream } : {}),
  }
}

/** Type of the parsed query of a route. */
export type QueryOf<R extends Route> = R['query'] extends TSchema ? Static<R['query']> : Record<string, never>

/** Type of the parsed JSON body of a route. */
export type BodyOf<R extends Route> = R['body'] extends TSchema ? Static<R['body']> : undefined

/** Union of the success bodies of a route; `undefined` stands for "no body". */
export type ResponseOf<R extends Route> = {
  [Status in keyof R['responses']]: R['responses'][Status] extends TSchema
    ? Static<R['responses'][Status]>
    : undefined
}[keyof R['responses']]
