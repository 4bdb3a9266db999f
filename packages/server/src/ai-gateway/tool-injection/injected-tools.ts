import { setTimeout as delay } from 'node:timers/promises'

import { LRUCache } from 'lru-cache'

import { describeError, type Logger } from '@slipway/request-log'
import type { ExternalAuthProvider } from '../../config/external-auth.ts'
import type { AppContext } from '../../context.ts'
import type { ExternalAuth } from '../../external-auth/index.ts'
import { LinearRegExp, RegExpSyntaxError, StepBudget } from '../../linear-regexp/index.ts'
import { fixedCredentials, McpConnection, McpServerError } from '../../mcp-servers/index.ts'
import type { GuardedFetch } from '../../outbound/index.ts'

/** A tool that is put into requests, and called when a model chooses it. */
export interface InjectedTool {
  /** As models see it (AG-72). */
  readonly name: string
  /** As its server calls it. */
  readonly tool: string
  readonly serverId: string
  readonly serverUrl: string
  readonly description: string
  readonly inputSchema: Readonly<Record<string, unknown>>
  /** Calls it; at most for a minute (AG-77). @throws McpServerError without a result; what aborted the signal. */
  call(args: Readonly<Record<string, unknown>>, signal: AbortSignal): ReturnType<McpConnection['call']>
}

/** Tools for the time of one request; disposing gives them back. */
export interface ToolLease extends Disposable {
  /** By name. */
  readonly tools: readonly InjectedTool[]
}

/** For whom tools are wanted. */
export interface ToolCaller {
  readonly userId: string
  readonly keyId: string
  readonly token: string
}

/** The MCP server of this deployment. */
export interface OwnServer {
  /** Where this machine reaches it. */
  readonly address: () => string
  /** What is recorded of it. */
  readonly publicUrl: () => string
}

/** What injecting tools takes. */
export interface InjectionParts {
  readonly context: AppContext
  readonly external: ExternalAuth
  /** The way to servers outside. */
  readonly guarded: Pick<GuardedFetch, 'fetch'>
  /** Undefined leaves it out. */
  readonly own: OwnServer | undefined
}

interface Source {
  readonly id: string
  readonly url: string
  readonly allow: LinearRegExp | undefined
  readonly deny: LinearRegExp | undefined
}

interface Connected {
  readonly tools: readonly InjectedTool[]
  readonly connection: McpConnection
}

/** AG-76. */
const LIFE_MS = 15 * 60_000
/** While a server is away, or the user is not connected to one: it is looked for again soon. */
const SHORT_LIFE_MS = 60_000
const TOKEN_MS = 10_000
const MAX_SESSIONS = 1_000
/** Providers take no more. */
const MAX_TOOLS = 128
const MAX_NAME = 64
/** Some milliseconds for each name. */
const MATCH_STEPS = 1_000_000
const OWN_ID = 'coder'

/** Connections of one user and key, kept while somebody uses them (AG-76). */
class Session {
  readonly tools: Promise<readonly InjectedTool[]>
  readonly #opened: Promise<readonly Connected[]>
  readonly #closed: (session: Session) => void
  #users = 0
  #retired = false
  #closing: Promise<unknown> | undefined

  constructor(opened: Promise<readonly Connected[]>, closed: (session: Session) => void) {
    this.#opened = opened
    this.#closed = closed
    this.tools = opened.then(sorted)
  }

  use(): void {
    this.#users += 1
  }

  release(): void {
    this.#users -= 1
    this.#closeIfUnused()
  }

  /** Nobody new uses it. */
  retire(): void {
    this.#retired = true
    this.#closeIfUnused()
  }

  #closeIfUnused(): void {
    if (this.#retired && this.#users === 0) this.close()
  }

