import { type AgentAnswer, AgentFault, type AgentRequest, askAgent } from '@slipway/mcp-tools'
import type { TunnelClient } from '@slipway/tunnel'
import { type AgentRow, type AgentTunnels, chooseAgent, listLatestAgents } from '../../agents/index.ts'
import { isAllowed, systemActor } from '../../authz/index.ts'
import type { ChatRow } from '../../chats/index.ts'
import type { AppContext } from '../../context.ts'
import { ApiError } from '../../errors/index.ts'
import { getWorkspace, noteUse, type WorkspaceRow, workspaceObject } from '../../workspaces/index.ts'
import { ToolFault } from '../fault.ts'
import { type ChatOwner, ownerOf } from '../owner.ts'
import { findChatNow } from '../store/chats.ts'
import { unlessAborted } from '../wait-for.ts'
import { withoutToken } from './without-token.ts'

/** How long an agent is dialled (CH-1202), in milliseconds. */
const DIAL_MS = 30_000
/** An agent that has been away for so long is not waited for (CH-1101), in milliseconds. */
const LOST_MS = 90_000
const REQUEST_MS = 30_000
/** A workspace that is in use is noted so often (CH-1203), in milliseconds. */
const NOTE_MS = 60_000

const system = systemActor('chatd', 'a chat is read as it is now, for the tools of its run')

/** An agent that can be asked. */
export interface OpenAgent {
  readonly owner: ChatOwner
  readonly workspace: WorkspaceRow
  readonly agent: AgentRow
  readonly tunnel: TunnelClient
}

/** A request to the agent, with what it needs beyond the usual. */
export interface WorkspaceRequest extends AgentRequest {
  readonly timeoutMs?: number
  readonly maxBytes?: number
  /** Twice is as good as once, so that it is sent again when the connection is lost. */
  readonly isIdempotent?: boolean
}

/**
 * The workspace of a chat, for its tools. Nothing is kept of which agent that is: each call takes it from the latest build
 * (CH-105), with the rights that the owner has by then (CH-310); only its connection is shared.
 */
export class ChatWorkspace {
  readonly #context: AppContext
  readonly #tunnels: AgentTunnels
  readonly #chat: ChatRow
  #noted: { readonly workspaceId: string; readonly at: number } | undefined

  constructor(context: AppContext, tunnels: AgentTunnels, chat: ChatRow) {
    this.#context = context
    this.#tunnels = tunnels
    this.#chat = chat
  }

  /** Headers that tell an agent which chat asks (AC-123). */
  get headers(): Readonly<Record<string, string>> {
    const { id, parent_chat_id, root_chat_id } = this.#chat
    const ancestors = [...new Set([parent_chat_id, root_chat_id])].filter((one) => one !== null && one !== id)
    return {
      'coder-chat-id': id,
      ...(ancestors.length === 0 ? {} : { 'coder-ancestor-chat-ids': JSON.stringify(ancestors) }),
    }
  }

