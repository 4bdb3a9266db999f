import { ACTOR_ROLES, type ActorName } from './actor-roles.ts'
import {
  ORGANIZATION_ROLES,
  type ShareableWorkspaceOwners,
  SITE_ROLES,
  SYSTEM_ROLES,
} from './built-in-roles.ts'
import type { HeldRole, Level, RoleDefinition } from './permissions.ts'
import type { ResourceType } from './resources.ts'
import { SCOPE_ALL, type Scope } from './scopes.ts'

/**
 * Who acts: what the roles give, cut down by the scope of the credential. Every store function takes one;
 * there is no unrestricted actor.
 */
export interface Actor {
  readonly id: string
  readonly type: 'user' | ActorName
  readonly name: string
  readonly roles: readonly HeldRole[]
  readonly groups: readonly string[]
  readonly scope: Scope
  /** Types whose access lists are ignored, because sharing is switched off for the deployment (RB-25). */
  readonly unshared?: readonly ResourceType[]
  /** Why a system actor acts (RB-62). */
  readonly reason?: string
}

/** Switches that reshape roles at start-up (RB-25); all off by default. */
export interface RoleOptions {
  readonly disableOwnerWorkspaceAccess: boolean
  readonly disableWorkspaceSharing: boolean
  readonly disableChatSharing: boolean
  readonly disableTasks: boolean
}

/** No role option set. */
export const DEFAULT_ROLE_OPTIONS: RoleOptions = {
  disableOwnerWorkspaceAccess: false,
  disableWorkspaceSharing: false,
  disableChatSharing: false,
  disableTasks: false,
}

/** What the database knows of a user's standing, for {@link userActor}. */
export interface UserStanding {
  readonly id: string
  readonly username: string
  readonly siteRoles: readonly string[]
  /** Those of the deployment's own roles that `siteRoles` names, by name. */
  readonly customSiteRoles?: ReadonlyMap<string, RoleDefinition> | undefined
  readonly isServiceAccount: boolean
  readonly groups: readonly string[]
  readonly memberships: readonly {
    readonly organizationId: string
    readonly roles: readonly string[]
    readonly defaultRoles: readonly string[]
    readonly sharing: ShareableWorkspaceOwners
    /** Those of the organization's own roles that `roles` and `defaultRoles` name, by name. */
    readonly customRoles?: ReadonlyMap<string, RoleDefinition> | undefined
  }[]
}

/**
 * The subject of a request: stored roles, the implied ones, and the scope of the credential (RB-4, RB-31).
 * A stored name that no longer resolves is ignored (RB-6).
 */
export function userActor(
  user: UserStanding,
  scope: Scope = SCOPE_ALL,
  options = DEFAULT_ROLE_OPTIONS,
): Actor {
  const roles: HeldRole[] = []
  for (const name of new Set(['member', ...user.siteRoles])) {
    const definition = siteRole(name, options) ?? user.customSiteRoles?.get(name)
    if (definition !== undefined) roles.push({ name, definition })
  }
  for (const membership of user.memberships) {
    const organizationId = membership.organizationId
    const implied = user.isServiceAccount ? 'organization-service-account' : 'organization-member'
    roles.push({ name: implied, organizationId, definition: SYSTEM_ROLES[implied][membership.sharing] })
    for (const name of new Set([...membership.roles, ...membership.defaultRoles])) {
      const definition = organizationRole(name, options) ?? membership.customRoles?.get(name)
      if (definition !== undefined) roles.push({ name, organizationId, definition })
    }
  }
  const unshared: ResourceType[] = [
    ...(options.disableWorkspaceSharing ? (['workspace', 'task'] as const) : []),
    ...(options.disableChatSharing ? (['chat'] as const) : []),
  ]
  return { id: user.id, type: 'user', name: user.username, roles, groups: user.groups, scope, unshared }
}

/** Whether the actor holds the site role `owner`, whatever its credential may do (RB-125). */
export function isOwner(actor: Actor): boolean {
  return actor.roles.some((role) => role.name === 'owner' && role.organizationId === undefined)
}

/** A built-in site role under the role options; undefined when the name does not resolve. */
export function siteRole(name: string, options = DEFAULT_ROLE_OPTIONS): RoleDefinition | undefined {
  const definition = siteRoleWithTasks(name, options)
  return definition === undefined || !options.disableTasks ? definition : withoutTasks(definition)
}

