import { LRUCache } from 'lru-cache'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext, ChangeEvent } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import {
  deleteSession,
  findMessage,
  findSession,
  insertMessage,
  insertSession,
  type McpSessionRow,
  touchSession,
  updateSession,
} from './store.ts'

const actor = systemActor('system_oauth', 'sessions of MCP clients belong to whoever opened them')

const MAX_CACHED = 5_000
/** Of what clients say of themselves, in characters. */
const MAX_CACHED_SIZE = 32 * 1024 * 1024
/** Of a message to a call, in characters: an answer with a picture in it. */
const MAX_DELIVERED = 1024 * 1024
/** How exact it is known when a session was last used. */
const TOUCH_MS = 5 * 60_000
/** Calls of one session at once, on each replica. */
const MAX_CALLS = 64
/** Streams of one session that go on after a break, on each replica. */
const MAX_FOLLOWERS = 32

/** A call that is under way, for what the client sends to it meanwhile. */
export interface OpenCall {
  /** Takes a message if it is for this call. */
  take(message: unknown): boolean
  /** Ends it without an answer. */
  abort(): void
}

/** A stream on which a session hears of changes unasked. */
export interface Listener {
  readonly id: string
  /** Addresses of resources that were asked for. */
  changed(uri: string): void
  end(): void
}

/** A listener, and when it stands in the database that its session listens there. */
interface OpenListener {
  readonly listener: Listener
  readonly noted: Promise<unknown>
}

/**
 * The sessions of MCP clients. Their state is in the database, so that any replica serves any request of them; here is
 * only what is open on this one (issue 4, 7).
 */
