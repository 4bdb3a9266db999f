import { type APIKey, NEVER, type User } from '@slipway/contract'
import { legacyScope, SITE_ROLES } from '../../authz/index.ts'
import type { ApiKeyRow } from '../store/keys.ts'
import type { UserRow, UserWithOrganizations } from '../store/users.ts'

const ROLE_NAMES = new Map<string, string>(
  Object.entries(SITE_ROLES).map(([name, role]) => [name, role.displayName]),
)

/** Logs and access lists do not ask what roles are called. */
type ShownUser = UserRow &
  Pick<UserWithOrganizations, 'organization_ids'> &
  Partial<Pick<UserWithOrganizations, 'site_role_names'>>

const presented = new WeakMap<ShownUser, User>()

/** A user as the API shows it (ID-1); made once for a row, because rows of callers are kept and asked for often. */
export function presentUser(row: ShownUser): User {
  let user = presented.get(row)
  if (user === undefined) {
    user = userOf(row)
    presented.set(row, user)
  }
  return user
}

function userOf(row: ShownUser): User {
  const own = row.site_role_names ?? {}
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
    organization_ids: row.organization_ids,
    roles: row.rbac_roles.map((name) => ({
      name,
      display_name: ROLE_NAMES.get(name) ?? ((Object.hasOwn(own, name) && own[name]) || name),
    })),
    has_ai_seat: false,
    is_service_account: row.is_service_account,
  }
}

/** A key as the API shows it; nothing of its secret is in it (ID-41, ID-55). */
export function presentKey(row: ApiKeyRow & { readonly username?: string }): APIKey {
  return {
    id: row.id,
    user_id: row.user_id,
    last_used: row.last_used.getTime() === 0 ? NEVER : row.last_used.toISOString(),
    expires_at: row.expires_at.toISOString(),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    login_type: row.login_type,
    scope: legacyScope(row.scopes),
    scopes: row.scopes,
    token_name: row.token_name,
    lifetime_seconds: row.lifetime_seconds,
    allow_list: row.allow_list,
    last_used_ip: row.ip_address,
    ...(row.username === undefined ? {} : { username: row.username }),
  }
}
