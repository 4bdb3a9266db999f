import { sql } from 'kysely'

import {
  type Actor,
  authorize,
  customRole,
  customSiteRole,
  type RoleOptions,
  SCOPE_ALL,
  type Scope,
  userActor,
} from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** What decides what a user may do, as one row holds it (RB-5). */
export interface Standing {
  readonly username: string
  readonly email: string
  readonly status: 'active' | 'dormant' | 'suspended'
  readonly is_system: boolean
  readonly is_service_account: boolean
  readonly rbac_roles: string[]
  /** Those of the deployment's own roles that are held, with their permissions as stored. */
  readonly site_custom_roles: { name: string; display_name: string; site: unknown; user: unknown }[]
  readonly groups: string[]
  readonly memberships: {
    organization_id: string
    roles: string[]
    default_roles: string[]
    sharing: 'none' | 'everyone' | 'service_accounts'
    /** Those of the organization's own roles that are held here, with their permissions as stored. */
    custom_roles: { name: string; display_name: string; org: unknown; member: unknown }[]
  }[]
}

/** The groups and memberships of the user that a query calls `u`, so that a standing costs no query of its own. */
export const STANDING = {
  groups: sql<
    Standing['groups']
  >`array(select g.group_id::text from group_members_expanded g where g.user_id = u.id)`,
  site_custom_roles: sql<Standing['site_custom_roles']>`coalesce((
    select jsonb_agg(jsonb_build_object('name', c.name, 'display_name', c.display_name,
             'site', c.site_permissions, 'user', c.user_permissions))
      from custom_roles c
     where c.organization_id is null and not c.is_system and c.name = any(u.rbac_roles)), '[]')`,
  memberships: sql<Standing['memberships']>`coalesce((
    select jsonb_agg(jsonb_build_object('organization_id', m.organization_id, 'roles', m.roles,
             'default_roles', o.default_org_member_roles, 'sharing', o.shareable_workspace_owners,
             'custom_roles', coalesce((
               select jsonb_agg(jsonb_build_object('name', c.name, 'display_name', c.display_name,
                        'org', c.org_permissions, 'member', c.member_permissions))
                 from custom_roles c
                where c.organization_id = o.id and not c.is_system
                  and c.name = any(m.roles || o.default_org_member_roles)), '[]')))
      from organization_members m join organizations o on o.id = m.organization_id and not o.deleted
     where m.user_id = u.id), '[]')`,
} as const

/** The subject that acts for a user with this standing, under the switches of the deployment (RB-4, RB-25). */
export function actorOf(
  userId: string,
  standing: Standing,
  options: RoleOptions,
  scope: Scope = SCOPE_ALL,
): Actor {
  return userActor(
    {
      id: userId,
      username: standing.username,
      siteRoles: standing.rbac_roles,
      customSiteRoles: new Map(
        standing.site_custom_roles.map((role) => [role.name, customSiteRole(role.display_name, role)]),
      ),
      isServiceAccount: standing.is_service_account,
      groups: standing.groups,
      memberships: standing.memberships.map((membership) => ({
        organizationId: membership.organization_id,
        roles: membership.roles,
        defaultRoles: membership.default_roles,
        sharing: membership.sharing,
        customRoles: new Map(
          membership.custom_roles.map((role) => [role.name, customRole(role.display_name, role)]),
        ),
      })),
    },
    scope,
    options,
  )
}

/** The standing of a live user; undefined when there is none. @throws ApiError 403. */
export async function findStanding(actor: Actor, db: Db, userId: string): Promise<Standing | undefined> {
  authorize(actor, 'read_personal', { type: 'user' })
  return loadStanding(db, userId)
}

/**
 * The same for who explains decisions: owners and auditors of the deployment, who may read everything that a standing
 * is made of (RB-135).
 *
 * @throws ApiError 403.
 */
export async function findStandingToExplain(
  actor: Actor,
  db: Db,
  userId: string,
): Promise<Standing | undefined> {
  authorize(actor, 'read', { type: 'audit_log' })
  authorize(actor, 'read', { type: 'user', id: userId, owner: userId })
  return loadStanding(db, userId)
}

function loadStanding(db: Db, userId: string): Promise<Standing | undefined> {
  return db
    .selectFrom('users as u')
    .select([
      'u.username',
      'u.email',
      'u.status',
      'u.is_system',
      'u.is_service_account',
      'u.rbac_roles',
      STANDING.site_custom_roles.as('site_custom_roles'),
      STANDING.groups.as('groups'),
      STANDING.memberships.as('memberships'),
    ])
    .where('u.id', '=', userId)
    .where('u.deleted', '=', false)
    .executeTakeFirst()
}
