import type { PaginatedGroup } from '@slipway/contract'
import { groupTitle, isEveryone } from '../groups/group-words.ts'
import { count } from '../organizations/role-words.ts'
import type { Principal } from './access-list.tsx'

export function userPrincipal(user: {
  readonly id: string
  readonly username: string
  readonly name: string
  readonly avatar_url: string
}): Principal {
  return {
    kind: 'user',
    id: user.id,
    title: user.username,
    note: user.name,
    avatarUrl: user.avatar_url,
  }
}

export function groupPrincipal(group: PaginatedGroup): Principal {
  const members = count(group.total_member_count, 'member')
  return {
    kind: 'group',
    id: group.id,
    title: isEveryone(group) ? `Everyone in ${group.organization_display_name}` : groupTitle(group),
    note: isEveryone(group) ? `All ${members}` : members,
    avatarUrl: group.avatar_url,
  }
}

/** Groups whose name has the text in it, in front of users that the server has found. */
export function matching(
  text: string,
  groups: readonly Principal[],
  users: readonly Principal[],
): readonly Principal[] {
  const wanted = text.trim().toLowerCase()
  return [...groups.filter(({ title }) => title.toLowerCase().includes(wanted)), ...users]
}
