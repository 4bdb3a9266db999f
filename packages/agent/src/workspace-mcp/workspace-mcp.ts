import { readFile, stat } from 'node:fs/promises'

import { describeError, type Logger } from '@slipway/request-log'
import { AgentApiError, type ApiAnswer, type ApiRequest, jsonBody } from '../api/answer.ts'
import { readConfig, type ServerConfig } from './config.ts'
import { connectTo, type McpTransport } from './connection.ts'

/** How long is waited for the tools of a server, and for one call (CH-1403), in milliseconds. */
const DISCOVERY_MS = 5_000
/** A server that has to be fetched first starts in the meantime, and its tools are there for the next turn. */
const START_MS = 120_000
/** Longest file that is read, in bytes. */
const MAX_FILE = 64 * 1024
export const CALL_MS = 60_000
const MAX_TOOLS = 128
const MAX_DESCRIPTION = 4_096
const MAX_SCHEMA = 64 * 1024
const PROTOCOL = '2025-06-18'

/** A tool of a server, as models know it: `<server>__<tool>`. */
interface WorkspaceTool {
  readonly name: string
  readonly description: string
  readonly input_schema: unknown
}

interface Server {
  readonly config: ServerConfig
  readonly transport: McpTransport
  readonly ready: Promise<readonly WorkspaceTool[]>
  hasFailed: boolean
}

/** The MCP servers that the workspace's `.mcp.json` names (CH-1403). They are started when a chat asks for them first. */
export class WorkspaceMcp implements Disposable {
  readonly #file: string
  readonly #around: { readonly env: Readonly<Record<string, string>>; readonly directory: string }
  readonly #log: Logger
  #servers: readonly Server[] = []
  /** Tells one state of the file from another. */
  #stamp = ''
  #loading: Promise<void> | undefined

  constructor(options: {
    readonly file: string
    readonly env: Readonly<Record<string, string>>
    readonly directory: string
    readonly log: Logger
  }) {
    this.#file = options.file
    this.#around = { env: options.env, directory: options.directory }
    this.#log = options.log
  }

  /** `GET mcp/tools`: what the servers offer; one that does not answer in time is left out. */
  async tools(): Promise<ApiAnswer> {
    await this.#load()
    using late = timeout(DISCOVERY_MS)
    const lists = await Promise.all(
      this.#servers.map(({ ready }) => Promise.race([ready.catch(() => []), late.over])),
    )
    return { json: { tools: lists.flatMap((tools) => tools ?? []) } }
  }

  /** `POST mcp/call-tool {tool_name, arguments}`. */
  async call(request: ApiRequest): Promise<ApiAnswer> {
    const body = await jsonBody(request, 4 * 1024 * 1024)
    const [, server = '', tool = ''] = /^(.+?)__(.+)$/.exec(String(body.tool_name ?? '')) ?? []
    if (tool === '') throw new AgentApiError(400, '"tool_name" must be <server>__<tool>')
    await this.#load()
    const found = this.#servers.find(({ config }) => config.name === server)
    if (found === undefined) throw new AgentApiError(404, `there is no MCP server ${JSON.stringify(server)}`)
    try {
      using late = timeout(DISCOVERY_MS)
      const tools = await Promise.race([found.ready, late.over])
      if (tools === undefined) throw new Error('the server is still being started')
      const result = await found.transport.request(
        'tools/call',
        { name: tool, arguments: body.arguments ?? {} },
        AbortSignal.any([request.signal, AbortSignal.timeout(CALL_MS)]),
      )
      return { json: presented(result) }
    } catch (error) {
      throw new AgentApiError(502, error instanceof Error ? error.message : String(error))
    }
  }

  #load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** Starts the servers anew when the file has changed, and those that have ended. */
  async #read(): Promise<void> {
    const found = await stat(this.#file).catch(() => undefined)
    const stamp = found === undefined ? '' : `${found.mtimeMs} ${found.size}`
    if (stamp === this.#stamp) {
      this.#servers = this.#servers.map((server) =>
        server.transport.open && !server.hasFailed ? server : this.#start(server.config),
      )
      return
    }
    this[Symbol.dispose]()
    this.#stamp = stamp
    if (found === undefined || found.size > MAX_FILE) return
    try {
      const configs = readConfig(await readFile(this.#file, 'utf8'), this.#around.env)
      this.#servers = configs.map((config) => this.#start(config))
    } catch (error) {
      this.#log.info('the MCP servers of the workspace cannot be read', { error: describeError(error) })
    }
  }

  #start(config: ServerConfig): Server {
    const transport = connectTo(config, this.#around)
    const ready = discover(config.name, transport)
    const server: Server = { config, transport, ready, hasFailed: false }
    ready.catch((error: unknown) => {
      // It is started anew when it is asked for next.
      server.hasFailed = true
      transport[Symbol.dispose]()
      this.#log.info('an MCP server of the workspace cannot be used', {
        server: config.name,
        error: describeError(error),
      })
    })
    return server
  }

  [Symbol.dispose](): void {
    for (const { transport } of this.#servers) transport[Symbol.dispose]()
    this.#servers = []
  }
}

/** Resolves with nothing when the time is over; disposed, it keeps nobody waiting. */
function timeout(ms: number): Disposable & { readonly over: Promise<undefined> } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  return { over: promise, [Symbol.dispose]: () => clearTimeout(timer) }
}

async function discover(server: string, transport: McpTransport): Promise<readonly WorkspaceTool[]> {
  const signal = AbortSignal.timeout(START_MS)
  await transport.request(
    'initialize',
    { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: { name: 'coder', version: '1' } },
    signal,
  )
  transport.notify('notifications/initialized')
  const listed = await transport.request('tools/list', {}, signal)
  const tools: unknown = typeof listed === 'object' && listed !== null ? Reflect.get(listed, 'tools') : []
  return (Array.isArray(tools) ? tools : []).slice(0, MAX_TOOLS).flatMap((tool: unknown) => {
    const { name, description, inputSchema } = Object(tool)
    if (typeof name !== 'string' || JSON.stringify(inputSchema ?? {}).length > MAX_SCHEMA) return []
    return [
      {
        name: `${server}__${name}`,
        description: typeof description === 'string' ? description.slice(0, MAX_DESCRIPTION) : '',
        input_schema: inputSchema ?? { type: 'object' },
      },
    ]
  })
}

function presented(result: unknown): object {
  const { content, isError, structuredContent } = Object(result)
  const parts: unknown[] = Array.isArray(content) ? content : []
  return {
    is_error: isError === true,
    content: parts.map((part) => {
      const { type, text, data, mimeType } = Object(part)
      return {
        type,
        text,
        data,
        media_type: mimeType,
        ...(type === 'text' || data !== undefined ? {} : Object(part)),
      }
    }),
    ...(structuredContent === undefined ? {} : { structured_content: structuredContent }),
  }
}
