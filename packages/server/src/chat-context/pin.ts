import { chooseAgent, listLatestAgents } from '../agents/index.ts'
import { isAllowed, systemActor } from '../authz/index.ts'
import type { ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { actorOf, findStanding, roleOptions } from '../identity/index.ts'
import { getWorkspace, type WorkspaceRow, workspaceObject } from '../workspaces/index.ts'
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
  const place = await placeOf(context, chat.workspace_id)
  if (place === undefined || place.agentId === pinned?.agent_id) return pinned
  if (!(await mayConnect(context, chat, place))) return pinned
  return (await pin(context, chat, place.agentId)) ? findPinnedContext(system, db, chat) : pinned
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
  const place = await placeOf(context, chat.workspace_id)
  if (place === undefined || !(await mayConnect(context, chat, place))) return
  await lookAgain(place.agentId)
  await pin(context, chat, place.agentId)
}

/**
 * Copies what an agent tells into all chats of the workspace's owner that have something older; gives their number. An
 * agent that chats do not work in tells them nothing.
 */
export async function repinDirty(
  context: AppContext,
  agent: { readonly id: string; readonly workspaceId: string; readonly ownerId: string },
): Promise<number> {
  if (!(await isChosen(context, agent))) return 0
  const chats = await listDirtyChats(system, context.database.db, agent.workspaceId, agent.ownerId)
  let refreshed = 0
  for (const chat of chats) if (await pin(context, chat, agent.id)) refreshed += 1
  return refreshed
}

/** Whether an agent is the one of its workspace that chats work in. */
export async function isChosen(
  context: AppContext,
  agent: { readonly id: string; readonly workspaceId: string },
): Promise<boolean> {
  return (await placeOf(context, agent.workspaceId))?.agentId === agent.id
}

async function pin(
  context: AppContext,
  chat: Pick<ChatRow, 'id' | 'owner_id' | 'organization_id'>,
  agentId: string,
): Promise<boolean> {
  return context.database.transaction(async (tx) => {
    // Held, so that a push either comes before, or marks this copy as an older one.
    const told = await findAgentContext(system, tx, agentId, { hold: true })
    if (told === undefined) return false
    await pinContext(system, tx, chat, agentId, told, context.clock.now())
    return true
  })
}

interface Place {
  readonly workspace: WorkspaceRow
  readonly agentId: string
}

/**
 * Whether the owner of a chat may connect to a workspace now: what files of it say is for nobody else, and what was bound
 * once may be taken away or shared for reading only (CH-310).
 */
async function mayConnect(
  context: AppContext,
  { owner_id }: Pick<ChatRow, 'owner_id'>,
  { workspace }: Place,
): Promise<boolean> {
  const standing = await findStanding(system, context.database.db, owner_id)
  if (standing === undefined || standing.status === 'suspended') return false
  return isAllowed(actorOf(owner_id, standing, roleOptions(context)), 'ssh', workspaceObject(workspace))
}

/** The agent that chats of a workspace work in; undefined while there is none. */
async function placeOf(context: AppContext, workspaceId: string | null): Promise<Place | undefined> {
  if (workspaceId === null) return undefined
  const { db } = context.database
  try {
    const workspace = await getWorkspace(system, db, workspaceId)
    const { agent } = chooseAgent(await listLatestAgents(system, db, workspace))
    return agent === undefined ? undefined : { workspace, agentId: agent.id }
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}