  close(): Promise<unknown> {
    this.#closing ??= this.#opened
      .then((all) => Promise.all(all.map(({ connection }) => connection[Symbol.asyncDispose]())))
      .finally(() => this.#closed(this))
    return this.#closing
  }
}

/**
 * The tools of MCP servers that the requests of a user get beside their own: of the external auth providers that have an
 * MCP server, with the user's connection to them, and of this deployment (AG-70).
 */
export class InjectedTools implements AsyncDisposable {
  readonly #parts: InjectionParts
  readonly #sources: readonly Source[]
  readonly #sessions: LRUCache<string, Session>
  /** Those that are not closed yet, retired ones too. */
  readonly #open = new Set<Session>()
  readonly #closing = new AbortController()

  private constructor(parts: InjectionParts, sources: readonly Source[]) {
    this.#parts = parts
    this.#sources = sources
    this.#sessions = new LRUCache({
      max: MAX_SESSIONS,
      ttl: LIFE_MS,
      ttlAutopurge: true,
      perf: { now: () => parts.context.clock.now().getTime() },
      dispose: (session) => session.retire(),
    })
  }

  /**
   * Undefined where nobody gets tools.
   *
   * @throws Error with a message for the operator for a filter of tools that cannot be used.
   */
  static from(parts: InjectionParts): InjectedTools | undefined {
    const sources = parts.context.config.externalAuthProviders
      .filter(({ mcpUrl }) => mcpUrl !== '')
      .map(sourceOf)
    if (sources.length === 0 && parts.own === undefined) return undefined
    return new InjectedTools(parts, sources)
  }

  /** The tools of a user; undefined for who has none. Servers that cannot be used are left out (AG-76). */
  async lease(caller: ToolCaller): Promise<ToolLease | undefined> {
    if (this.#closing.signal.aborted) return undefined
    const key = `${caller.userId} ${caller.keyId}`
    let session = this.#sessions.get(key)
    if (session === undefined) {
      session = new Session(
        this.#connectAll(caller, () => this.#shorten(key)),
        (closed) => void this.#open.delete(closed),
      )
      this.#open.add(session)
      this.#sessions.set(key, session)
    }
    const used = session
    used.use()
    const tools = await used.tools
    let held = true
    const release = (): void => {
      if (held) used.release()
      held = false
    }
    if (tools.length === 0) {
      release()
      return undefined
    }
    const forget = (): void => {
      if (this.#sessions.peek(key) === used) this.#sessions.delete(key)
    }
    const { log } = this.#parts.context
    return { tools: tools.map((tool) => watched(tool, log, forget)), [Symbol.dispose]: release }
  }

  #shorten(key: string): void {
    const session = this.#sessions.peek(key)
    if (session !== undefined) this.#sessions.set(key, session, { ttl: SHORT_LIFE_MS, noDisposeOnSet: true })
  }

  async #connectAll(caller: ToolCaller, incomplete: () => void): Promise<readonly Connected[]> {
    const { own } = this.#parts
    const attempts = this.#sources.map((source) => this.#connect(source, caller))
    if (own !== undefined) attempts.push(this.#connectOwn(own, caller))
    const connected = await Promise.all(attempts)
    if (connected.includes(undefined)) incomplete()
    return connected.filter((one) => one !== undefined)
  }

  async #connect(source: Source, caller: ToolCaller): Promise<Connected | undefined> {
    return this.#attempt(source.id, async () => {
      const token = await this.#tokenOf(source, caller.userId)
      if (token === undefined) return undefined
      return this.#openServer(
        { id: source.id, url: source.url, shownUrl: source.url },
        this.#parts.guarded,
        { Authorization: `Bearer ${token}` },
        (tool) => isOffered(source, tool),
      )
    })
  }

  async #connectOwn(own: OwnServer, { token }: ToolCaller): Promise<Connected | undefined> {
    return this.#attempt(OWN_ID, () =>
      this.#openServer(
        { id: OWN_ID, url: own.address(), shownUrl: own.publicUrl() },
        // The guard keeps everybody from this machine.
        { fetch: (_call, address, init) => fetch(address, init) },
        { 'Coder-Session-Token': token },
        () => true,
      ),
    )
  }

  async #openServer(
    server: { readonly id: string; readonly url: string; readonly shownUrl: string },
    guarded: Pick<GuardedFetch, 'fetch'>,
    headers: Readonly<Record<string, string>>,
    offered: (tool: string) => boolean,
  ): Promise<Connected> {
    const connection = await McpConnection.open(
      { url: server.url, transport: 'streamable_http' },
      {
        guarded,
        credentials: fixedCredentials(headers),
        version: this.#parts.context.version,
        signal: this.#closing.signal,
      },
    )
    const tools = connection.tools
      .filter(({ name }) => offered(name))
      .map(
        ({ name, description, title, inputSchema }): InjectedTool => ({
          name: exposedName(server.id, name),
          tool: name,
          serverId: server.id,
          serverUrl: server.shownUrl,
          description: description ?? title ?? '',
          inputSchema: { ...inputSchema },
          call: (args, signal) => connection.call(name, args, signal),
        }),
      )
    return { tools, connection }
  }

  async #tokenOf({ id }: Source, userId: string): Promise<string | undefined> {
    const patience = new AbortController()
    const late = delay(TOKEN_MS, undefined, { signal: patience.signal }).catch(() => undefined)
    const checked = this.#parts.external.requirements(userId, [{ id, optional: true }])
    // Whoever waits hears of a failure; nobody may be waiting any more.
    checked.catch(() => undefined)
    try {
      const found = await Promise.race([checked, late])
      return found?.[0]?.accessToken
    } finally {
      patience.abort()
    }
  }

  async #attempt(id: string, work: () => Promise<Connected | undefined>): Promise<Connected | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!this.#closing.signal.aborted)
        this.#parts.context.log.warn('requests to models go on without the tools of an MCP server', {
          mcp_server: id,
          error: error instanceof McpServerError ? error.message : describeError(error),
        })
      return undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new McpServerError('unreachable', 'the server is stopping'))
    this.#sessions.clear()
    await Promise.all([...this.#open].map((session) => session.close()))
  }
}

