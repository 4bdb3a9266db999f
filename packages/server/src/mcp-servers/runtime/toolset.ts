import type { Tool } from '@modelcontextprotocol/client'

import type { Logger } from '@slipway/request-log'
import type { ConfigRow } from '../store/configs.ts'
import type { McpConnection, ToolResult } from './connection.ts'
import { McpServerError } from './errors.ts'
import { unwrapped, wrappedSchema } from './model-intent.ts'
import { exposedName, isOffered } from './tool-names.ts'

/** A tool as a model gets it. */
export interface ChatTool {
  readonly name: string
  readonly description: string
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly configId: string
  /** As its server calls it. */
  readonly toolName: string
  readonly annotations: Readonly<NonNullable<Tool['annotations']>>
}

/** A server that is connected. */
export interface ConnectedServer {
  readonly config: ConfigRow
  readonly connection: McpConnection
}

/** A server that a chat goes on without (OA-114). */
export interface SkippedServer {
  readonly config: ConfigRow
  readonly error: McpServerError
}

/**
 * The tools of several servers under names that do not collide, and the way to call them. A name that two tools share is
 * the first one's, by the id of its config, and that is logged (OA-114).
 */
export class McpToolset implements AsyncDisposable {
  readonly tools: readonly ChatTool[]
  readonly skipped: readonly SkippedServer[]
  readonly servers: readonly ConnectedServer[]
  readonly #byName = new Map<string, { readonly server: ConnectedServer; readonly tool: ChatTool }>()

  constructor(servers: readonly ConnectedServer[], skipped: readonly SkippedServer[], log: Logger) {
    this.servers = servers
    this.skipped = skipped
    const all = servers
      .flatMap((server) =>
        server.connection.tools
          .filter(({ name }) => isOffered(server.config, name))
          .map((tool) => ({ server, tool: chatTool(server.config, tool) })),
      )
      .sort((a, b) => compare(a.tool.name, b.tool.name) || compare(a.server.config.id, b.server.config.id))
    for (const entry of all) {
      const first = this.#byName.get(entry.tool.name)
      if (first === undefined) this.#byName.set(entry.tool.name, entry)
      else
        log.warn('two MCP tools have the same name for models, and only the first one can be used', {
          name: entry.tool.name,
          mcp_server: first.server.config.id,
          hidden_mcp_server: entry.server.config.id,
        })
    }
    this.tools = [...this.#byName.values()].map(({ tool }) => tool)
  }

  /**
   * Calls a tool by the name that models know.
   *
   * @throws McpServerError when there is no result; what aborted the signal.
   */
  call(name: string, given: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<ToolResult> {
    const found = this.#byName.get(name)
    if (found === undefined)
      return Promise.reject(new McpServerError('unknown_tool', `there is no tool ${JSON.stringify(name)}`))
    const { server, tool } = found
    const args = server.config.model_intent ? unwrapped(given) : given
    return server.connection.call(tool.toolName, args, signal)
  }

  /** Closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map(({ connection }) => connection[Symbol.asyncDispose]()))
  }
}

function chatTool(config: ConfigRow, tool: Tool): ChatTool {
  const schema = { ...tool.inputSchema }
  return {
    name: exposedName(config.slug, tool.name),
    description: tool.description ?? tool.title ?? '',
    inputSchema: config.model_intent ? wrappedSchema(schema) : schema,
    configId: config.id,
    toolName: tool.name,
    annotations: tool.annotations ?? {},
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
