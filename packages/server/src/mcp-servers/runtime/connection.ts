import type { Client, ElicitRequest, ElicitResult, Tool } from '@modelcontextprotocol/client'

import { OutboundError } from '../../outbound/index.ts'
import { untilAborted } from '../../until-aborted.ts'
import { type Guarded, upstreamText } from '../oauth/http.ts'
import { CredentialedFetch, type Credentials } from './credentialed-fetch.ts'
import { McpServerError, ofOutbound } from './errors.ts'

/** Which server, and how it is spoken to. */
export interface Endpoint {
  readonly url: string
  readonly transport: 'streamable_http' | 'sse'
}

/** What connecting takes beside the server. */
export interface ConnectOptions {
  readonly guarded: Guarded
  readonly credentials: Credentials
  /** Headers of every request; credentials win over them. */
  readonly headers?: Readonly<Record<string, string>>
  /** Version of this server, for the log of the other one. */
  readonly version: string
  readonly signal?: AbortSignal | undefined
  /** Asks a person what a server wants to know; without it servers are told that nobody can be asked. */
  readonly elicit?: (request: ElicitRequest['params'], signal: AbortSignal) => Promise<ElicitResult>
}

/** What a tool gave. */
export interface ToolResult {
  readonly isError: boolean
  readonly content: readonly Readonly<Record<string, unknown>>[]
  readonly structuredContent: unknown
}

/** Connecting and listing together may take so long (OA-114), in milliseconds. */
const CONNECT_MS = 10_000
const CALL_MS = 60_000
const MAX_TOOLS = 512
const MAX_PAGES = 32
/** What is longer is no tool for a model, in characters. */
const MAX_TOOL = { name: 256, schema: 128 * 1024 }
/** Longest description that is kept, in characters. */
const MAX_DESCRIPTION = 8_192
/** Longest text of the protocol that is passed on, in characters. */
const MAX_REASON = 200
/** What other servers know us by (OA-114). */
const CLIENT_NAME = 'coder'

/**
 * A connection to an MCP server whose tools are known. It speaks the revision without a handshake where the server does,
 * and else one with it.
 */
export class McpConnection implements AsyncDisposable {
  readonly #client: Client
  /** Aborted when the connection ends, with the reason. */
  readonly #ended: AbortController
  readonly tools: readonly Tool[]

  private constructor(client: Client, ended: AbortController, tools: readonly Tool[]) {
    this.#client = client
    this.#ended = ended
    this.tools = tools
  }

  /**
   * Connects and lists the tools.
   *
   * @throws McpServerError saying why the server cannot be used; what aborted the signal.
   */
  static async open(endpoint: Endpoint, options: ConnectOptions): Promise<McpConnection> {
    // Most servers never need it.
    const sdk = await import('@modelcontextprotocol/client')
    const { elicit } = options
    const ended = new AbortController()
    const flooded = (error: McpServerError): void => ended.abort(error)
    const fetch = new CredentialedFetch(options.guarded, options.credentials, options.headers ?? {}, flooded)
    const client = new sdk.Client(
      { name: CLIENT_NAME, version: options.version },
      {
        // What a person leaves out of a form is what the form says.
        capabilities: elicit === undefined ? {} : { elicitation: { form: { applyDefaults: true } } },
        versionNegotiation: { mode: 'auto' },
        listMaxPages: MAX_PAGES,
        // A pattern of somebody else's schema could hold up the whole process; what a tool says is for a model to judge.
        jsonSchemaValidator: {
          getValidator: () => (input) => ({ valid: true, data: Object(input), errorMessage: undefined }),
        },
      },
    )
    if (elicit !== undefined)
      client.setRequestHandler('elicitation/create', ({ params }) => elicit(params, ended.signal))
    // Streams would be opened again and again.
    ended.signal.addEventListener('abort', () => void closeQuietly(client), { once: true })
    const url = new URL(endpoint.url)
    const transport =
      endpoint.transport === 'sse'
        ? new sdk.SSEClientTransport(url, { fetch: fetch.fetch })
        : new sdk.StreamableHTTPClientTransport(url, { fetch: fetch.fetch })
    const patience = AbortSignal.timeout(CONNECT_MS)
    const signal = AbortSignal.any([
      patience,
      ended.signal,
      ...(options.signal === undefined ? [] : [options.signal]),
    ])
    try {
      const tools = await untilAborted(signal, connectAndList(client, transport, signal))
      return new McpConnection(client, ended, usable(tools))
    } catch (error) {
      await closeQuietly(client)
      if (options.signal?.aborted === true) throw options.signal.reason
      if (ended.signal.aborted) throw ended.signal.reason
      if (patience.aborted)
        throw new McpServerError(
          'timeout',
          `the server did not connect and list its tools in ${CONNECT_MS / 1000} s`,
        )
      throw await translated(error)
    }
  }

