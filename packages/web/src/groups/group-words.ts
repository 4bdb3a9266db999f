import type { PaginatedGroup } from '@slipway/contract'

type Named = Pick<PaginatedGroup, 'name' | 'display_name'>

export function groupTitle(group: Named): string {
  return group.display_name === '' ? group.name : group.display_name
}

/** Whether it is the group of all members of its organization; it has the organization's id (WS-24). */
export function isEveryone(group: Pick<PaginatedGroup, 'id' | 'organization_id'>): boolean {
  return group.id === group.organization_id
}

/** What every member may spend a day, in words. */
export function quotaWords(allowance: number): string {
  return allowance === 0 ? 'none' : `${allowance} per day`
}

export const SOURCES: Readonly<Record<PaginatedGroup['source'], string>> = {
  user: 'Manual',
  oidc: 'Identity provider',
}
