import { randomUUID } from 'node:crypto'

import { Type } from 'typebox'

import { systemActor } from '../../authz/index.ts'
import { isReasoningEffort, subagentModel, usableModels } from '../../chat-settings/index.ts'
import { type ChatRow, changeChat, firstTitle, insertChat, systemMessages } from '../../chats/index.ts'
import { approvedForPlans } from '../../mcp-servers/index.ts'
import { defineChatTool, failed } from '../define.ts'
import { ToolFault } from '../fault.ts'
import { ownerOf } from '../owner.ts'
import { findChatNow } from '../store/chats.ts'
import { findReport, listSubagents } from '../store/subagents.ts'
import type { ChatTool, ToolCall } from '../tool.ts'
import type { ToolTurn } from '../turn.ts'
import { waitOnFeed } from '../wait-for.ts'

const DEFAULT_WAIT_S = 300
/** A run carries out tools for 15 minutes at a time (CH-606). */
const MAX_WAIT_S = 14 * 60
const MAX_LISTED = 50

const system = systemActor('chatd', 'a chat looks after those that it has started')

const chatId = Type.String({ format: 'uuid', description: 'The chat_id that spawn_agent gave.' })

/** `spawn_agent`: starts a subagent and does not wait for it (CH-1121). */
export function spawnAgentTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'spawn_agent',
    description:
      'Starts an agent that works on its own in the same workspace, and returns at once: wait_agent gives its report. Say in the prompt everything that it has to know. An agent of type explore only reads.',
    input: Type.Object({
      type: Type.Union([Type.Literal('general'), Type.Literal('explore')]),
      prompt: Type.String({ minLength: 1, maxLength: 131_072 }),
      title: Type.Optional(Type.String({ maxLength: 200 })),
      model_config_id: Type.Optional(
        Type.String({
          format: 'uuid',
          description: 'One of list_subagent_models; only when the user asks for it.',
        }),
      ),
      reasoning_effort: Type.Optional(Type.String({ maxLength: 32 })),
    }),
    run: async (args, call) => {
      const noted = notedIn(call)
      const known =
        noted === undefined ? undefined : await findChatNow(system, turn.context.database.db, noted)
      if (known !== undefined) return described(known)
      const chat = await turn.workspace.chatNow()
      const { actor } = await ownerOf(turn.context, chat)
      const { reasoning_effort: effort } = args
      if (effort !== undefined && !isReasoningEffort(effort))
        return failed(`${JSON.stringify(effort)} is no reasoning effort.`)
      const { database } = turn.context
      const parentEffort = chat.last_reasoning_effort
      const model = await subagentModel(turn.settings, actor, database.db, {
        ownerId: chat.owner_id,
        kind: args.type,
        modelConfigId: args.model_config_id,
        reasoningEffort: effort,
        parent: {
          modelConfigId: chat.last_model_config_id,
          reasoningEffort:
            parentEffort !== null && isReasoningEffort(parentEffort) ? parentEffort : undefined,
        },
      })
      const title = (args.title ?? '').trim()
      // What a plan may not use, an explorer that it has started may not either.
      const mcpServerIds =
        chat.plan_mode === 'plan'
          ? await approvedForPlans(actor, database.db, chat.organization_id, chat.mcp_server_ids)
          : chat.mcp_server_ids
      // Known before it exists: whoever carries on after a crash finds it instead of starting another.
      const id = noted ?? randomUUID()
      if (noted === undefined) await call.noteResume({ chat_id: id })
      const messages = await systemMessages(turn.settings, undefined, chat.workspace_id !== null)
      // Nothing is started any more once the user has stopped this chat.
      call.signal.throwIfAborted()
      const made = await database.transaction((tx) =>
        insertChat(
          actor,
          tx,
          {
            id,
            status: 'running',
            ownerId: chat.owner_id,
            organizationId: chat.organization_id,
            clientType: chat.client_type,
            title: title === '' ? firstTitle(args.prompt) : title,
            modelConfigId: model.config.id,
            reasoningEffort: model.reasoningEffort ?? null,
            workspaceId: chat.workspace_id,
            parent: chat,
            mode: args.type === 'explore' ? 'explore' : null,
            planMode: args.type === 'explore' ? null : chat.plan_mode === 'plan' ? 'plan' : null,
            mcpServerIds,
          },
          [
            ...messages,
            {
              role: 'user',
              parts: [{ type: 'text', text: args.prompt }],
              visibility: 'both',
              createdBy: chat.owner_id,
              modelConfigId: model.config.id,
              reasoningEffort: model.reasoningEffort ?? null,
            },
          ],
        ),
      )
      return described(made.chat)
    },
  })
}

/** Id of the subagent that an earlier process has started, or was about to start, for this very call (B-5). */
function notedIn({ resume }: ToolCall): string | undefined {
  if (typeof resume !== 'object' || resume === null || !('chat_id' in resume)) return undefined
  return typeof resume.chat_id === 'string' ? resume.chat_id : undefined
}

