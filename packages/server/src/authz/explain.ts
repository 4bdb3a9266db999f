import { passesAllowList } from './allow-list.ts'
import { isAllowed, listsCount, organizationsOf, type ResourceObject, type Vote, vote } from './decide.ts'
import { type Level, mentions, type PermissionMap } from './permissions.ts'
import type { Action } from './resources.ts'
import { SCOPE_ALL } from './scopes.ts'
import type { Actor } from './subject.ts'

/** A permission that speaks of the action, as its role names it. */
export interface MatchingPermission {
  readonly role: string
  readonly organizationId: string | undefined
  readonly type: string
  readonly action: string
  readonly negate: boolean
}

/** What one level of the actor's roles says. */
export interface LevelVote {
  readonly level: Level
  readonly organizationId: string | undefined
  /** Whether the level is asked for this object at all. */
  readonly applies: boolean
  readonly vote: Vote
  readonly permissions: readonly MatchingPermission[]
}

/** Why a decision is what it is. */
export interface Explanation {
  readonly allowed: boolean
  readonly roles: { readonly allowed: boolean; readonly levels: readonly LevelVote[] }
  readonly acl: {
    readonly allowed: boolean
    /** Entries of the object's access lists that name the action and count for the actor. */
    readonly entries: readonly {
      readonly kind: 'user' | 'group'
      readonly id: string
      readonly actions: readonly string[]
    }[]
  }
  readonly scope: { readonly permits: boolean; readonly listed: boolean }
}

/** Takes the decision of {@link isAllowed} apart (RB-135). */
export function explain(actor: Actor, action: Action, object: ResourceObject): Explanation {
  const { userAcl: _user, groupAcl: _group, ...unshared } = object
  const entries = matchingEntries(actor, action, object)
  return {
    allowed: isAllowed(actor, action, object),
    roles: {
      allowed: isAllowed({ ...actor, scope: SCOPE_ALL }, action, unshared),
      levels: levelsOf(actor, action, object),
    },
    acl: { allowed: entries.length > 0, entries },
    scope: {
      permits: actor.scope.permissions.some((map) => mentions(map, object.type, action)),
      listed: passesAllowList(actor.scope.allowList, object.type, object.id),
    },
  }
}

function levelsOf(actor: Actor, action: Action, object: ResourceObject): LevelVote[] {
  const owned = object.owner !== undefined && object.owner === actor.id
  const { organization, anyOrganization = false } = object
  const at = (level: Level, organizationId: string | undefined, applies: boolean): LevelVote => ({
    level,
    organizationId,
    applies,
    vote: vote(actor, level, organizationId, object.type, action),
    permissions: matchingPermissions(actor, level, organizationId, action, object),
  })
  const organizations = anyOrganization
    ? organizationsOf(actor)
    : organization === undefined
      ? []
      : [organization]
  return [
    at('site', undefined, true),
    at('user', undefined, owned && organization === undefined && !anyOrganization),
    ...organizations.flatMap((id) => [at('org', id, true), at('member', id, owned)]),
  ]
}

function matchingPermissions(
  actor: Actor,
  level: Level,
  organization: string | undefined,
  action: Action,
  object: ResourceObject,
): MatchingPermission[] {
  return actor.roles
    .filter((role) => level === 'site' || level === 'user' || role.organizationId === organization)
    .flatMap(({ name, organizationId, definition }) => {
      const named = (map: PermissionMap | undefined, negate: boolean): MatchingPermission[] =>
        ([object.type, '*'] as const).flatMap((type) =>
          (map?.[type] ?? [])
            .filter((listed) => listed === action || listed === '*')
            .map((listed) => ({ role: name, organizationId, type, action: listed, negate })),
        )
      return [...named(definition[level], false), ...named(definition.negate?.[level], true)]
    })
}

function matchingEntries(
  actor: Actor,
  action: Action,
  { type, organization, anyOrganization, userAcl = {}, groupAcl = {} }: ResourceObject,
): Explanation['acl']['entries'] {
  const own = organizationsOf(actor)
  if (!listsCount(actor, type)) return []
  if (anyOrganization ? own.length === 0 : organization === undefined || !own.includes(organization))
    return []
  const groups = [...new Set([...actor.groups, ...(organization === undefined ? [] : [organization])])]
  const candidates = [
    {
      kind: 'user' as const,
      id: actor.id,
      actions: Object.hasOwn(userAcl, actor.id) ? userAcl[actor.id] : undefined,
    },
    ...groups.map((id) => ({
      kind: 'group' as const,
      id,
      actions: Object.hasOwn(groupAcl, id) ? groupAcl[id] : undefined,
    })),
  ]
  return candidates.flatMap(({ kind, id, actions }) =>
    actions?.some((listed) => listed === action || listed === '*') ? [{ kind, id, actions }] : [],
  )
}
