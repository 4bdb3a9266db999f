import { type Group, NEVER, type PaginatedGroup, type ReducedUser } from '@slipway/contract'
import type { GroupRow } from './store/groups.ts'
import type { RosterUser } from './store/members.ts'

/** A group as the API shows it, without its members. */
export function presentGroupAlone(row: GroupRow): PaginatedGroup {
  return {
    id: row.id,
    name: row.name,
    display_name: row.display_name,
    avatar_url: row.avatar_url,
    quota_allowance: row.quota_allowance,
    source: row.source,
    organization_id: row.organization_id,
    organization_name: row.organization_name,
    organization_display_name: row.organization_display_name,
    total_member_count: row.total_member_count,
  }
}

/** A group with these of its members. */
export function presentGroup(row: GroupRow, members: readonly RosterUser[]): Group {
  return { ...presentGroupAlone(row), members: members.map(presentReducedUser) }
}

/** A user as rosters show it. */
export function presentReducedUser(row: RosterUser): ReducedUser {
  return {
    id: row.id,
    username: row.username,
    name: row.name,
    avatar_url: row.avatar_url,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    email: row.email,
    last_seen_at: row.last_seen_at?.toISOString() ?? NEVER,
    status: row.status,
    login_type: row.login_type,
    theme_preference: '',
    is_service_account: row.is_service_account,
  }
}