export class SessionHub implements Disposable {
  readonly #context: AppContext
  readonly #known = new LRUCache<string, McpSessionRow>({
    max: MAX_CACHED,
    maxSize: MAX_CACHED_SIZE,
    sizeCalculation: ({ client, subscriptions }) => JSON.stringify([client, subscriptions]).length,
  })
  readonly #calls = new Map<string, Set<OpenCall>>()
  readonly #listeners = new Map<string, OpenListener>()
  readonly #followers = new Map<string, Set<() => void>>()
  /** By the address of a resource, the sessions whose listeners here want to hear of it. */
  readonly #watchers = new Map<string, Set<string>>()
  readonly #subscription: Disposable
  /** Counts what was heard of changes: what was read before one is not kept behind it. */
  #generation = 0

  constructor(context: AppContext) {
    this.#context = context
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['mcp_session', 'mcp_session_message']),
      onEvent: (event) => this.#hear(event),
      onReset: () => {
        this.#generation += 1
        this.#known.clear()
        for (const wake of [...this.#followers.values()].flatMap((all) => [...all])) wake()
      },
    })
  }

  /** Opens a session for a user. */
  async open(userId: string, protocolVersion: string, client: unknown): Promise<McpSessionRow> {
    const row = await insertSession(actor, this.#context.database.db, {
      userId,
      protocolVersion,
      client: JSON.stringify(client),
    })
    this.#known.set(row.id, row)
    return row
  }

  /** The session of this id, if it is this user's. */
  async find(userId: string, id: string): Promise<McpSessionRow | undefined> {
    const { database, clock } = this.#context
    const known = this.#remembered(id)
    const generation = this.#generation
    const row = known ?? (await findSession(actor, database.db, id))
    if (row === undefined || row.user_id !== userId) return undefined
    const isDue = this.#isDue(row)
    if (isDue) await touchSession(actor, database.db, id)
    if ((isDue || known === undefined) && generation === this.#generation)
      this.#known.set(id, isDue ? { ...row, last_used_at: clock.now() } : row)
    return row
  }

  /** As {@link find}, where nothing has to be asked of the database for that. */
  known(userId: string, id: string): McpSessionRow | undefined {
    const row = this.#remembered(id)
    return row === undefined || row.user_id !== userId || this.#isDue(row) ? undefined : row
  }

  #remembered(id: string): McpSessionRow | undefined {
    // While the feed is cut off nobody would tell of changes.
    return this.#context.database.feed.connected ? this.#known.get(id) : undefined
  }

  /** Whether it is to be noted again that a session is in use. */
  #isDue({ last_used_at }: McpSessionRow): boolean {
    return this.#context.clock.now().getTime() - last_used_at.getTime() > TOUCH_MS
  }

  /** Notes what a client has said about its session. */
  async update(session: McpSessionRow, change: Parameters<typeof updateSession>[3]): Promise<void> {
    await updateSession(actor, this.#context.database.db, session.id, change)
    this.#outdate(session.id)
  }

  /** Ends a session with all that is open of it, on every replica. */
  async end(session: McpSessionRow): Promise<void> {
    await deleteSession(actor, this.#context.database.db, session.id)
    this.#forget(session.id)
  }

  /**
   * Keeps what a stream of a session sends, so that it can go on elsewhere.
   *
   * @returns the id of the message; undefined when the session has ended.
   */
  keep(sessionId: string, streamId: string, text: string, isLast: boolean): Promise<number | undefined> {
    return insertMessage(actor, this.#context.database.db, { sessionId, streamId, text, isLast })
  }

  /** Notes a call as long as it is under way; undefined when the session has too many. */
  enter(sessionId: string, call: OpenCall): Disposable | undefined {
    return addBounded(this.#calls, sessionId, call, MAX_CALLS)
  }

  /** Hands what a client has sent to the call that it is for, on whichever replica that is. @throws ApiError 400. */
  async deliver(sessionId: string, message: unknown): Promise<void> {
    if (this.#takenHere(sessionId, message)) return
    const text = JSON.stringify(message)
    if (text.length > MAX_DELIVERED)
      throw badRequest(`A message may have ${MAX_DELIVERED} characters at most.`)
    await insertMessage(actor, this.#context.database.db, {
      sessionId,
      streamId: undefined,
      text,
      isLast: false,
    })
  }

  /** Makes a stream the one on which a session hears of changes; the one before ends, wherever it is. */
  async listen(session: McpSessionRow, listener: Listener): Promise<Disposable> {
    this.#listeners.get(session.id)?.listener.end()
    const noted = this.update(session, { listener: listener.id })
    const open = { listener, noted }
    this.#listeners.set(session.id, open)
    this.#watch(session.id, session.subscriptions)
    const leave = (): void => {
      if (this.#listeners.get(session.id) !== open) return
      this.#listeners.delete(session.id)
      this.#watch(session.id, [])
    }
    try {
      await noted
    } catch (error) {
      leave()
      throw error
    }
    return { [Symbol.dispose]: leave }
  }

  /** Calls `wake` whenever a stream of the session has sent something; undefined when there are too many. */
  follow(sessionId: string, wake: () => void): Disposable | undefined {
    return addBounded(this.#followers, sessionId, wake, MAX_FOLLOWERS)
  }

  /** Tells the sessions here that have asked for it that a resource has changed. */
  announce(uri: string): void {
    for (const id of this.#watchers.get(uri) ?? []) this.#listeners.get(id)?.listener.changed(uri)
  }

  /** What a client may hear of from now on. */
  #watch(sessionId: string, uris: readonly string[]): void {
    for (const [uri, sessions] of this.#watchers) {
      if (uris.includes(uri)) continue
      sessions.delete(sessionId)
      if (sessions.size === 0) this.#watchers.delete(uri)
    }
    for (const uri of uris) {
      const sessions = this.#watchers.get(uri) ?? new Set()
      this.#watchers.set(uri, sessions.add(sessionId))
    }
  }

  #hear(event: ChangeEvent): void {
    const { key, kind, op, data } = event
    if (kind === 'mcp_session_message') {
      if (data.stream_id !== null) for (const wake of this.#followers.get(key) ?? []) wake()
      else if (this.#calls.has(key)) void this.#takeStored(key, Number(data.id))
      return
    }
    this.#outdate(key)
    if (op === 'delete') this.#forget(key)
    else if (this.#listeners.has(key)) void this.#review(key)
  }

  #outdate(sessionId: string): void {
    this.#generation += 1
    this.#known.delete(sessionId)
  }

  async #takeStored(sessionId: string, messageId: number): Promise<void> {
    try {
      const text = await findMessage(actor, this.#context.database.db, messageId)
      if (text !== undefined) this.#takenHere(sessionId, JSON.parse(text))
    } catch (error) {
      this.#context.log.warn('a message to a tool call could not be read', { error: describeError(error) })
    }
  }

  #takenHere(sessionId: string, message: unknown): boolean {
    for (const call of this.#calls.get(sessionId) ?? []) if (call.take(message)) return true
    return false
  }

  /** Takes over what has changed about a session that listens here. */
  async #review(sessionId: string): Promise<void> {
    const open = this.#listeners.get(sessionId)
    if (open === undefined) return
    try {
      // The news may be older than this listener: what it says of listeners is not to be believed.
      await open.noted
      const row = await findSession(actor, this.#context.database.db, sessionId)
      if (row === undefined || this.#listeners.get(sessionId) !== open) return
      if (row.listener === open.listener.id) this.#watch(sessionId, row.subscriptions)
      else open.listener.end()
    } catch (error) {
      this.#context.log.warn('a session of an MCP client could not be read', {
        error: describeError(error),
      })
    }
  }

  #forget(sessionId: string): void {
    this.#outdate(sessionId)
    this.#listeners.get(sessionId)?.listener.end()
    for (const call of this.#calls.get(sessionId) ?? []) call.abort()
    for (const wake of this.#followers.get(sessionId) ?? []) wake()
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
    for (const call of [...this.#calls.values()].flatMap((all) => [...all])) call.abort()
  }
}

function addBounded<T>(all: Map<string, Set<T>>, key: string, one: T, most: number): Disposable | undefined {
  const own = all.get(key) ?? new Set<T>()
  if (own.size >= most) return undefined
  all.set(key, own.add(one))
  return {
    [Symbol.dispose]: () => {
      own.delete(one)
      if (own.size === 0 && all.get(key) === own) all.delete(key)
    },
  }
}
