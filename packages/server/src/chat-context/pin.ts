import { chooseAgent, listLatestAgents } from '../agents/index.ts'
import { systemActor } from '../authz/index.ts'
import type { ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { getWorkspace } from '../workspaces/index.ts'
import { findAgentContext } from './store/agent-context.ts'
import { findPinnedContext, listDirtyChats, type PinnedContext, pinContext } from './store/pinned.ts'

const system = systemActor('chatd', 'what a workspace tells is copied into its chats')

type Bound = Pick<ChatRow, 'id' | 'owner_id' | 'organization_id' | 'workspace_id' | 'context_aggregate_hash'>

/**
 * The copy that the prompts of a chat are made of (CH-1301): taken at its first turn, and again when its workspace has
 * another agent by now (CH-1302); what changes otherwise is only marked. A stopped workspace changes nothing.
 */
export async function pinnedContext(context: AppContext, chat: Bound): Promise<PinnedContext | undefined> {
  // Most of all there is no workspace, and nothing to ask the database for.
  if (chat.workspace_id === null && chat.context_aggregate_hash === null) return undefined
  const { db } = context.database
  const pinned = await findPinnedContext(system, db, chat)
  const agentId = await agentOf(context, chat.workspace_id)
  if (agentId === undefined || agentId === pinned?.agent_id) return pinned
  return (await pin(context, chat, agentId)) ? findPinnedContext(system, db, chat) : pinned
}

/**
 * Copies what the workspace tells now (CH-1302); nothing happens while it tells nothing.
 *
 * @param lookAgain has an agent look at once; never rejects.
 */
export async function repin(
  context: AppContext,
  chat: Bound,
  lookAgain: (agentId: string) => Promise<void>,
): Promise<void> {
  const agentId = await agentOf(context, chat.workspace_id)
  if (agentId === undefined) return
  await lookAgain(agentId)
  await pin(context, chat, agentId)
}

/** Copies what an agent tells into all chats of the workspace's owner that have something older; gives their number. */
export async function repinDirty(
  context: AppContext,
  agent: { readonly id: string; readonly workspaceId: string; readonly ownerId: string },
): Promise<number> {
  const chats = await listDirtyChats(system, context.database.db, agent.workspaceId, agent.ownerId)
  let refreshed = 0
  for (const chat of chats) if (await pin(context, chat, agent.id)) refreshed += 1
  return refreshed
}

async function pin(
  context: AppContext,
  chat: Pick<ChatRow, 'id' | 'owner_id' | 'organization_id'>,
  agentId: string,
): Promise<boolean> {
  return context.database.transaction(async (tx) => {
    const told = await findAgentContext(system, tx, agentId)
    if (told === undefined) return false
    await pinContext(system, tx, chat, agentId, told, context.clock.now())
    return true
  })
}

/** The agent that chats of a workspace work in; undefined while there is none. */
async function agentOf(context: AppContext, workspaceId: string | null): Promise<string | undefined> {
  if (workspaceId === null) return undefined
  const { db } = context.database
  try {
    const workspace = await getWorkspace(system, db, workspaceId)
    return chooseAgent(await listLatestAgents(system, db, workspace)).agent?.id
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}
