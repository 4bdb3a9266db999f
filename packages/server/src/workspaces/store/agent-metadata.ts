import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { WorkspaceAgentMetadataTable } from '../../database/tables.ts'

/**
 * Metadata of these agents under these keys, whatever their case, in display order (WS-151); the caller has
 * checked that the reader may see the workspaces.
 *
 * @throws ApiError 403 without `system:read`.
 */
export async function listMetadataOfAgents(
  actor: Actor,
  db: Db,
  agentIds: readonly string[],
  keys: readonly string[],
): Promise<Selectable<WorkspaceAgentMetadataTable>[]> {
  authorize(actor, 'read', { type: 'workspace' })
  if (agentIds.length === 0) return []
  return db
    .selectFrom('workspace_agent_metadata')
    .selectAll()
    .where(sql<boolean>`workspace_agent_id = any(${[...agentIds]}::uuid[])`)
    .where(sql<boolean>`lower(key) = any(${keys.map((key) => key.toLowerCase())}::text[])`)
    .orderBy('display_order')
    .orderBy('key')
    .execute()
}
