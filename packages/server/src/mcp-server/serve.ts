import {
  classifyInboundRequest,
  createMcpHandler,
  isInitializeRequest,
  isJsonContentType,
  type JSONRPCMessage,
  type McpHttpHandler,
} from '@modelcontextprotocol/server'

import type { Route } from '@slipway/contract'
import { resourceUri } from '@slipway/mcp-tools'
import { describeError } from '@slipway/request-log'
import type { ChangeEvent } from '../context.ts'
import type { OpenStreams, SessionIncoming } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import { untilAborted } from '../until-aborted.ts'
import { ChangeBus } from './change-bus.ts'
import { chooseTools } from './choose-tools.ts'
import {
  answerAtOnce,
  answerDirectly,
  type DirectCall,
  directCallOf,
  Ending,
  type Era,
  Eras,
  Greetings,
  relaysAnswer,
} from './direct-call.ts'
import { EventStreams } from './event-streams.ts'
import { Exchanges } from './exchanges.ts'
import {
  agreedVersion,
  askedBy,
  jsonRpcError,
  keyEnded,
  one,
  optional,
  readMessages,
  requestOf,
  requireAccept,
} from './messages.ts'
import { requireScopes } from './require-scopes.ts'
import {
  DEFAULT_VERSION,
  LEGACY_VERSIONS,
  MODERN_VERSION,
  unservedVersion,
  unsupportedVersion,
  withAllVersions,
} from './revisions.ts'
import { SessionHub } from './session-hub.ts'
import { followStream, listenForChanges } from './session-streams.ts'
import type { McpSessionRow } from './store.ts'
import { mayHearOf, refusedSubscription, subscribedTo } from './subscriptions.ts'
import { type Client, type McpExtension, type ServerParts, toolServer } from './tool-server.ts'
import { sendResponse, webRequest } from './web-messages.ts'

/** The last revision whose requests may hold several messages. */
const BATCH_VERSION = '2025-03-26'
/** Of what a client says of itself, in characters. */
const MAX_CLIENT = 64 * 1024

type McpIncoming = SessionIncoming<Route>

/** Serves the Model Context Protocol on one address, in all its revisions (OA-83…OA-90, OA-B20). */
export class McpService implements AsyncDisposable {
  readonly #parts: ServerParts
  readonly #hub: SessionHub
  readonly #streams: EventStreams
  readonly #exchanges: Exchanges
  readonly #modern: McpHttpHandler
  readonly #eras = new Eras()
  readonly #greetings = new Greetings()
  readonly #bus: ChangeBus
  readonly #outer = new WeakMap<Request, { readonly client: Client; readonly message: unknown }>()
  readonly #changes: Disposable

