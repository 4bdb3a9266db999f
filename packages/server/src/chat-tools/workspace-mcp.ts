import { describeError } from '@slipway/request-log'
import { pinnedContext } from '../chat-context/index.ts'
import { defineForeignTool } from './define.ts'
import { outcomeOfMcp } from './external.ts'
import type { ChatTool } from './tool.ts'
import type { ToolTurn } from './turn.ts'
import { memberOf } from './workspace/chat-workspace.ts'

/** Servers that have to be started first get so long (CH-1403), in milliseconds. */
const DISCOVERY_MS = 5_000
const CALL_MS = 65_000
const MAX_TOOLS = 256
const MAX_DESCRIPTION = 4_096
const MAX_SCHEMA = 64 * 1024
/** All of them together, which every prompt carries. */
const MAX_ALL_SCHEMAS = 256 * 1024
/** `<server>__<tool>`, as no tool of this server is called. */
const NAME = /^(?=.{4,64}$)[A-Za-z0-9_-]+__[A-Za-z0-9_-]+$/

/**
 * The tools of the MCP servers that the workspace of a chat names in its `.mcp.json` (CH-1403), through its agent. There
 * are none while the workspace cannot be reached at once: a turn does not wait for it.
 *
 * @throws what aborted the signal.
 */
export async function workspaceMcpTools(turn: ToolTurn, signal: AbortSignal): Promise<readonly ChatTool[]> {
  if (turn.chat.workspace_id === null) return []
  const pinned = await pinnedContext(turn.context, turn.chat)
  if (pinned?.resources.some(({ kind, status }) => kind === 'mcp_config' && status === 'ok') !== true)
    return []
  try {
    const until = AbortSignal.any([signal, AbortSignal.timeout(DISCOVERY_MS + 1_000)])
    const answer = await turn.workspace.ask({ method: 'GET', path: '/api/v0/mcp/tools' }, until)
    const tools = memberOf(answer, 'tools')
    return readTools(Array.isArray(tools) ? tools : []).map((tool) => toolOf(turn, tool))
  } catch (error) {
    signal.throwIfAborted()
    turn.context.log.debug('the MCP servers of a workspace cannot be used', {
      chat: turn.chat.id,
      error: describeError(error),
    })
    return []
  }
}

type Shown = Pick<ChatTool, 'name' | 'description' | 'inputSchema'>

/** The tools that an agent tells of, as far as they can be told to models: whatever runs in a workspace has written them. */
export function readTools(tools: readonly unknown[]): readonly Shown[] {
  let left = MAX_ALL_SCHEMAS
  return tools.slice(0, MAX_TOOLS).flatMap((tool) => {
    const { name, description, input_schema: inputSchema } = Object(tool)
    if (typeof name !== 'string' || !NAME.test(name)) return []
    if (typeof inputSchema !== 'object' || inputSchema === null || Array.isArray(inputSchema)) return []
    const size = JSON.stringify(inputSchema).length
    if (size > MAX_SCHEMA || size > left) return []
    left -= size
    const text = typeof description === 'string' ? description.slice(0, MAX_DESCRIPTION) : ''
    return [{ name, description: text.toWellFormed(), inputSchema: Object(inputSchema) }]
  })
}

function toolOf(turn: ToolTurn, shown: Shown): ChatTool {
  const { name } = shown
  return defineForeignTool(turn.context.log, shown, async (args, call) => {
    const answer = await turn.workspace.ask(
      {
        method: 'POST',
        path: '/api/v0/mcp/call-tool',
        body: { tool_name: name, arguments: args },
        timeoutMs: CALL_MS,
        maxBytes: 16 * 1024 * 1024,
      },
      call.signal,
    )
    const content = memberOf(answer, 'content')
    return outcomeOfMcp({
      isError: memberOf(answer, 'is_error') === true,
      content: (Array.isArray(content) ? content : []).map((part: unknown) => {
        const { media_type: mimeType, ...rest } = Object(part)
        return mimeType === undefined ? rest : { ...rest, mimeType }
      }),
      structuredContent: memberOf(answer, 'structured_content'),
    })
  })
}
