import {
  type CallToolResult,
  McpServer,
  type McpServerOptions,
  ProtocolError,
  ProtocolErrorCode,
  type ServerNotifier,
} from '@modelcontextprotocol/server'

import {
  allPrompts,
  argumentsSchemaOf,
  type Prompt,
  renderPrompt,
  type Tool,
  type ToolContext,
  ToolFault,
} from '@slipway/mcp-tools'
import { ApiError } from '../errors/index.ts'
import { type AgentParts, tunnelAccess } from './agent-access.ts'
import type { ChosenTools } from './choose-tools.ts'
import { explainFailure } from './explain-failure.ts'
import type { InProcessApi, Outer, Relayed } from './in-process-api.ts'
import { registerResources, type Subscriptions } from './resources.ts'

/** What tests add to the servers of clients, and how they tell that it has changed; nothing in the product. */
export interface McpExtension {
  /** How state that clients send back is checked. */
  readonly requestState?: NonNullable<McpServerOptions['requestState']>
  readonly extend: (server: McpServer, notify: ServerNotifier) => void
}

/** What the servers of clients are made of. */
export interface ServerParts extends AgentParts {
  readonly api: InProcessApi
  readonly extension:
    | {
        readonly options: Pick<McpServerOptions, 'requestState'>
        readonly extend: (server: McpServer) => void
      }
    | undefined
}

/** Whose server it is. */
export interface Client {
  readonly outer: Outer
  readonly tools: ChosenTools
}

const INSTRUCTIONS =
  'Manages development workspaces and the templates that they are created from: list, create, start, stop and delete workspaces, run commands and edit files in them, and write templates.'
/** As much as a session keeps of a message, where a result stands as text and as what it is, less what is around it. */
const MAX_RESULT_CHARACTERS = 4 * 1024 * 1024 - 4_096
/** How many characters one becomes at most as text and as text in JSON. */
const MOST_ESCAPED = 8
const PROGRESS_MS = 500
/** OA-B20: lists are those of the caller, and change with workspaces and templates. */
const LIST_TTL_MS = 60_000
const CACHE_HINTS = Object.fromEntries(
  ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'server/discover'].map(
    (method) => [method, { ttlMs: LIST_TTL_MS, cacheScope: 'private' as const }],
  ),
)

/**
 * A server for the messages of one request. Only what they ask for is registered, since it lives no longer than they do.
 *
 * @param methods of the messages, with the name of the tool that a `tools/call` is for.
 */
export function toolServer(
  parts: ServerParts,
  client: Client,
  asked: { readonly methods: ReadonlySet<string>; readonly tool: string | undefined },
  subscriptions: Subscriptions | undefined,
): McpServer {
  const { hasMore } = client.tools
  // Nobody hears of lists that have become others, and clients keep for good what they expect to hear of.
  const listChanged = parts.extension !== undefined
  const server = new McpServer(serverInfo(parts), {
    instructions: INSTRUCTIONS,
    ...parts.extension?.options,
    capabilities: {
      tools: { listChanged },
      ...(hasMore ? { prompts: { listChanged }, resources: { listChanged, subscribe: true } } : {}),
    },
    cacheHints: CACHE_HINTS,
  })
  const wants = (family: string): boolean => [...asked.methods].some((method) => method.startsWith(family))
  if (wants('tools/')) registerTools(server, parts, client, asked.tool)
  if (hasMore && wants('prompts/')) registerPrompts(server, client.tools)
  if (hasMore && wants('resources/')) registerResources(server, parts, client.outer, subscriptions)
  parts.extension?.extend(server)
  return server
}

/** What the server calls itself (OA-82). */
export function serverInfo({ context }: Pick<ServerParts, 'context'>): { name: string; version: string } {
  return { name: 'Coder', version: context.version }
}

function registerTools(
  server: McpServer,
  parts: ServerParts,
  { outer, tools }: Client,
  called: string | undefined,
): void {
  const one = called === undefined ? undefined : tools.offered.get(called)
  for (const tool of one === undefined ? tools.visible : [one])
    server.registerTool(
      tool.name,
      {
        title: tool.title,
        description: tool.description,
        annotations: tool.annotations,
        inputSchema: tool.inputSchema,
        outputSchema: tool.outputSchema,
      },
      (args, { mcpReq }) => {
        const progressToken = mcpReq._meta?.progressToken
        return callTool(parts, outer, tool, args, {
          signal: mcpReq.signal,
          ...(progressToken === undefined
            ? {}
            : {
                notify: (progress: number, message: string) =>
                  mcpReq.notify({
                    method: 'notifications/progress',
                    params: { progressToken, progress, message },
                  }),
              }),
        })
      },
    )
}

/** What a call of a tool has beside its arguments. */
export interface CallSituation {
  readonly signal: AbortSignal
  /** Tells the client how far the call is; absent when it does not want to know. */
  readonly notify?: (step: number, message: string) => Promise<void>
}

/** What came of a call: a result with the JSON of it, or what the model is told of its failure. */
export type CallOutcome =
  | { readonly isError: false; readonly result: unknown; readonly json: string }
  | { readonly isError: true; readonly message: string }

