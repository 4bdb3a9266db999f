import { NO_ID } from '@slipway/contract'
import { forbidden } from '../errors/index.ts'
import { passesAllowList } from './allow-list.ts'
import { beginDecision, decided } from './decision-times.ts'
import { type Level, mentions } from './permissions.ts'
import type { Action, ResourceType } from './resources.ts'
import type { Actor } from './subject.ts'

/** An access list as stored: actions by the id of a user or group. */
export type AccessList = Readonly<Record<string, readonly string[]>>

/** What an action is done to; every field but the type may be missing (RB chapter 1). */
export interface ResourceObject {
  readonly type: ResourceType
  readonly id?: string | undefined
  readonly owner?: string | undefined
  readonly organization?: string | undefined
  /** Asks whether the action is allowed in any of the actor's organizations. */
  readonly anyOrganization?: boolean | undefined
  readonly userAcl?: AccessList | undefined
  readonly groupAcl?: AccessList | undefined
}

/** Types whose objects may be shared by an access list (RB-16); a dormant workspace may not (RB-20). */
const SHARED_TYPES: ReadonlySet<ResourceType> = new Set([
  'workspace',
  'task',
  'chat',
  'mcp_server_config',
  'template',
  'group',
])

/** Vote of one level: 1 allow, 0 abstain, -1 deny. */
export type Vote = -1 | 0 | 1

/** What a server wants to hear of decisions; nothing is called while nobody does (RB-69, RB-79, ID-216). */
export interface DecisionWatch {
  /** Every decision. */
  readonly decided?: (action: Action, object: ResourceObject, allowed: boolean) => void
  /** The roles of a user would have allowed it; the credential does not. */
  readonly beyondScope?: (
    actor: Actor,
    action: Action,
    object: ResourceObject,
    lacks: 'permission' | 'allow-list-entry',
  ) => void
  /** A decision about what a system actor does. */
  readonly bySystem?: (actor: Actor) => void
  /** An action was refused with a 403. */
  readonly refused?: (actor: Actor, action: Action, object: ResourceObject) => void
}

let watch: DecisionWatch = {}

/** Adds listeners for the decisions of this process; one of each kind. */
export function watchDecisions(added: DecisionWatch): void {
  watch = { ...watch, ...added }
}

/**
 * The decision (RB-13): a pure function of actor, action and object; it never reads the database.
 *
 * @throws Error when the actor has no roles or no scope (RB-2): that is a mistake of ours and not a denial.
 */
export function isAllowed(actor: Actor, action: Action, object: ResourceObject): boolean {
  if (actor.roles.length === 0) throw new Error(`actor ${actor.name} has no roles`)
  if (actor.scope.permissions.length === 0) throw new Error(`actor ${actor.name} has no scope`)
  if (actor.type !== 'user') watch.bySystem?.(actor)
  const begun = beginDecision()
  const allowed = decide(actor, action, object)
  decided(begun, allowed)
  if (watch.decided !== undefined) watch.decided(action, object, allowed)
  return allowed
}

function decide(actor: Actor, action: Action, object: ResourceObject): boolean {
  const organization =
    object.organization === NO_ID || object.organization === '' ? undefined : object.organization
  if (object.anyOrganization && organization !== undefined) return false
  const lacks = scopeLacks(actor, action, object)
  if (lacks !== undefined && (watch.beyondScope === undefined || actor.type !== 'user')) return false
  const byRoles =
    rolesAllow(actor, action, object, organization) || aclAllows(actor, action, object, organization)
  if (lacks === undefined) return byRoles
  if (byRoles) watch.beyondScope?.(actor, action, object, lacks)
  return false
}

/**
 * Refuses the action unless {@link isAllowed}.
 *
 * @throws ApiError 403.
 */
export function authorize(actor: Actor, action: Action, object: ResourceObject): void {
  if (isAllowed(actor, action, object)) return
  watch.refused?.(actor, action, object)
  throw forbidden()
}

/** RB-8: a site vote beats everything below it, a deny of the organization beats its members' own rights. */
function rolesAllow(
  actor: Actor,
  action: Action,
  object: ResourceObject,
  organization: string | undefined,
): boolean {
  const site = vote(actor, 'site', undefined, object.type, action)
  if (site !== 0) return site === 1
  const owned = object.owner !== undefined && object.owner === actor.id
  if (organization === undefined && !object.anyOrganization)
    return owned && vote(actor, 'user', undefined, object.type, action) === 1
  const organizations = organization === undefined ? organizationsOf(actor) : [organization]
  // RB-122: each organization answers for itself; a ban in one is not lifted by membership in another.
  return organizations.some((id) => {
    const org = vote(actor, 'org', id, object.type, action)
    if (org !== 0) return org === 1
    return owned && vote(actor, 'member', id, object.type, action) === 1
  })
}

/** Vote of one level over the union of that level's permissions of all roles (RB chapter 2). */
export function vote(
  actor: Actor,
  level: Level,
  organization: string | undefined,
  type: ResourceType,
  action: Action,
): Vote {
  let allowed = false
  for (const role of actor.roles) {
    const inOrganization = level === 'org' || level === 'member'
    if (inOrganization && role.organizationId !== organization) continue
    if (mentions(role.definition.negate?.[level], type, action)) return -1
    if (mentions(role.definition[level], type, action)) allowed = true
  }
  return allowed ? 1 : 0
}

/** Organizations in which the actor holds any role, even an empty one (RB-10). */
export function organizationsOf(actor: Actor): string[] {
  return [...new Set(actor.roles.flatMap((role) => role.organizationId ?? []))]
}

/** RB-11: access lists count only for members of the object's organization, and know no denial. */
function aclAllows(
  actor: Actor,
  action: Action,
  object: ResourceObject,
  organization: string | undefined,
): boolean {
  if (object.userAcl === undefined && object.groupAcl === undefined) return false
  if (!listsCount(actor, object.type)) return false
  const own = organizationsOf(actor)
  if (object.anyOrganization ? own.length === 0 : organization === undefined || !own.includes(organization))
    return false
  const lists = (acl: AccessList | undefined, id: string): boolean => {
    const actions = acl !== undefined && Object.hasOwn(acl, id) ? acl[id] : undefined
    return actions !== undefined && (actions.includes('*') || actions.includes(action))
  }
  if (lists(object.userAcl, actor.id)) return true
  return [...actor.groups, ...(organization === undefined ? [] : [organization])].some((id) =>
    lists(object.groupAcl, id),
  )
}

/** Whether access lists of this type say anything to the actor (RB-20, RB-25). */
export function listsCount(actor: Actor, type: ResourceType): boolean {
  return SHARED_TYPES.has(type) && actor.unshared?.includes(type) !== true
}

/** RB-12: the scope's permissions and its allow list must both let the action pass; what does not. */
function scopeLacks(
  actor: Actor,
  action: Action,
  object: ResourceObject,
): 'permission' | 'allow-list-entry' | undefined {
  if (!actor.scope.permissions.some((map) => mentions(map, object.type, action))) return 'permission'
  return passesAllowList(actor.scope.allowList, object.type, object.id) ? undefined : 'allow-list-entry'
}
