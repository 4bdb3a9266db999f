import {
  NEVER,
  type Organization,
  type OrganizationMember,
  type OrganizationMemberWithUserData,
  type SlimRole,
} from '@slipway/contract'
import { ORGANIZATION_ROLES, SITE_ROLES } from '../authz/index.ts'
import type { MemberRow } from './store/members.ts'
import type { OrganizationRow } from './store/organizations.ts'

/** An organization as the API shows it. */
export function presentOrganization(row: OrganizationRow): Organization {
  return {
    id: row.id,
    name: row.name,
    display_name: row.display_name,
    description: row.description,
    icon: row.icon,
    is_default: row.is_default,
    default_org_member_roles: row.default_org_member_roles,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

/** A membership as the API shows it. */
export function presentMember(row: MemberRow): OrganizationMember {
  return {
    user_id: row.user_id,
    organization_id: row.organization_id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    roles: row.roles.map((name) => slimRole(name, row.organization_id, row.custom_role_names)),
  }
}

/** A membership together with the user. */
export function presentMemberWithUser(row: MemberRow): OrganizationMemberWithUserData {
  return {
    ...presentMember(row),
    username: row.username,
    name: row.name,
    email: row.email,
    avatar_url: row.avatar_url,
    status: row.status,
    login_type: row.login_type,
    is_service_account: row.is_service_account,
    has_ai_seat: false,
    last_seen_at: row.last_seen_at?.toISOString() ?? NEVER,
    global_roles: row.rbac_roles.map((name) => slimRole(name, undefined, row.site_role_names)),
    user_created_at: row.user_created_at.toISOString(),
    user_updated_at: row.user_updated_at.toISOString(),
  }
}

function slimRole(
  name: string,
  organizationId: string | undefined,
  customNames: MemberRow['custom_role_names'],
): SlimRole {
  const known: Readonly<Record<string, { readonly displayName: string }>> =
    organizationId === undefined ? SITE_ROLES : ORGANIZATION_ROLES
  const builtIn = Object.hasOwn(known, name) ? known[name]?.displayName : undefined
  const custom = Object.hasOwn(customNames, name) ? customNames[name] : undefined
  return {
    name,
    display_name: builtIn || custom || name,
    ...(organizationId === undefined ? {} : { organization_id: organizationId }),
  }
}
