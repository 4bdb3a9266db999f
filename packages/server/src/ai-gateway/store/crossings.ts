import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** Names of those whom a budget concerns. */
export interface CrossingNames {
  readonly username: string
  readonly group: string
  readonly organization: string
}

/** A user and the group that bears what they spend; undefined when either is gone. @throws ApiError 403. */
export async function findCrossingNames(
  actor: Actor,
  db: Db,
  userId: string,
  groupId: string,
): Promise<CrossingNames | undefined> {
  authorize(actor, 'read', { type: 'user', id: userId, owner: userId })
  authorize(actor, 'read', { type: 'group', id: groupId })
  return db
    .selectFrom('users as u')
    .innerJoin('groups as g', (join) => join.on('g.id', '=', groupId))
    .innerJoin('organizations as o', 'o.id', 'g.organization_id')
    .select(['u.username', 'g.name as group', 'o.name as organization'])
    .where('u.id', '=', userId)
    .executeTakeFirst()
}
