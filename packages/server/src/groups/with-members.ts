import type { Group } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { presentGroup } from './present.ts'
import type { GroupRow } from './store/groups.ts'
import { listMembersOfGroups } from './store/members.ts'

/** Groups with those of their members that the actor may read; one statement, whatever their number. */
export async function withMembers(
  context: AppContext,
  actor: Actor,
  groups: readonly GroupRow[],
): Promise<Group[]> {
  const members = Map.groupBy(
    await listMembersOfGroups(
      actor,
      context.database.db,
      groups.map((group) => group.id),
    ),
    (member) => member.group_id,
  )
  return groups.map((group) => presentGroup(group, members.get(group.id) ?? []))
}
