import {
  type CallToolResult,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server'

import { ApiFailure, ConnectionFailure } from '@slipway/client'
import {
  type AgentAccess,
  type Api,
  agentApiAccess,
  allPrompts,
  allTools,
  argumentsSchemaOf,
  listResources,
  parseResourceUri,
  type ResourceKind,
  readResource,
  renderPrompt,
  resourceKinds,
  type Tool,
  ToolFault,
} from '@slipway/mcp-tools'
import type { Connection } from '../connection.ts'
import { LOGGED_OUT } from '../session.ts'
import { openTunnel } from '../tunnel.ts'
import { ownVersion } from '../version.ts'

/** What a model can make use of; more is a mistake of the tool. */
const MAX_RESULT_CHARACTERS = 4 * 1024 * 1024
const PROGRESS_MS = 500

/** The tool that gives what a resource gives: without it the resource is not offered either. */
const TOOL_OF_KIND: Readonly<Record<ResourceKind['name'], string>> = {
  workspaces: 'coder_get_workspace',
  templates: 'coder_get_template',
  chats: 'coder_get_chat',
}

/** What a client gets. */
export interface Offer {
  /** Undefined without a session of a user; then only tools that need none are of use. */
  readonly client: Connection | undefined
  /** Empty when there is nothing to say. */
  readonly instructions: string
  readonly tools: readonly Tool[]
}

/** Those of the tools that an allow-list names, and what it names besides; all without a list (OA-96). */
export function allowedTools(
  names: readonly string[],
  offered: readonly Tool[],
): {
  readonly tools: readonly Tool[]
  readonly unknown: readonly string[]
} {
  const wanted = names.map((name) => name.trim()).filter((name) => name !== '')
  return {
    tools: wanted.length === 0 ? offered : offered.filter(({ name }) => wanted.includes(name)),
    unknown: wanted.filter((name) => ![...allTools, ...offered].some((tool) => tool.name === name)),
  }
}

/** Stands for the API where nobody is signed in. */
const NO_API: Api = {
  call: () => Promise.reject(new ToolFault(LOGGED_OUT)),
  upload: () => Promise.reject(new ToolFault(LOGGED_OUT)),
}

/** An MCP server for the client at the other end of stdin and stdout (OA-96). */
export function stdioServer(offer: Offer): McpServer {
  const names = new Set(offer.tools.map(({ name }) => name))
  const { client } = offer
  const kinds = client === undefined ? [] : resourceKinds.filter(({ name }) => names.has(TOOL_OF_KIND[name]))
  const server = new McpServer(
    { name: 'Coder Agent', version: ownVersion() },
    {
      ...(offer.instructions === '' ? {} : { instructions: offer.instructions }),
      // Nobody hears of lists that have become others, and clients keep for good what they expect to hear of.
      capabilities: {
        tools: { listChanged: false },
        prompts: { listChanged: false },
        ...(kinds.length === 0 ? {} : { resources: { listChanged: false } }),
      },
    },
  )
  const agents = agentAccess(client)
  for (const tool of offer.tools)
    server.registerTool(
      tool.name,
      {
        title: tool.title,
        description: tool.description,
        annotations: tool.annotations,
        inputSchema: tool.inputSchema,
        outputSchema: tool.outputSchema,
      },
      (args, context) => callTool(client, agents, tool, args, context),
    )
  registerPrompts(server, names)
  // Of what was never registered the library says that there is no such method.
  if (offer.tools.length === 0) server.server.setRequestHandler('tools/list', () => ({ tools: [] }))
  if (client !== undefined) for (const kind of kinds) registerResources(server, client, kind)
  return server
}

async function callTool(
  client: Connection | undefined,
  agents: AgentAccess,
  tool: Tool,
  args: unknown,
  context: ServerContext,
): Promise<CallToolResult> {
  const { signal } = context.mcpReq
  try {
    const result = await tool.run(args, {
      api: client ?? NO_API,
      agents,
      accessUrl: client?.url ?? '',
      signal,
      progress: progressTo(context),
    })
    const text = JSON.stringify(result)
    if (text.length > MAX_RESULT_CHARACTERS)
      throw new ToolFault('the result is too long: ask for less, such as fewer objects or a part of a file')
    return { content: [{ type: 'text', text }], structuredContent: result }
  } catch (error) {
    return { content: [{ type: 'text', text: reasonOf(error) }], isError: true }
  }
}

/** Tells a client that wants to know how far a call is, twice a second at most. */
function progressTo({ mcpReq }: ServerContext): (message: string) => void {
  const progressToken = mcpReq._meta?.progressToken
  let step = 0
  let told = Number.NEGATIVE_INFINITY
  return (message) => {
    if (progressToken === undefined || performance.now() - told < PROGRESS_MS) return
    told = performance.now()
    step += 1
    // A client that has left hears nothing, which is no fault of the tool.
    void mcpReq
      .notify({ method: 'notifications/progress', params: { progressToken, progress: step, message } })
      .catch(() => undefined)
  }
}

/** What a model is told of a failure. */
function reasonOf(error: unknown): string {
  if (error instanceof ApiFailure) {
    const fields = error.validations.map(({ field, detail }) => `${field}: ${detail}`)
    const signIn = error.status === 401 ? 'The session has ended: sign in again with `slipway login`.' : ''
    return [error.message, error.detail, ...fields, signIn].filter(Boolean).join(' ')
  }
  if (error instanceof ConnectionFailure) return `${error.message}: ${error.reason}`
  return error instanceof Error ? error.message : String(error)
}

/** Works in workspaces through the tunnels that the server opens for this session (OA-89). */
function agentAccess(client: Connection | undefined): AgentAccess {
  return agentApiAccess(async (agentId, work) => {
    if (client === undefined) throw new ToolFault(LOGGED_OUT)
    using tunnel = await openTunnel(client, agentId).catch((error: unknown) => {
      // 409 is what a deployment answers that only browsers may use.
      if (error instanceof ApiFailure && [403, 404, 409].includes(error.status))
        throw new ToolFault(`unauthorized: ${reasonOf(error)}`)
      throw error
    })
    return await work(tunnel)
  })
}

/** Prompts whose tools are all there (OA-97). */
function registerPrompts(server: McpServer, tools: ReadonlySet<string>): void {
  const prompts = allPrompts.filter(({ requiredTools }) => requiredTools.every((name) => tools.has(name)))
  if (prompts.length === 0) server.server.setRequestHandler('prompts/list', () => ({ prompts: [] }))
  for (const prompt of prompts)
    server.registerPrompt(
      prompt.name,
      { title: prompt.title, description: prompt.description, argsSchema: argumentsSchemaOf(prompt) },
      (given) => {
        try {
          const text = renderPrompt(prompt, given)
          return { messages: [{ role: 'user', content: { type: 'text', text } }] }
        } catch (error) {
          throw new ProtocolError(ProtocolErrorCode.InvalidParams, reasonOf(error))
        }
      },
    )
}

function registerResources(server: McpServer, client: Connection, kind: ResourceKind): void {
  server.registerResource(
    kind.name,
    new ResourceTemplate(`coder://${kind.name}/{id}`, {
      list: async () => ({ resources: await listResources(client, kind.name) }),
    }),
    { title: kind.title, description: kind.description, mimeType: 'application/json' },
    async ({ href: uri }) => {
      const named = parseResourceUri(uri)
      if (named === undefined)
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Resource not found', { uri })
      const text = await readResource(client, named.kind, named.id).catch((error: unknown) => {
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, reasonOf(error), { uri })
      })
      return { contents: [{ uri, mimeType: 'application/json', text }] }
    },
  )
}
