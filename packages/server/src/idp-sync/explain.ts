import type * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { getUser } from '../identity/index.ts'
import { groupRefusal } from './allowed-groups.ts'
import { requireGoodFilter } from './change-settings.ts'
import type { Claims } from './claims.ts'
import {
  holdWishedSiteRoles,
  loadGroupPlan,
  loadOrganizationPlan,
  loadRolePlan,
  loadSiteRolePlan,
} from './load-plans.ts'
import type { SyncPlan } from './plan.ts'
import {
  completeGroupSync,
  completeOrganizationSync,
  completeRoleSync,
  readGroupSyncs,
  readOrganizationSync,
  readRoleSyncs,
} from './settings.ts'
import { siteRoleSync } from './site-roles.ts'
import { findStoredClaims, getSiteRoles, listKnownOrganizations, listMemberships } from './store/state.ts'

/** Whom a dry run is about. */
interface DryRun {
  readonly claims?: Claims
  readonly user?: string
}

/** An organization that the caller may read. */
interface Organization {
  readonly id: string
  readonly is_default: boolean
}

/**
 * What a sign-in with these claims would do to memberships, without doing it (UI-1402).
 *
 * @throws ApiError 403 without `idpsync_settings:read`, 404 for the user, 400 without claims.
 */
export async function explainOrganizationSync(
  context: AppContext,
  actor: Actor,
  given: contract.ExplainOrganizationSyncRequest,
): Promise<SyncPlan> {
  const { db } = context.database
  const stored = await readOrganizationSync(context.config, actor, db)
  const { claims, userId } = await subjectOf(context, actor, given)
  const settings = given.settings === undefined ? stored : completeOrganizationSync(given.settings)
  return loadOrganizationPlan(actor, db, settings, claims, userId)
}

/** The same for the groups of an organization. */
export async function explainGroupSync(
  context: AppContext,
  actor: Actor,
  organization: Organization,
  given: contract.ExplainGroupSyncRequest,
): Promise<SyncPlan> {
  const { db } = context.database
  const stored = (await readGroupSyncs(context.config, actor, db, [organization])).get(organization.id)
  const { claims, userId } = await subjectOf(context, actor, given)
  const settings =
    given.settings === undefined && stored !== undefined ? stored : completeGroupSync(given.settings ?? {})
  requireGoodFilter(settings)
  return loadGroupPlan(actor, db, organization.id, settings, claims, userId)
}

/** The same for the roles in an organization. */
export async function explainRoleSync(
  context: AppContext,
  actor: Actor,
  organization: Organization,
  given: contract.ExplainRoleSyncRequest,
): Promise<SyncPlan> {
  const { db } = context.database
  const stored = (await readRoleSyncs(actor, db, [organization.id])).get(organization.id)
  const { claims, userId } = await subjectOf(context, actor, given)
  const settings =
    given.settings === undefined && stored !== undefined ? stored : completeRoleSync(given.settings ?? {})
  const memberships = userId === undefined ? [] : await listMemberships(actor, db, userId)
  const held = memberships.find(({ id }) => id === organization.id)?.roles ?? []
  return (await loadRolePlan(actor, db, organization.id, settings, claims, held)).plan
}

/**
 * What all syncs together would do at a sign-in with these claims, to a user or to a new one.
 *
 * @throws ApiError 403 without `idpsync_settings:read` everywhere, 404 for the user.
 */
export async function explainSync(
  context: AppContext,
  actor: Actor,
  claims: Claims,
  userId: string | undefined,
): Promise<contract.SignInSyncExplanation> {
  const { config, database } = context
  const { db } = database
  const organizations = await loadOrganizationPlan(
    actor,
    db,
    await readOrganizationSync(config, actor, db),
    claims,
    userId,
  )
  const memberships = userId === undefined ? [] : await listMemberships(actor, db, userId)
  const known = await listKnownOrganizations(actor, db, idsOf(organizations.result))
  // New accounts are members of the default organization, where no claim decides.
  const stays = (id: string, isDefault: boolean): boolean =>
    idsOf(organizations.result).includes(id) || (isDefault && userId === undefined && !organizations.enabled)
  const members = known.filter(({ id, is_default }) => stays(id, is_default))
  const groupSyncs = await readGroupSyncs(config, actor, db, members)
  const roleSyncs = await readRoleSyncs(
    actor,
    db,
    members.map(({ id }) => id),
  )
  const byOrganization: contract.SignInSyncExplanation['by_organization'] = []
  for (const { id, name } of members) {
    const groups = groupSyncs.get(id) ?? completeGroupSync({})
    const roles = roleSyncs.get(id) ?? completeRoleSync({})
    const held = memberships.find((membership) => membership.id === id)?.roles ?? []
    byOrganization.push({
      organization: { id, name },
      groups: await loadGroupPlan(actor, db, id, groups, claims, userId),
      roles: (await loadRolePlan(actor, db, id, roles, claims, held)).plan,
    })
  }
  const current = userId === undefined ? [] : await getSiteRoles(actor, db, userId)
  const siteSync = siteRoleSync(config)
  const wished = await holdWishedSiteRoles(actor, db, siteSync, claims)
  const { plan: siteRoles } = await loadSiteRolePlan(actor, db, siteSync, claims, current, wished)
  const problems = [groupRefusal(config, claims)?.message, organizations.error, siteRoles.error]
  return {
    refusal: problems.find((problem) => problem !== undefined && problem !== '') ?? '',
    organizations,
    site_roles: siteRoles,
    by_organization: byOrganization,
  }
}

const idsOf = (targets: readonly contract.SyncTarget[]): string[] => targets.flatMap(({ id }) => id ?? [])

async function subjectOf(
  { database }: AppContext,
  actor: Actor,
  { claims, user }: DryRun,
): Promise<{ readonly claims: Claims; readonly userId: string | undefined }> {
  if (user === undefined) {
    if (claims === undefined) throw badRequest('Give claims, a user, or both.')
    return { claims, userId: undefined }
  }
  const { id } = await getUser(actor, database.db, user)
  const theirs = claims ?? (await findStoredClaims(actor, database.db, id))
  if (theirs === undefined)
    throw badRequest('This user has not signed in with OpenID Connect yet. Give claims to try.')
  return { claims: theirs, userId: id }
}