function sourceOf(provider: ExternalAuthProvider): Source {
  const { id, mcpUrl, mcpToolAllowRegex, mcpToolDenyRegex } = provider
  const pattern = (key: string, source: string): LinearRegExp | undefined => {
    if (source === '') return undefined
    try {
      return new LinearRegExp(source)
    } catch (error) {
      if (!(error instanceof RegExpSyntaxError)) throw error
      throw new Error(
        `the ${key} of external auth provider ${JSON.stringify(id)} cannot be used: ${error.message}`,
      )
    }
  }
  return {
    id,
    url: mcpUrl,
    allow: pattern('MCP_TOOL_ALLOW_REGEX', mcpToolAllowRegex),
    deny: pattern('MCP_TOOL_DENY_REGEX', mcpToolDenyRegex),
  }
}

/** AG-71. */
function isOffered({ allow, deny }: Source, tool: string): boolean {
  if (deny?.matches(tool, new StepBudget(MATCH_STEPS)) === true) return false
  return allow?.matches(tool, new StepBudget(MATCH_STEPS)) ?? true
}

/** AG-72. */
function exposedName(serverId: string, tool: string): string {
  return `bmcp_${serverId}_${tool}`.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, MAX_NAME)
}

/** In one order, whatever the servers say when; of those with one name the first. */
function sorted(connected: readonly Connected[]): readonly InjectedTool[] {
  const byName = new Map<string, InjectedTool>()
  for (const tool of connected.flatMap(({ tools }) => tools))
    if (!byName.has(tool.name)) byName.set(tool.name, tool)
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, MAX_TOOLS)
}

/** A tool whose server is connected to anew for the next request when it does not answer as one. */
function watched(tool: InjectedTool, log: Logger, forget: () => void): InjectedTool {
  return {
    ...tool,
    call: async (args, signal) => {
      try {
        return await tool.call(args, signal)
      } catch (error) {
        if (!(error instanceof McpServerError)) {
          if (!signal.aborted)
            log.error('an injected tool could not be called', {
              mcp_server: tool.serverId,
              error: describeError(error),
            })
        } else if (error.code !== 'timeout') forget()
        throw error
      }
    },
  }
}
