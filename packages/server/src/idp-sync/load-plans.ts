import { type Actor, ORGANIZATION_ROLES } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { holdCustomRoles, holdSiteCustomRoles, listSiteCustomRoles } from '../identity/index.ts'
import { isUuid } from '../search/index.ts'
import type { Claims } from './claims.ts'
import {
  groupWishes,
  noPlan,
  organizationWishes,
  planGroups,
  planOrganizations,
  planRoles,
  planSiteRoles,
  roleWishes,
  type SiteRoleSync,
  type SyncPlan,
  type Wishes,
} from './plan.ts'
import type { GroupSync, OrganizationSync, RoleSync } from './settings.ts'
import { ASSIGNABLE_SITE_ROLES } from './site-roles.ts'
import { listGroupsOfUser, listKnownGroups, listKnownOrganizations, listMemberships } from './store/state.ts'

/** Ids that mappings lead to. */
function mappedIds(wishes: Wishes): string[] {
  const ids = wishes.ok
    ? wishes.wishes.flatMap((wish) => (wish.kind === 'mapped' ? wish.targets.filter(isUuid) : []))
    : []
  return [...new Set(ids)]
}

/** Names that claims bring along themselves. */
function unmappedNames(wishes: Wishes): string[] {
  return wishes.ok ? wishes.wishes.flatMap((wish) => (wish.kind === 'unmapped' ? [wish.name] : [])) : []
}

/** Names of roles that mappings lead to or that claims bring along themselves. */
function roleNames(wishes: Wishes): string[] {
  const mapped = wishes.ok
    ? wishes.wishes.flatMap((wish) => (wish.kind === 'mapped' ? wish.targets : []))
    : []
  return [...mapped, ...unmappedNames(wishes)]
}

/** What the sync of organizations does to this user, or to a new one. */
export async function loadOrganizationPlan(
  actor: Actor,
  db: Db,
  settings: OrganizationSync,
  claims: Claims,
  userId: string | undefined,
): Promise<SyncPlan> {
  if (settings.field === '' && userId === undefined) return noPlan([])
  const target = ({ id, name }: { id: string; name: string }) => ({ id, name })
  const current = userId === undefined ? [] : (await listMemberships(actor, db, userId)).map(target)
  if (settings.field === '') return noPlan(current)
  const wishes = organizationWishes(settings, claims)
  const known = await listKnownOrganizations(actor, db, mappedIds(wishes))
  return planOrganizations(settings, wishes, {
    known: known.map(target),
    byDefault: known.filter(({ is_default }) => is_default).map(target),
    current,
  })
}

/** What the sync of an organization's groups does to this member, or to a new one. */
export async function loadGroupPlan(
  actor: Actor,
  db: Db,
  organizationId: string,
  settings: GroupSync,
  claims: Claims,
  userId: string | undefined,
): Promise<SyncPlan> {
  const inGroups = userId === undefined ? [] : await listGroupsOfUser(actor, db, organizationId, userId)
  const current = inGroups.filter(({ id }) => id !== organizationId)
  if (settings.field === '') return noPlan(current)
  const wishes = groupWishes(settings, claims)
  const wanted = { ids: mappedIds(wishes), names: unmappedNames(wishes) }
  const known = await listKnownGroups(actor, db, organizationId, wanted)
  return planGroups(settings, wishes, { organizationId, known, current })
}

/** What the sync of an organization's roles does to a member who has these roles. */
export async function loadRolePlan(
  actor: Actor,
  db: Db,
  organizationId: string,
  settings: RoleSync,
  claims: Claims,
  current: readonly string[],
): Promise<{ readonly plan: SyncPlan; readonly isRole: (name: string) => boolean }> {
  const wishes = roleWishes(settings, claims)
  const names = [...current, ...roleNames(wishes)]
  const custom = new Set((await holdCustomRoles(actor, db, organizationId, names)).map(({ name }) => name))
  return {
    plan: planRoles(settings, wishes, { custom, current }),
    isRole: (name) => Object.hasOwn(ORGANIZATION_ROLES, name) || custom.has(name),
  }
}

/** A role that the deployment has made for itself, as far as handing it out goes (RB-136). */
type OwnRole = Awaited<ReturnType<typeof holdSiteCustomRoles>>[number]

/**
 * Those of the deployment's own roles that the sync of site roles may give for these claims. They stay as they are until
 * the transaction ends; take them before the user who is to have them.
 */
export async function holdWishedSiteRoles(
  actor: Actor,
  tx: Db,
  settings: SiteRoleSync,
  claims: Claims,
): Promise<OwnRole[]> {
  if (settings.field === '') return []
  return holdSiteCustomRoles(actor, tx, [...settings.defaults, ...roleNames(roleWishes(settings, claims))])
}

/**
 * What the sync of site roles does to a user who has these roles.
 *
 * @param wished as {@link holdWishedSiteRoles} gives them.
 * @returns also the deployment's own roles that the plan gives or takes.
 */
export async function loadSiteRolePlan(
  actor: Actor,
  db: Db,
  settings: SiteRoleSync,
  claims: Claims,
  current: readonly string[],
  wished: readonly OwnRole[],
): Promise<{ readonly plan: SyncPlan; readonly customRoles: readonly OwnRole[] }> {
  const assignable = new Set([...ASSIGNABLE_SITE_ROLES, ...wished.map(({ name }) => name)])
  const plan = planSiteRoles(settings, claims, { assignable, current })
  if (!plan.enabled) return { plan, customRoles: [] }
  const held = (await listSiteCustomRoles(actor, db)).filter(({ name }) => current.includes(name))
  return { plan, customRoles: [...wished, ...held] }
}