function siteRoleWithTasks(name: string, options: RoleOptions): RoleDefinition | undefined {
  switch (name) {
    case 'owner': {
      if (!options.disableOwnerWorkspaceAccess) return SITE_ROLES.owner
      const workspace = SITE_ROLES.owner.site.workspace.filter(
        (action) => action !== 'ssh' && action !== 'application_connect',
      )
      return { ...SITE_ROLES.owner, site: { ...SITE_ROLES.owner.site, workspace } }
    }
    case 'member': {
      const { disableWorkspaceSharing, disableChatSharing } = options
      if (!disableWorkspaceSharing && !disableChatSharing) return SITE_ROLES.member
      return {
        ...SITE_ROLES.member,
        negate: {
          site: {
            ...(disableWorkspaceSharing ? { workspace: ['share'] as const } : {}),
            ...(disableChatSharing ? { chat: ['share'] as const } : {}),
          },
        },
      }
    }
    case 'auditor':
    case 'template-admin':
    case 'user-admin':
      return SITE_ROLES[name]
    default:
      return undefined
  }
}

/** A built-in organization role under the role options; undefined when the name does not resolve. */
export function organizationRole(name: string, options = DEFAULT_ROLE_OPTIONS): RoleDefinition | undefined {
  if (!Object.hasOwn(ORGANIZATION_ROLES, name)) return undefined
  const definition: RoleDefinition | undefined = Object.entries(ORGANIZATION_ROLES).find(
    ([key]) => key === name,
  )?.[1]
  return definition === undefined || !options.disableTasks ? definition : withoutTasks(definition)
}

/** WS-250: where there are no tasks, no built-in role speaks of them. */
function withoutTasks(definition: RoleDefinition): RoleDefinition {
  const less = (level: Level): Partial<RoleDefinition> => {
    if (definition[level]?.task === undefined) return {}
    const { task: _, ...others } = definition[level]
    return { [level]: others }
  }
  return { ...definition, ...less('site'), ...less('user'), ...less('org'), ...less('member') }
}

const NOBODY = '00000000-0000-0000-0000-000000000000'
type SiteActorName = Exclude<
  ActorName,
  'api_key_revoker' | 'chatd_key_minter' | 'chatd_token_owner' | 'oauth2_token_issuer' | 'sub_agent_api'
>

/** System user that owns the prebuilt workspaces which nobody has claimed yet (WS-30). */
export const PREBUILDS_USER = 'c42fdf75-3097-471c-8c33-fb52454d81c0'

const FIXED_IDS: Readonly<Partial<Record<SiteActorName, string>>> = {
  prebuilds_orchestrator: PREBUILDS_USER,
  file_reader: 'acbf0be6-6fed-47b6-8c43-962cb5cab994',
}

/** One for each place that switches: reasons are written in the code. */
const cached = new Map<string, Actor>()

/**
 * The system actor of this name, for work that is not done on behalf of a user or that its rights do not reach
 * (RB-59, L-H13). Take the narrowest that suffices (RB-60); `reason` says why the caller's own actor does not do
 * (RB-62).
 */
export function systemActor(name: SiteActorName, reason: string): Actor {
  const key = `${name}: ${reason}`
  let actor = cached.get(key)
  if (actor === undefined) {
    const definition: RoleDefinition = ACTOR_ROLES[name]
    actor = {
      id: FIXED_IDS[name] ?? NOBODY,
      type: name,
      name: definition.displayName,
      roles: [{ name, definition }],
      groups: [],
      scope: SCOPE_ALL,
      reason,
    }
    cached.set(key, actor)
  }
  return actor
}

/** A system actor that may act only on what this one user owns (RB-59), and why it does (RB-62). */
export function actorForUser(
  name: 'api_key_revoker' | 'chatd_key_minter' | 'chatd_token_owner' | 'oauth2_token_issuer',
  userId: string,
  reason: string,
): Actor {
  return {
    id: userId,
    type: name,
    name: ACTOR_ROLES[name].displayName,
    roles: [{ name, definition: ACTOR_ROLES[name] }],
    groups: [],
    scope: SCOPE_ALL,
    reason,
  }
}
