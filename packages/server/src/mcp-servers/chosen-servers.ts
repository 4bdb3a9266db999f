import { type Actor, isAllowed } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { configObject, listConfigs } from './store/configs.ts'

/**
 * The servers that a chat of an organization works with (CH-406): the named ones, and those that are forced on and that
 * the actor may read.
 *
 * @param actor the owner of the chat.
 * @param wished ids in any order and number; undefined for none.
 * @param kept ids that the chat has already, which may be off meanwhile.
 * @throws ApiError 400 listing the ids of none that the actor may use.
 */
export async function chosenServers(
  actor: Actor,
  db: Db,
  organizationId: string,
  wished: readonly string[] | undefined,
  kept: readonly string[] = [],
): Promise<string[]> {
  const usable = (await listConfigs(actor, db, organizationId))
    .map(({ row }) => row)
    .filter((row) => row.enabled && isAllowed(actor, 'read', configObject(row)))
  const known = new Set([...usable.map((row) => row.id), ...kept])
  const named = [...new Set((wished ?? []).map((id) => id.toLowerCase()))]
  const unknown = named.filter((id) => !known.has(id))
  if (unknown.length > 0)
    throw badRequest('Invalid mcp_server_ids.', {
      detail: `Not an enabled MCP server of the organization that you can use: ${unknown.join(', ')}`,
      validations: unknown.map((id) => ({ field: 'mcp_server_ids', detail: `${id} cannot be used` })),
    })
  const forced = usable.filter((row) => row.availability === 'force_on').map((row) => row.id)
  return [...new Set([...named, ...forced])]
}