/** The latest answer of the API to a tool, with its JSON. */
interface Heard {
  value: unknown
  json: string
}

/** Carries out a call for a server of the library. */
async function callTool(
  parts: ServerParts,
  outer: Outer,
  tool: Tool,
  args: unknown,
  situation: CallSituation,
): Promise<CallToolResult> {
  const outcome = await runTool(parts, outer, tool, args, situation)
  return outcome.isError
    ? { content: [{ type: 'text', text: outcome.message }], isError: true }
    : { content: [{ type: 'text', text: outcome.json }], structuredContent: outcome.result }
}

/** Carries out a call; what goes wrong is told to the model that called. */
export async function runTool(
  parts: ServerParts,
  outer: Outer,
  tool: Tool,
  args: unknown,
  situation: CallSituation,
): Promise<CallOutcome> {
  outer.context.logFields.mcp_tool = tool.name
  const heard: Heard = { value: undefined, json: '' }
  try {
    const result = await tool.run(args, new CallContext(parts, outer, tool.name, situation, heard))
    // Many tools hand on what the API has said, and no tool changes it.
    const isHeard = typeof result === 'object' && result !== null && result === heard.value
    const json = isHeard ? heard.json : JSON.stringify(result)
    requireFits(json)
    return { isError: false, result, json }
  } catch (error) {
    return { isError: true, message: explain(parts, outer, tool.name, error) }
  }
}

/** The JSON of a result that is an answer of the API, where that can be told without waiting and nothing is wrong. */
export function relayAtOnce(parts: ServerParts, outer: Outer, tool: Tool): Relayed | undefined {
  if (tool.relays === undefined) return undefined
  try {
    const relayed = parts.api.ready(outer, tool.relays)
    if (relayed === undefined) return undefined
    requireFits(relayed.json)
    outer.context.logFields.mcp_tool = tool.name
    return relayed
  } catch (error) {
    // A call that may wait tells why.
    if (error instanceof ApiError || error instanceof ToolFault) return undefined
    throw error
  }
}

/** @throws ToolFault for a result that is more than a session keeps of a message. */
function requireFits(json: string): void {
  if (json.length * MOST_ESCAPED < MAX_RESULT_CHARACTERS) return
  if (json.length + JSON.stringify(json).length > MAX_RESULT_CHARACTERS)
    throw new ToolFault('the result is too long: ask for less, such as fewer objects or a part of a file')
}

/** What a tool works with. A class, so that its one accessor is not made anew, with a shape of its own, for each call. */
class CallContext implements ToolContext {
  readonly api: ToolContext['api']
  readonly agents: ToolContext['agents']
  readonly accessUrl: string
  readonly progress: ToolContext['progress']
  readonly #situation: CallSituation

  constructor(parts: ServerParts, outer: Outer, tool: string, situation: CallSituation, heard: Heard) {
    this.#situation = situation
    this.api = {
      call: async (route, input = {}) => {
        const json = await parts.api.call(outer, tool, route, input)
        const value = JSON.parse(json)
        heard.value = value
        heard.json = json
        return value
      },
      upload: async (route, data, type, input = {}) =>
        JSON.parse(await parts.api.call(outer, tool, route, { ...input, bytes: { data, type } })),
    }
    this.agents = tunnelAccess(parts, outer)
    this.accessUrl = parts.context.accessUrl().replace(/\/+$/, '')
    this.progress = progressOf(situation)
  }

  // Most tools do not look at it, and it takes time to make one.
  get signal(): AbortSignal {
    return this.#situation.signal
  }
}

function progressOf({ notify }: CallSituation): ToolContext['progress'] {
  let step = 0
  let told = Number.NEGATIVE_INFINITY
  return (message) => {
    if (notify === undefined || performance.now() - told < PROGRESS_MS) return
    told = performance.now()
    step += 1
    // A client that has left hears nothing, which is no fault of the tool.
    void notify(step, message).catch(() => undefined)
  }
}

/** What a model is told of a failure. */
function explain({ context }: ServerParts, outer: Outer, tool: string, error: unknown): string {
  if (error instanceof ToolFault) return error.message
  if (error instanceof Error && error.name === 'AbortError') return 'The call was cancelled.'
  return explainFailure(context, outer, { what: 'a tool failed', mcp_tool: tool }, error)
}

/** Prompts whose tools are all there (OA-97). */
function registerPrompts(server: McpServer, tools: ChosenTools): void {
  const names = new Set(tools.visible.map(({ name }) => name))
  for (const prompt of allPrompts) {
    if (!prompt.requiredTools.every((name) => names.has(name))) continue
    server.registerPrompt(
      prompt.name,
      { title: prompt.title, description: prompt.description, argsSchema: argumentsSchemaOf(prompt) },
      (given) => ({ messages: [{ role: 'user', content: { type: 'text', text: rendered(prompt, given) } }] }),
    )
  }
}

function rendered(prompt: Prompt, given: unknown): string {
  try {
    return renderPrompt(prompt, given)
  } catch (error) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      error instanceof Error ? error.message : String(error),
    )
  }
}
