import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { listConfigs } from './store/configs.ts'

/**
 * Those of these servers that may be used while a chat plans (CH-11.1).
 *
 * @param actor the owner of the chat.
 */
export async function approvedForPlans(
  actor: Actor,
  db: Db,
  organizationId: string,
  ids: readonly string[],
): Promise<string[]> {
  if (ids.length === 0) return []
  const approved = (await listConfigs(actor, db, organizationId))
    .filter(({ row }) => row.allow_in_plan_mode)
    .map(({ row }) => row.id)
  return ids.filter((id) => approved.includes(id))
}