  /** Revision of the protocol that was agreed on. */
  get protocolVersion(): string {
    return this.#client.getNegotiatedProtocolVersion() ?? ''
  }

  /** What the server says it is. */
  get server(): { readonly name: string; readonly version: string } {
    const { name = '', version = '' } = this.#client.getServerVersion() ?? {}
    return { name: name.slice(0, 256), version: version.slice(0, 256) }
  }

  /**
   * Calls a tool by its own name; a tool that fails has a result that says so.
   *
   * @throws McpServerError when there is no result; what aborted the signal.
   */
  async call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<ToolResult> {
    const patience = AbortSignal.timeout(CALL_MS)
    const ended = AbortSignal.any([patience, this.#ended.signal, ...(signal === undefined ? [] : [signal])])
    try {
      const { content, structuredContent, isError } = await untilAborted(
        ended,
        this.#client.callTool(
          { name, arguments: { ...args } },
          { timeout: CALL_MS, maxTotalTimeout: CALL_MS, signal: ended },
        ),
      )
      return {
        isError: isError === true,
        content: content.map((part) => ({ ...part })),
        structuredContent,
      }
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (this.#ended.signal.aborted) throw this.#ended.signal.reason
      if (patience.aborted)
        throw new McpServerError('timeout', `the tool did not answer in ${CALL_MS / 1000} s`)
      throw await translated(error)
    }
  }

  /** Ends calls that are under way, and the session. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new McpServerError('unreachable', 'the connection was closed'))
    await closeQuietly(this.#client)
  }
}

async function connectAndList(
  client: Client,
  transport: Parameters<Client['connect']>[0],
  signal: AbortSignal,
): Promise<readonly Tool[]> {
  await client.connect(transport, { timeout: CONNECT_MS, signal })
  if (client.getServerCapabilities()?.tools === undefined) return []
  return (await client.listTools(undefined, { timeout: CONNECT_MS, signal })).tools
}

/** Tools within bounds, without what only validators read. */
function usable(tools: readonly Tool[]): Tool[] {
  return tools
    .slice(0, MAX_TOOLS)
    .filter(
      ({ name, inputSchema }) =>
        name.length <= MAX_TOOL.name && JSON.stringify(inputSchema).length <= MAX_TOOL.schema,
    )
    .map(({ name, title, description, inputSchema, annotations }) => ({
      name,
      inputSchema,
      ...(title === undefined ? {} : { title: title.slice(0, MAX_TOOL.name) }),
      ...(description === undefined ? {} : { description: description.slice(0, MAX_DESCRIPTION) }),
      ...(annotations === undefined ? {} : { annotations }),
    }))
}

async function closeQuietly(client: Client): Promise<void> {
  await client.close().catch(() => undefined)
}

/** A failure of the protocol in our words; what is nothing of that is a fault of ours and stays what it is. */
async function translated(error: unknown): Promise<unknown> {
  if (error instanceof McpServerError) return error
  if (error instanceof OutboundError) return ofOutbound(error)
  if (error instanceof Error && error.cause instanceof McpServerError) return error.cause
  if (error instanceof Error && error.cause instanceof OutboundError) return ofOutbound(error.cause)
  const sdk = await import('@modelcontextprotocol/client')
  if (error instanceof sdk.SdkHttpError)
    return new McpServerError('protocol', `the server answered ${error.status}`, error)
  if (error instanceof sdk.SdkError || error instanceof sdk.ProtocolError || error instanceof sdk.SseError)
    return new McpServerError('protocol', upstreamText(error.message).slice(0, MAX_REASON), error)
  if (
    error instanceof SyntaxError ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    isSchemaError(error)
  )
    return new McpServerError('protocol', 'the server answered something that is not of the protocol', error)
  return error
}

function isSchemaError(error: unknown): boolean {
  return error instanceof Error && (error.name === 'ZodError' || error.name === '$ZodError')
}