  /** The chat as it is now. @throws ToolFault when it was deleted. */
  async chatNow(): Promise<ChatRow> {
    const chat = await findChatNow(system, this.#context.database.db, this.#chat.id)
    if (chat === undefined) throw new ToolFault('refused', 'This chat was deleted.', 'Stop.')
    return chat
  }

  /**
   * Connects to the agent that the chat works in, which is looked up again while it is dialled (CH-1202).
   *
   * @throws ToolFault saying why there is none; what aborted the signal.
   */
  async open(signal: AbortSignal): Promise<OpenAgent> {
    const until = performance.now() + DIAL_MS
    for (;;) {
      signal.throwIfAborted()
      const target = await this.#target()
      if (this.#lostMs(target.agent) >= LOST_MS || target.agent.status === 'timeout')
        throw lost(target.workspace, this.#isChild)
      try {
        const tunnel = await unlessAborted(this.#tunnels.get(target.agent.id), signal)
        await this.#noteUse(target.workspace.id)
        return { ...target, tunnel }
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 502)) throw error
        if (performance.now() < until) continue
        if (target.agent.status !== 'connecting') throw lost(target.workspace, this.#isChild)
        throw new ToolFault(
          'agent_connecting',
          `The agent of ${target.workspace.name} has not connected yet.`,
          this.#isChild
            ? 'Report to the agent that started you that the workspace is not ready.'
            : 'Call start_workspace, which waits for the agent.',
        )
      }
    }
  }

  /**
   * Asks the agent. A connection that is lost before the answer is opened once more for what may be done twice.
   *
   * @throws ToolFault, AgentFault with what the agent says; what aborted the signal.
   */
  async ask(request: WorkspaceRequest, signal: AbortSignal, opened?: OpenAgent): Promise<AgentAnswer> {
    const { timeoutMs = REQUEST_MS, maxBytes, isIdempotent = request.method === 'GET', ...rest } = request
    const headers = { ...this.headers, ...rest.headers }
    const send = async ({ tunnel, agent }: OpenAgent): Promise<AgentAnswer> =>
      withoutToken(
        await askAgent(
          tunnel,
          { ...rest, headers },
          AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
          maxBytes,
        ),
        agent.auth_token_hash,
      )
    const first = opened ?? (await this.open(signal))
    try {
      return await send(first)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof AgentFault || error instanceof ToolFault) throw error
      if (isIdempotent) return send(await this.open(signal))
      throw new ToolFault(
        'agent_lost',
        `The connection to ${first.workspace.name} was lost, and it is unknown whether this was done.`,
        'Look with read_file or execute whether it was done, before you do it again.',
      )
    }
  }

  /** The workspace that the chat is bound to, for its owner. @throws ToolFault when there is none. */
  async bound(): Promise<{ readonly owner: ChatOwner; readonly workspace: WorkspaceRow }> {
    const { database } = this.#context
    const chat = await this.chatNow()
    const owner = await ownerOf(this.#context, chat)
    if (chat.workspace_id === null)
      throw new ToolFault(
        'no_workspace',
        'This chat has no workspace yet.',
        this.#isChild
          ? 'Report to the agent that started you that a workspace is needed.'
          : 'Call create_workspace to make one.',
      )
    const gone = (): ToolFault =>
      new ToolFault(
        'workspace_gone',
        'The workspace of this chat does not exist any more.',
        this.#isChild
          ? 'Report to the agent that started you that the workspace is gone.'
          : 'Call create_workspace to make a new one.',
      )
    let workspace: WorkspaceRow
    try {
      workspace = await getWorkspace(owner.actor, database.db, chat.workspace_id)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) throw gone()
      throw error
    }
    if (workspace.deleted || workspace.transition === 'delete') throw gone()
    return { owner, workspace }
  }

  /** @throws ToolFault for a workspace that nobody can work in now. */
  async #target(): Promise<Omit<OpenAgent, 'tunnel'>> {
    const { owner, workspace } = await this.bound()
    const { name } = workspace
    const start = this.#isChild
      ? `Report to the agent that started you that ${name} has to be started.`
      : 'Call start_workspace.'
    if (workspace.dormant_at !== null) throw new ToolFault('workspace_dormant', `${name} is dormant.`, start)
    if (!isAllowed(owner.actor, 'ssh', workspaceObject(workspace)))
      throw new ToolFault(
        'workspace_forbidden',
        `The owner of this chat may see ${name} but not connect to it.`,
        'Ask the user to have access to the workspace granted.',
      )
    if (workspace.transition === 'stop')
      throw new ToolFault('workspace_stopped', `${name} is stopped.`, start)
    switch (workspace.job.job_status) {
      case 'pending':
      case 'running':
        throw new ToolFault(
          'workspace_starting',
          `${name} is still being built.`,
          this.#isChild
            ? 'Report to the agent that started you that the workspace is not ready.'
            : 'Call start_workspace, which waits for the build.',
        )
      case 'canceling':
      case 'canceled':
      case 'failed':
        throw new ToolFault(
          'workspace_failed',
          `The last build of ${name} did not succeed: ${workspace.job.error ?? workspace.job.job_status}`,
          start,
        )
      case 'succeeded':
    }
    const choice = chooseAgent(await listLatestAgents(owner.actor, this.#context.database.db, workspace))
    if (choice.agent !== undefined) return { owner, workspace, agent: choice.agent }
    if (choice.reason === 'ambiguous')
      throw new ToolFault(
        'ambiguous_agent',
        `Several agents of ${name} are designated for chats: ${choice.names.join(', ')}.`,
        'Ask the user to have the template designate only one.',
      )
    throw new ToolFault(
      'no_agent',
      `${name} has no agent that a chat can work in.`,
      'Ask the user for a workspace of another template.',
    )
  }

  get #isChild(): boolean {
    return this.#chat.parent_chat_id !== null
  }

  #lostMs({ status, disconnected_at, last_connected_at }: AgentRow): number {
    const since = disconnected_at ?? last_connected_at
    if (status !== 'disconnected' || since === null) return 0
    return this.#context.clock.now().getTime() - since.getTime()
  }

  async #noteUse(workspaceId: string): Promise<void> {
    const now = performance.now()
    if (this.#noted?.workspaceId === workspaceId && now - this.#noted.at < NOTE_MS) return
    this.#noted = { workspaceId, at: now }
    await noteUse(this.#context, workspaceId)
  }
}

function lost(workspace: WorkspaceRow, isChild: boolean): ToolFault {
  return new ToolFault(
    'agent_lost',
    `The agent of ${workspace.name} is not connected; the workspace may have run out of memory.`,
    isChild
      ? `Report to the agent that started you that ${workspace.name} has to be stopped and started again.`
      : 'Call stop_workspace, and then start_workspace.',
  )
}

/** A member of an answer in JSON; undefined where there is none. */
export function memberOf({ bytes }: AgentAnswer, name: string): unknown {
  const value: unknown = JSON.parse(bytes.toString('utf8'))
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
