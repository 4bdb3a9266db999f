import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type {
  WorkspaceAgentContextResourcesTable,
  WorkspaceAgentContextTable,
} from '../../database/tables.ts'

/** What an agent has pushed, without its resources. */
export type AgentContextRow = Selectable<WorkspaceAgentContextTable>

/** Something of a workspace that chats are told. */
export type ContextResource = Omit<Selectable<WorkspaceAgentContextResourcesTable>, 'agent_id' | 'position'>

/** A push in full. */
export interface AgentContext {
  readonly version: number
  readonly hash: Buffer
  readonly error: string
  readonly operatingSystem: string
  readonly directory: string
  readonly resources: readonly ContextResource[]
}

/**
 * Puts a push in the place of the one before, unless that is newer; gives whether it was taken (AC-86). Pushes of one agent
 * wait for each other.
 *
 * @param isInitial the agent has begun anew, so that versions before do not count.
 * @throws ApiError 403 without `workspace:update`.
 */
export async function replaceAgentContext(
  actor: Actor,
  tx: Db,
  agentId: string,
  pushed: AgentContext,
  isInitial: boolean,
): Promise<boolean> {
  authorize(actor, 'update', { type: 'workspace' })
  const values = {
    version: pushed.version,
    aggregate_hash: pushed.hash,
    error: pushed.error,
    operating_system: pushed.operatingSystem,
    directory: pushed.directory,
  }
  const taken = await tx
    .insertInto('workspace_agent_context')
    .values({ agent_id: agentId, ...values })
    .onConflict((oc) =>
      oc
        .column('agent_id')
        .doUpdateSet({ ...values, updated_at: sql<Date>`now()` })
        .where(sql<boolean>`${isInitial} or workspace_agent_context.version < ${pushed.version}`),
    )
    .returning('agent_id')
    .executeTakeFirst()
  if (taken === undefined) return false
  await tx.deleteFrom('workspace_agent_context_resources').where('agent_id', '=', agentId).execute()
  const rows = pushed.resources.map((resource, position) => ({
    ...resource,
    attributes: JSON.stringify(resource.attributes),
    agent_id: agentId,
    position,
  }))
  if (rows.length > 0) await tx.insertInto('workspace_agent_context_resources').values(rows).execute()
  return true
}

/**
 * What an agent has pushed last; undefined before its first push.
 *
 * @param options with `hold` the next push waits for the end of the transaction.
 * @throws ApiError 403 without `workspace:read`.
 */
export async function findAgentContext(
  actor: Actor,
  db: Db,
  agentId: string,
  { hold = false }: { readonly hold?: boolean } = {},
): Promise<AgentContext | undefined> {
  authorize(actor, 'read', { type: 'workspace' })
  const query = db.selectFrom('workspace_agent_context').selectAll().where('agent_id', '=', agentId)
  const row = await (hold ? query.forShare() : query).executeTakeFirst()
  if (row === undefined) return undefined
  const resources = await db
    .selectFrom('workspace_agent_context_resources')
    .select(['source', 'kind', 'status', 'size_bytes', 'error', 'body', 'attributes'])
    .where('agent_id', '=', agentId)
    .orderBy('position')
    .execute()
  return {
    version: row.version,
    hash: row.aggregate_hash,
    error: row.error,
    operatingSystem: row.operating_system,
    directory: row.directory,
    resources,
  }
}

/**
 * Marks the chats of a workspace that have pinned something else than this, and takes the mark from those that have not
 * (CH-1302). That goes for those that have it from this agent; and for all others too when chats work in this agent now.
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function markDirtyChats(
  actor: Actor,
  tx: Db,
  from: { readonly workspaceId: string; readonly agentId: string; readonly isChosen: boolean },
  hash: Buffer,
  now: Date,
): Promise<void> {
  authorize(actor, 'update', { type: 'chat' })
  const { workspaceId, agentId, isChosen } = from
  await tx
    .updateTable('chats')
    .set({
      context_dirty_since: sql<Date | null>`case when context_aggregate_hash = ${hash} then null else ${now}::timestamptz end`,
    })
    .where('workspace_id', '=', workspaceId)
    .where('context_aggregate_hash', 'is not', null)
    .where(
      sql<boolean>`(${isChosen}::boolean or exists (
        select 1 from chat_contexts c where c.chat_id = chats.id and c.agent_id = ${agentId}::uuid))`,
    )
    .where(sql<boolean>`(context_aggregate_hash = ${hash}) = (context_dirty_since is not null)`)
    .execute()
}
