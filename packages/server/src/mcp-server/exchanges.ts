import { type JSONRPCMessage, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server'

import type { Route } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { SessionIncoming } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import type { EventStreams } from './event-streams.ts'
import { Exchange, type Keeper } from './exchange.ts'
import { askedBy, isLong, keyEnded, replaySession, requestOf } from './messages.ts'
import type { Subscriptions } from './resources.ts'
import type { SessionHub } from './session-hub.ts'
import type { McpSessionRow } from './store.ts'
import { type Client, type ServerParts, toolServer } from './tool-server.ts'

/** From this one on clients understand events without content. */
const PRIMED_VERSION = '2025-11-25'
/** What a client hears of at most, for each session or stream. */
export const MAX_SUBSCRIPTIONS = 100
/** Of the address of a resource, in characters. */
const MAX_URI = 2_048

/** What a client of a revision with `initialize` has sent. */
interface Asked {
  readonly session: McpSessionRow | undefined
  readonly messages: readonly JSONRPCMessage[]
  readonly isBatch: boolean
  /** The revision that it speaks. */
  readonly version: string
}

/** Answers messages of the revisions with `initialize`, each request with a server of the library (OA-83…OA-88). */
export class Exchanges {
  readonly #parts: ServerParts
  readonly #hub: SessionHub
  readonly #streams: EventStreams

  constructor(parts: ServerParts, hub: SessionHub, streams: EventStreams) {
    this.#parts = parts
    this.#hub = hub
    this.#streams = streams
  }

  /** What answers the messages: a body, or nothing where a stream or no answer at all does. @throws ApiError 401, 429. */
  async answer(
    { raw, reply, context }: SessionIncoming<Route>,
    client: Client,
    asked: Asked,
  ): Promise<unknown> {
    const { session, messages, isBatch, version } = asked
    const server = toolServer(
      this.#parts,
      client,
      askedBy(messages),
      session === undefined ? undefined : this.#subscriptions(session),
    )
    let entered: Disposable | undefined
    let hasEnded = false
    const exchange = new Exchange(
      {
        keeper: session === undefined ? undefined : this.#keeper(session, version),
        begin: (closed) => this.#streams.begin(raw, reply, closed),
        over: () => {
          entered?.[Symbol.dispose]()
          watched?.[Symbol.dispose]()
          void server.close()
        },
      },
      session?.id,
    )
    // The work of a session goes on without its client, but not without the right to it.
    const watched: Disposable | undefined = this.#streams.watch(raw, () => {
      hasEnded = true
      exchange.abort()
    })
    if (session !== undefined) {
      entered = this.#hub.enter(session.id, exchange)
      if (entered === undefined) {
        exchange.abort()
        throw new ApiError(429, 'Too many calls of this session are under way: wait for some to end.')
      }
    }
    exchange.onerror = (error) =>
      this.#parts.context.log.debug('MCP exchange', { request_id: context.id, error: describeError(error) })
    // Without a session nobody can come back for the answer.
    if (session === undefined) reply.raw.once('close', () => exchange.abort())
    try {
      await server.connect(exchange)
      if (session !== undefined) replaySession(exchange, session)
      for (const message of messages)
        if (session !== undefined && requestOf(message)?.method === 'logging/setLevel')
          await this.#keepLevel(session, requestOf(message)?.params.level)
    } catch (error) {
      exchange.abort()
      throw error
    }
    if (isLong(client, messages) && session !== undefined) exchange.stream()
    exchange.receive(messages, isBatch)
    const outcome = await exchange.outcome
    if (outcome.kind === 'stream') return undefined
    if (hasEnded) throw keyEnded()
    if (outcome.body !== undefined) return outcome.body
    await reply.code(202).send()
    return undefined
  }

  #keeper(session: McpSessionRow, version: string): Keeper {
    return {
      primes: version >= PRIMED_VERSION,
      keep: (streamId, text, isLast) => this.#hub.keep(session.id, streamId, text, isLast),
    }
  }

  #subscriptions(session: McpSessionRow): Subscriptions {
    return {
      subscribe: async (uri) => {
        if (session.subscriptions.includes(uri)) return
        if (uri.length > MAX_URI)
          throw new ProtocolError(
            ProtocolErrorCode.InvalidParams,
            `An address has ${MAX_URI} characters at most.`,
          )
        if (session.subscriptions.length >= MAX_SUBSCRIPTIONS)
          throw new ProtocolError(
            ProtocolErrorCode.InvalidRequest,
            `A session has ${MAX_SUBSCRIPTIONS} subscriptions at most.`,
          )
        await this.#hub.update(session, { subscribe: uri })
      },
      unsubscribe: (uri) => this.#hub.update(session, { unsubscribe: uri }),
    }
  }

  async #keepLevel(session: McpSessionRow, level: unknown): Promise<void> {
    if (typeof level === 'string' && level.length <= 16) await this.#hub.update(session, { logLevel: level })
  }
}