  constructor(
    parts: Omit<ServerParts, 'extension'>,
    streams: OpenStreams,
    extension: McpExtension | undefined,
  ) {
    this.#parts = {
      ...parts,
      extension: extension && {
        options: extension.requestState === undefined ? {} : { requestState: extension.requestState },
        extend: (server) => extension.extend(server, this.#modern.notify),
      },
    }
    this.#bus = new ChangeBus(parts.context.log)
    this.#hub = new SessionHub(parts.context)
    this.#streams = new EventStreams(streams)
    this.#exchanges = new Exchanges(this.#parts, this.#hub, this.#streams)
    this.#modern = createMcpHandler(
      ({ requestInfo }) => {
        const known = requestInfo === undefined ? undefined : this.#outer.get(requestInfo)
        if (known === undefined) throw new Error('a request came to the MCP handler by another way')
        return toolServer(this.#parts, known.client, askedBy([known.message]), undefined)
      },
      {
        legacy: 'reject',
        bus: this.#bus,
        onerror: (error) => parts.context.log.debug('MCP request', { error: describeError(error) }),
      },
    )
    this.#changes = parts.context.database.feed.subscribe({
      kinds: new Set(['workspace', 'workspace_build', 'template', 'chat']),
      onEvent: (event) => this.#announce(event),
      onReset: () => undefined,
    })
  }

  /** `POST`: messages of the client. @throws ApiError. */
  async post(incoming: McpIncoming): Promise<unknown> {
    const { raw, reply } = incoming
    const { headers } = raw
    const client = this.#client(incoming)
    const body: unknown = raw.body
    const { direct, era } = this.#judge(incoming, client)
    if (era === 'modern' && direct !== undefined && namesItself(headers, direct.tool.name))
      return this.#answer(incoming, client, direct, 'modern')
    if (era !== 'legacy') {
      const requested = unservedVersion(one(headers['mcp-protocol-version']), body)
      if (requested !== undefined) return jsonRpcError(reply, 400, unsupportedVersion(requested), body)
      const uris = subscribedTo(body)
      const refused = await refusedSubscription(this.#parts, incoming, uris)
      if (refused !== undefined) return jsonRpcError(reply, 400, refused, body)
      const ended = new AbortController()
      using _ = this.#streams.watch(raw, () => ended.abort(keyEnded()))
      const request = webRequest(raw, reply, this.#parts.context.accessUrl(), ended.signal)
      this.#outer.set(request, { client, message: body })
      const maySee = (uri: string): Promise<boolean> => mayHearOf(this.#parts, incoming, uri)
      const answering = this.#bus.runFor({ uris, maySee }, () =>
        this.#modern.fetch(request, { parsedBody: body }),
      )
      const response = await untilAborted(ended.signal, answering)
      const answer = await sendResponse(this.#streams, raw, reply, response, request.signal)
      return requestOf(body)?.method === 'server/discover' ? withAllVersions(answer) : answer
    }
    return this.#postLegacy(incoming, client, body, direct)
  }

  /** What `post` would answer to a call for which nothing has to be waited; undefined where it has to be asked. @throws ApiError. */
  ready(incoming: McpIncoming): string | undefined {
    const { raw, reply, owner } = incoming
    const client = this.#client(incoming)
    if (!relaysAnswer(client, raw.body) || this.#streams.mayHaveEnded(raw)) return undefined
    const { direct, era } = this.#judge(incoming, client)
    if (direct === undefined || era === undefined) return undefined
    const { headers } = raw
    const version = one(headers['mcp-protocol-version'])
    if (era === 'modern') {
      if (!namesItself(headers, direct.tool.name)) return undefined
    } else {
      if (version !== undefined && !LEGACY_VERSIONS.includes(version)) return undefined
      const id = one(headers['mcp-session-id'])
      if (id !== undefined && this.#hub.known(owner.id, id) === undefined) return undefined
    }
    const message = answerAtOnce(this.#parts, client, direct, era)
    if (message !== undefined) reply.type('application/json; charset=utf-8')
    return message
  }

  /** What a body is. @throws ApiError 400, 403, 415 for one that nobody may send so. */
  #judge(
    { raw: { headers, body }, key }: McpIncoming,
    client: Client,
  ): { readonly direct: DirectCall | undefined; readonly era: Era | undefined } {
    if (!isJsonContentType(headers['content-type'] ?? null))
      throw new ApiError(415, 'Send the messages as application/json.')
    requireAccept(headers.accept)
    requireScopes(client, body, this.#parts.context.config.accessUrl)
    const declared = {
      version: one(headers['mcp-protocol-version']),
      method: one(headers['mcp-method']),
      name: one(headers['mcp-name']),
    }
    const judge = (): Era | undefined => {
      const { kind } = classifyInboundRequest({
        httpMethod: 'POST',
        body,
        ...optional('protocolVersionHeader', declared.version),
        ...optional('mcpMethodHeader', declared.method),
        ...optional('mcpNameHeader', declared.name),
      })
      return kind === 'legacy' || kind === 'modern' ? kind : undefined
    }
    const direct = directCallOf(client, body)
    return { direct, era: direct === undefined ? judge() : this.#eras.of(key, direct, declared, judge) }
  }

  /** Answers a call without a server of the library; it ends with its key, and, outside of sessions, with its client. */
  async #answer(
    { raw, reply }: McpIncoming,
    client: Client,
    call: DirectCall,
    era: Era,
    session?: McpSessionRow,
  ): Promise<unknown> {
    const ending = new Ending()
    using _ = this.#streams.watch(raw, () => ending.end(keyEnded()))
    const left = (): void => ending.end(new Error('the client has left'))
    // Without a session nobody can come back for the answer.
    if (session === undefined) reply.raw.once('close', left)
    try {
      const message = await ending.or(answerDirectly(this.#parts, client, call, ending, era))
      reply.type('application/json; charset=utf-8')
      return message
    } finally {
      reply.raw.off('close', left)
    }
  }

  /** `GET`: what the server of a session says unasked, or the rest of a stream that broke. @throws ApiError. */
  async stream(incoming: McpIncoming): Promise<undefined> {
    const { raw, reply } = incoming
    const session = await this.#sessionOf(incoming)
    if (session === undefined) throw onlyPost()
    const parts = { context: this.#parts.context, hub: this.#hub, streams: this.#streams }
    const last = one(raw.headers['last-event-id'])
    const followed = last === undefined ? false : await followStream(parts, raw, reply, session, last)
    if (!followed) {
      await listenForChanges(parts, raw, reply, session, (uri) => mayHearOf(this.#parts, incoming, uri))
    }
    return undefined
  }

  /** `DELETE`: the client needs its session no more. @throws ApiError. */
  async end(incoming: McpIncoming): Promise<undefined> {
    const session = await this.#sessionOf(incoming)
    if (session === undefined) throw onlyPost()
    await this.#hub.end(session)
    return undefined
  }

  #client(incoming: McpIncoming): Client {
    const { mcpAllowedTools } = this.#parts.context.config
    return {
      outer: incoming,
      tools: chooseTools(incoming.raw.search, mcpAllowedTools, incoming.key.scopes),
    }
  }

  /** The session that a request names; undefined when it names none. @throws ApiError 404 for an unknown one. */
  async #sessionOf({ raw, owner }: McpIncoming): Promise<McpSessionRow | undefined> {
    const id = one(raw.headers['mcp-session-id'])
    if (id === undefined) return undefined
    const session = UUID.test(id) ? await this.#hub.find(owner.id, id) : undefined
    // Clients then begin a new one (2025-11-25, session management).
    if (session === undefined) throw new ApiError(404, 'Session not found: initialize a new one.')
    return session
  }

  async #postLegacy(
    incoming: McpIncoming,
    client: Client,
    body: unknown,
    direct: DirectCall | undefined,
  ): Promise<unknown> {
    const { raw, reply } = incoming
    if (direct !== undefined) {
      const version = one(raw.headers['mcp-protocol-version'])
      const session = await this.#sessionOf(incoming)
      if (version === undefined || LEGACY_VERSIONS.includes(version))
        return this.#answer(incoming, client, direct, 'legacy', session)
    }
    const messages = readMessages(body)
    if (messages === undefined)
      return jsonRpcError(reply, 400, { code: -32_600, message: 'Not a message of JSON-RPC 2.0.' }, body)
    const first = messages.find(
      (message) => requestOf(message)?.method === 'initialize' && isInitializeRequest(message),
    )
    if (first !== undefined && messages.length > 1)
      return jsonRpcError(reply, 400, { code: -32_600, message: 'Send initialize alone.' }, body)
    const session = first === undefined ? await this.#sessionOf(incoming) : undefined
    const header = one(raw.headers['mcp-protocol-version'])
    if (first === undefined && header !== undefined && !LEGACY_VERSIONS.includes(header))
      return jsonRpcError(
        reply,
        400,
        {
          code: -32_000,
          message: `Bad Request: Unsupported protocol version: ${header} (supported versions: ${LEGACY_VERSIONS.join(', ')})`,
        },
        body,
      )
    const version = session?.protocol_version ?? header ?? DEFAULT_VERSION
    if (Array.isArray(body) && version > BATCH_VERSION)
      return jsonRpcError(reply, 400, { code: -32_600, message: `${version} has no batches.` }, body)
    if (!messages.some((message) => requestOf(message) !== undefined)) {
      await this.#hear(session, messages)
      await reply.code(202).send()
      return undefined
    }
    const asked = { session, messages, isBatch: Array.isArray(body), version }
    if (first !== undefined && isInitializeRequest(first)) {
      if (JSON.stringify(first.params).length > MAX_CLIENT)
        return jsonRpcError(
          reply,
          400,
          { code: -32_602, message: `initialize has ${MAX_CLIENT} characters at most.` },
          body,
        )
      const opened = await this.#hub.open(incoming.owner.id, agreedVersion(first.params), first.params)
      reply.header('Mcp-Session-Id', opened.id)
      // An extension may answer each client otherwise.
      if (this.#parts.extension === undefined)
        return await this.#greetings.answer(first, client, () =>
          this.#exchanges.answer(incoming, client, asked),
        )
    }
    return this.#exchanges.answer(incoming, client, asked)
  }

  /** Answers, and news about calls, go to where those calls are. */
  async #hear(session: McpSessionRow | undefined, messages: readonly JSONRPCMessage[]): Promise<void> {
    if (session === undefined) return
    for (const message of messages) {
      const isAboutCall = !('method' in message) || message.method === 'notifications/cancelled'
      if (isAboutCall) await this.#hub.deliver(session.id, message)
    }
  }

  #announce({ kind, key }: ChangeEvent): void {
    const kinds = { template: 'templates', chat: 'chats' } as const
    const uri = resourceUri(kind === 'template' || kind === 'chat' ? kinds[kind] : 'workspaces', key)
    this.#hub.announce(uri)
    this.#bus.publish({ kind: 'resource_updated', uri })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#changes[Symbol.dispose]()
    this.#hub[Symbol.dispose]()
    this.#streams[Symbol.dispose]()
    await this.#modern.close()
  }
}

/** Whether the headers of 2026-07-28 say what the body does; what they say otherwise is for the library to refuse. */
function namesItself(headers: McpIncoming['raw']['headers'], tool: string): boolean {
  return (
    one(headers['mcp-protocol-version']) === MODERN_VERSION &&
    one(headers['mcp-method']) === 'tools/call' &&
    one(headers['mcp-name']) === tool
  )
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** OA-84: requests that only sessions have. */
function onlyPost(): ApiError {
  return new ApiError(405, 'Method not allowed. Without a session this address answers POST.', {
    headers: { Allow: 'POST' },
  })
}
