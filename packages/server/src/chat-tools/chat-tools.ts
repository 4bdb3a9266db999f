import type { AgentTunnels } from '../agents/index.ts'
import type { ChatSettings } from '../chat-settings/index.ts'
import type { ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import type { ExternalAuth } from '../external-auth/index.ts'
import type { McpServers } from '../mcp-servers/index.ts'
import { isAvailable, runKindOf, SETS, type ToolSet } from './availability.ts'
import { openExternal } from './external.ts'
import { listTemplatesTool, readTemplateTool } from './platform/templates.ts'
import { createWorkspaceTool, startWorkspaceTool, stopWorkspaceTool } from './platform/workspaces.ts'
import {
  interruptAgentTool,
  listAgentsTool,
  listSubagentModelsTool,
  messageAgentTool,
  spawnAgentTool,
  waitAgentTool,
} from './subagents/subagents.ts'
import type { ChatTool, OpenTools } from './tool.ts'
import type { ToolTurn } from './turn.ts'
import { askUserQuestionTool, attachFileTool, proposePlanTool } from './workspace/attachments.ts'
import { ChatWorkspace } from './workspace/chat-workspace.ts'
import { editFilesTool, readFileTool, writeFileTool } from './workspace/files.ts'
import { executeTool, processListTool, processOutputTool, processSignalTool } from './workspace/processes.ts'
import { readSkillFileTool, readSkillTool } from './workspace/skills.ts'
import { workspaceMcpTools } from './workspace-mcp.ts'

/** What tools are made of. */
export interface ChatToolParts {
  readonly context: AppContext
  readonly tunnels: AgentTunnels
  readonly external: ExternalAuth
  readonly mcpServers: McpServers
  readonly settings: ChatSettings
}

type BuiltIn = (typeof SETS)[keyof typeof SETS][number]

/** Every tool of this server, by its name. */
const TOOLS: Readonly<Record<BuiltIn, (turn: ToolTurn) => ChatTool>> = {
  read_file: readFileTool,
  execute: executeTool,
  process_output: processOutputTool,
  read_skill: readSkillTool,
  read_skill_file: readSkillFileTool,
  write_file: writeFileTool,
  edit_files: editFilesTool,
  attach_file: attachFileTool,
  process_list: processListTool,
  process_signal: processSignalTool,
  list_templates: listTemplatesTool,
  read_template: readTemplateTool,
  create_workspace: createWorkspaceTool,
  start_workspace: startWorkspaceTool,
  stop_workspace: stopWorkspaceTool,
  spawn_agent: spawnAgentTool,
  wait_agent: waitAgentTool,
  list_agents: listAgentsTool,
  list_subagent_models: listSubagentModelsTool,
  message_agent: messageAgentTool,
  interrupt_agent: interruptAgentTool,
  propose_plan: proposePlanTool,
  ask_user_question: askUserQuestionTool,
}

/** Makes the tools of chats (CH-§11). */
export class ChatTools {
  readonly #parts: ChatToolParts

  constructor(parts: ChatToolParts) {
    this.#parts = parts
  }

  /**
   * The tools for a turn of a chat (CH-11.1); servers that cannot be reached are left out.
   *
   * @throws what aborted the signal.
   */
  async open({ chat, signal }: { readonly chat: ChatRow; readonly signal: AbortSignal }): Promise<OpenTools> {
    signal.throwIfAborted()
    const { context, tunnels, external, mcpServers, settings } = this.#parts
    const turn: ToolTurn = {
      context,
      external,
      settings,
      chat,
      workspace: new ChatWorkspace(context, tunnels, chat),
    }
    const kind = runKindOf(chat)
    const own = SET_NAMES.filter((set) => isAvailable(set, kind)).flatMap((set) =>
      SETS[set].map((name: BuiltIn) => TOOLS[name](turn)),
    )
    const retired = isAvailable('steering', kind)
      ? [{ ...interruptAgentTool(turn), name: 'close_agent', isRetired: true }]
      : []
    const ofWorkspace = isAvailable('workspace-mcp', kind) ? await workspaceMcpTools(turn, signal) : []
    const outside =
      isAvailable('external', kind) && chat.mcp_server_ids.length > 0
        ? await openExternal(context.log, mcpServers, chat, kind, signal)
        : undefined
    // Of two tools of one name the one that is nearer to this server is meant.
    const byName = new Map(
      [...own, ...retired, ...(outside?.tools ?? []), ...ofWorkspace]
        .reverse()
        .map((tool) => [tool.name, tool]),
    )
    return {
      tools: [...byName.values()].reverse(),
      skipped: outside?.skipped ?? [],
      [Symbol.asyncDispose]: async () => outside?.[Symbol.asyncDispose](),
    }
  }
}

const SET_NAMES: readonly (keyof typeof SETS & ToolSet)[] = [
  'reading',
  'writing',
  'attaching',
  'processes',
  'workspaces',
  'spawning',
  'steering',
  'planning',
]
