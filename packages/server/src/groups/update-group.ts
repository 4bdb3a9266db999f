import type { PatchGroupRequest } from '@slipway/contract'
import type { AuditedGroup } from '../audit/index.ts'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { requireGroupNames } from './names.ts'
import { EVERYONE, type GroupRow, getGroup, holdGroup, isEveryone, updateGroup } from './store/groups.ts'
import { changeMembers, listMemberIds } from './store/members.ts'

/** A group before and after a change, with all who were put into it. */
export interface GroupChange {
  readonly before: AuditedGroup
  readonly after: AuditedGroup
  readonly group: GroupRow
  /** Users whose membership was to change. */
  readonly concerned: readonly string[]
}

/**
 * Changes settings and members of a group, all or nothing; changes at the same time follow one another (WS-61).
 *
 * @throws ApiError 404 for who may not change it, 400 for what Everyone cannot have and for users that cannot be in
 * it, 403 for members of Everyone, 409 on a taken name.
 */
export async function changeGroup(
  context: AppContext,
  actor: Actor,
  id: string,
  given: PatchGroupRequest,
): Promise<GroupChange> {
  return context.database.transaction(async (tx) => {
    const group = await holdGroup(actor, tx, id)
    const name = given.name === '' || given.name === group.name ? undefined : given.name
    if (isEveryone(group)) refuseForEveryone(name, given)
    requireGroupNames(name, given.display_name)
    const add = userIds(given.add_users)
    const remove = userIds(given.remove_users)
    if (new Set(add).size < add.length) throw badRequest('Cannot add the same user to a group twice!')
    const membersBefore = await listMemberIds(actor, tx, group, 'update')
    await updateGroup(actor, tx, group, {
      name: name ?? group.name,
      displayName: given.display_name ?? group.display_name,
      avatarUrl: given.avatar_url ?? group.avatar_url,
      quotaAllowance: given.quota_allowance ?? group.quota_allowance,
    })
    if (add.length + remove.length > 0) await changeMembers(actor, tx, group, { add, remove })
    const after = await getGroup(actor, tx, id)
    const membersAfter = await listMemberIds(actor, tx, after, 'update')
    return {
      before: auditedGroup(group, membersBefore),
      after: auditedGroup(after, membersAfter),
      group: after,
      concerned: [...new Set([...add, ...remove])],
    }
  })
}

/** A group as entries of the audit log compare it (RB-99). */
export function auditedGroup(row: GroupRow, members: readonly string[]): AuditedGroup {
  return { ...row, members: members.map((user_id) => ({ group_id: row.id, user_id })) }
}

function refuseForEveryone(name: string | undefined, given: PatchGroupRequest): void {
  if (name !== undefined) throw badRequest(`Cannot rename the ${JSON.stringify(EVERYONE)} group!`)
  if (given.display_name !== undefined && given.display_name !== '')
    throw badRequest(`Cannot update the Display Name for the ${JSON.stringify(EVERYONE)} group!`)
  if ((given.add_users ?? []).length + (given.remove_users ?? []).length > 0)
    throw new ApiError(403, `Cannot add or remove users from the ${JSON.stringify(EVERYONE)} group!`)
}

/** One spelling for each id. @throws ApiError 400 for what is no UUID. */
function userIds(given: readonly string[] | undefined): string[] {
  return (given ?? []).map((id) => {
    if (!isUuid(id)) throw badRequest(`ID ${JSON.stringify(id.slice(0, 64))} must be a valid user UUID.`)
    return id.toLowerCase()
  })
}