/** `wait_agent`: waits until a subagent has done its turn, and gives its report (CH-1122). */
export function waitAgentTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'wait_agent',
    description:
      'Waits until an agent is done, and gives its report. When the time is over the agent goes on: wait again.',
    input: Type.Object({
      chat_id: chatId,
      timeout_seconds: Type.Optional(
        Type.Number({ minimum: 0, description: `How long to wait; ${DEFAULT_WAIT_S} without it.` }),
      ),
    }),
    run: async ({ chat_id, timeout_seconds = DEFAULT_WAIT_S }, call) => {
      const { database } = turn.context
      await descendant(turn, chat_id)
      const timeoutMs = Math.min(timeout_seconds, MAX_WAIT_S) * 1_000
      const done = await waitOnFeed(
        turn.context,
        { kinds: ['chat'], keys: new Set([chat_id]), timeoutMs, signal: call.signal },
        async () => {
          const now = await descendant(turn, chat_id)
          return isBusy(now) ? undefined : now
        },
      )
      const chat = done ?? (await descendant(turn, chat_id))
      const report = await findReport(system, database.db, chat)
      const { last_error: error } = chat
      return {
        ...described(chat),
        report,
        ...(done === undefined ? { timed_out: true } : {}),
        ...(chat.status === 'error' && typeof error === 'object' && error !== null
          ? {
              last_error: Reflect.get(error, 'message'),
              last_error_kind: Reflect.get(error, 'kind'),
              last_error_retryable: Reflect.get(error, 'retryable'),
            }
          : {}),
      }
    },
  })
}

/** `message_agent`: says something to a subagent (CH-1123). */
export function messageAgentTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'message_agent',
    description:
      'Sends a message to an agent. It is read after what the agent does now, unless interrupt is set.',
    input: Type.Object({
      chat_id: chatId,
      message: Type.String({ minLength: 1, maxLength: 131_072 }),
      interrupt: Type.Optional(Type.Boolean({ description: 'Stop what the agent does now.' })),
    }),
    run: async ({ chat_id, message, interrupt = false }, call) => {
      const child = await descendant(turn, chat_id)
      // Sent already, by a run that ended before it could say so.
      if (call.resume !== undefined) return described(child)
      const { actor } = await ownerOf(turn.context, turn.chat)
      const sent = {
        parts: [{ type: 'text' as const, text: message }],
        modelConfigId: child.last_model_config_id,
        reasoningEffort: child.last_reasoning_effort,
        createdBy: child.owner_id,
      }
      const now = await turn.context.database.transaction(async (tx) => {
        await call.noteDone(tx, { sent: true })
        return changeChat(turn.context, actor, chat_id, async (chat) => {
          if (chat.row.archived)
            throw new ToolFault(
              'refused',
              'The agent was archived.',
              'Call spawn_agent to start another one.',
            )
          if (!isBusy(chat.row) && chat.row.status !== 'requires_action') await chat.sendIdle(sent)
          else if (interrupt) await chat.sendInterrupt(sent)
          else await chat.enqueue(sent)
          return chat.row
        })
      })
      return described(now)
    },
  })
}

/** `interrupt_agent`: stops what a subagent does (CH-1123). */
export function interruptAgentTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'interrupt_agent',
    description: 'Stops what an agent does. It can be sent messages afterwards.',
    input: Type.Object({ chat_id: chatId }),
    run: async ({ chat_id }, call) => {
      const child = await descendant(turn, chat_id)
      // Interrupted already, by a run that ended before it could say so: what runs by now is another turn (B-5).
      if (call.resume !== undefined) return described(child)
      const { actor } = await ownerOf(turn.context, turn.chat)
      const now = await turn.context.database.transaction(async (tx) => {
        await call.noteDone(tx, { interrupted: true })
        return changeChat(turn.context, actor, chat_id, async (chat) => {
          if (chat.row.status === 'running' || chat.row.status === 'requires_action') await chat.interrupt()
          return chat.row
        })
      })
      return described(now)
    },
  })
}

/** `list_agents`: the subagents of this chat (CH-1123). */
export function listAgentsTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'list_agents',
    description: 'Lists the agents that this chat has started, the newest first.',
    input: Type.Object({
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LISTED })),
      offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
    }),
    run: async ({ limit = MAX_LISTED, offset = 0 }) => ({
      agents: (await listSubagents(system, turn.context.database.db, turn.chat.id, { limit, offset })).map(
        described,
      ),
    }),
  })
}

/** `list_subagent_models`: the models that subagents may run with (CH-1123). */
export function listSubagentModelsTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'list_subagent_models',
    description: 'Lists the models that agents may be started with.',
    input: Type.Object({}),
    run: async () => ({
      models: (await usableModels(turn.settings, turn.chat.owner_id)).map(({ id, model, displayName }) => ({
        model_config_id: id,
        model,
        display_name: displayName,
      })),
    }),
  })
}

/** @throws ToolFault for a chat that this one has not started. */
async function descendant(turn: ToolTurn, id: string): Promise<ChatRow> {
  const chat = await findChatNow(system, turn.context.database.db, id)
  const own = turn.chat.id
  if (chat !== undefined && chat.id !== own && (chat.parent_chat_id === own || chat.root_chat_id === own))
    return chat
  throw new ToolFault(
    'refused',
    `This chat has started no agent ${id}.`,
    'Call list_agents to see those that it has.',
  )
}

/** CH-1122: what is neither is done. */
function isBusy({ status }: ChatRow): boolean {
  return status === 'running' || status === 'interrupting'
}

function described(chat: ChatRow): Readonly<Record<string, unknown>> {
  return {
    chat_id: chat.id,
    title: chat.title,
    status: chat.status,
    type: chat.mode ?? 'general',
  }
}
