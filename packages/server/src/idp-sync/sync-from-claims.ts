import type { SyncTarget } from '@slipway/contract'
import { type Actor, systemActor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { holdCustomRoles, insertMember } from '../identity/index.ts'
import { SignInRefused } from '../sign-in/index.ts'
import { groupRefusal } from './allowed-groups.ts'
import type { Claims } from './claims.ts'
import {
  holdWishedSiteRoles,
  loadGroupPlan,
  loadOrganizationPlan,
  loadRolePlan,
  loadSiteRolePlan,
} from './load-plans.ts'
import { type SyncPlan, unknownNames } from './plan.ts'
import { readGroupSyncs, readOrganizationSync, readRoleSyncs } from './settings.ts'
import { ASSIGNABLE_SITE_ROLES, siteRoleSync } from './site-roles.ts'
import {
  ensureGroups,
  leaveOrganizations,
  moveBetweenGroups,
  setMemberRoles,
  setSiteRoles,
} from './store/apply.ts'
import { holdSiteRoles, listMemberships, type Membership } from './store/state.ts'

/** Most names of a claim that a log line repeats. */
const MAX_LOGGED = 20

/** Whose claims they are. */
interface SyncedUser {
  readonly userId: string
  readonly loginType: 'oidc' | 'github'
}

/**
 * Brings memberships, groups and roles of somebody who signs in to what the claims say, in this order, inside the
 * transaction of the sign-in (ID-165). Only claims of OpenID Connect count.
 *
 * A claim that cannot be read leaves groups and roles of an organization as they are, so that its settings can still
 * be repaired by who administers it; where it decides about the whole deployment, the sign-in is refused.
 *
 * @throws SignInRefused for members of no allowed group, and for claims about organizations or site roles that cannot
 * be read.
 */
export async function syncFromClaims(
  context: AppContext,
  tx: Db,
  user: SyncedUser,
  claims: Claims,
): Promise<void> {
  if (user.loginType !== 'oidc') return
  const refusal = groupRefusal(context.config, claims)
  if (refusal !== undefined) throw new SignInRefused(refusal.status, refusal.title, refusal.message)
  const actor = systemActor(
    'system_restricted',
    'a provider decides about memberships, groups and roles of who is only just signing in; no narrower actor may do all',
  )
  const wished = await holdWishedSiteRoles(actor, tx, siteRoleSync(context.config), claims)
  // Before all else that is the user's, so that sign-ins of one user at the same time follow one another.
  const siteRoles = await holdSiteRoles(actor, tx, user.userId)
  if (siteRoles === undefined) return
  const sync = new Sync(context, actor, tx, user.userId, claims)
  await sync.organizations()
  const memberships = await listMemberships(actor, tx, user.userId)
  await sync.groups(memberships)
  await sync.siteRoles(siteRoles, wished)
  await sync.roles(memberships)
}

const idsOf = (targets: readonly SyncTarget[]): string[] => targets.flatMap(({ id }) => id ?? [])
const namesOf = (targets: readonly SyncTarget[]): string[] => targets.map(({ name }) => name)

/** The steps of {@link syncFromClaims}. */
class Sync {
  readonly #context: AppContext
  readonly #actor: Actor
  readonly #tx: Db
  readonly #userId: string
  readonly #claims: Claims

  constructor(context: AppContext, actor: Actor, tx: Db, userId: string, claims: Claims) {
    this.#context = context
    this.#actor = actor
    this.#tx = tx
    this.#userId = userId
    this.#claims = claims
  }

  async organizations(): Promise<void> {
    const [actor, tx, userId] = [this.#actor, this.#tx, this.#userId]
    const settings = await readOrganizationSync(this.#context.config, actor, tx)
    if (settings.field === '') return
    const plan = await loadOrganizationPlan(actor, tx, settings, this.#claims, userId)
    if (plan.error !== '') throw this.#refused('organizations', settings.field, plan)
    for (const organizationId of idsOf(plan.added)) await insertMember(actor, tx, { organizationId, userId })
    if (plan.removed.length > 0) await leaveOrganizations(actor, tx, userId, idsOf(plan.removed))
    this.#tell('organizations', plan, {})
  }

  async groups(memberships: readonly Membership[]): Promise<void> {
    const [actor, tx, userId] = [this.#actor, this.#tx, this.#userId]
    const settings = await readGroupSyncs(this.#context.config, actor, tx, memberships)
    for (const [organizationId, sync] of settings) {
      if (sync.field === '') continue
      const plan = await loadGroupPlan(actor, tx, organizationId, sync, this.#claims, userId)
      const missing = plan.added.filter(({ id }) => id === undefined)
      const made = missing.length === 0 ? [] : await ensureGroups(actor, tx, organizationId, namesOf(missing))
      if (plan.added.length > 0 || plan.removed.length > 0)
        await moveBetweenGroups(actor, tx, userId, organizationId, {
          join: [...idsOf(plan.added), ...made],
          leave: idsOf(plan.removed),
        })
      this.#tell('groups', plan, { organization_id: organizationId })
    }
  }

  async siteRoles(
    current: readonly string[],
    wished: Awaited<ReturnType<typeof holdWishedSiteRoles>>,
  ): Promise<void> {
    const settings = siteRoleSync(this.#context.config)
    const { plan, customRoles } = await loadSiteRolePlan(
      this.#actor,
      this.#tx,
      settings,
      this.#claims,
      current,
      wished,
    )
    if (plan.error !== '') throw this.#refused('roles', settings.field, plan)
    if (plan.added.length > 0 || plan.removed.length > 0) {
      const change = {
        before: current.filter(
          (role) => ASSIGNABLE_SITE_ROLES.has(role) || customRoles.some(({ name }) => name === role),
        ),
        after: namesOf(plan.result),
        customRoles,
      }
      const stored = await setSiteRoles(this.#actor, this.#tx, this.#userId, change)
      if (stored.includes('owner') && !change.after.includes('owner'))
        this.#context.log.warn('a provider does not give the last owner that role, who keeps it', {
          user_id: this.#userId,
        })
    }
    this.#tell('site roles', plan, {})
  }

  async roles(memberships: readonly Membership[]): Promise<void> {
    const [actor, tx, userId] = [this.#actor, this.#tx, this.#userId]
    const settings = await readRoleSyncs(
      actor,
      tx,
      memberships.map(({ id }) => id),
    )
    for (const { id: organizationId, roles } of memberships) {
      const sync = settings.get(organizationId)
      if (sync === undefined || sync.field === '') continue
      const { plan, isRole } = await loadRolePlan(actor, tx, organizationId, sync, this.#claims, roles)
      if (plan.added.length > 0 || plan.removed.length > 0) {
        const after = namesOf(plan.result)
        const customRoles = await holdCustomRoles(actor, tx, organizationId, [...roles, ...after])
        await setMemberRoles(actor, tx, userId, organizationId, {
          // What a former name of a role has left behind goes without anybody's right to take it.
          before: roles.filter(isRole),
          after,
          customRoles,
        })
      }
      this.#tell('roles', plan, { organization_id: organizationId })
    }
  }

  #refused(what: string, field: string, { error }: SyncPlan): SignInRefused {
    this.#context.log.error('a claim that decides about the deployment cannot be read', {
      user_id: this.#userId,
      field,
      problem: error,
    })
    return new SignInRefused(
      500,
      'Sign-in is disabled until its settings are fixed',
      `The claim "${field}", which gives ${what}, cannot be read: ${error}. Ask your administrator for help.`,
    )
  }

  #tell(what: string, plan: SyncPlan, where: { readonly organization_id?: string }): void {
    if (!plan.enabled) return
    const fields = { user_id: this.#userId, what, ...where }
    const { log } = this.#context
    if (plan.error !== '')
      log.error('a claim cannot be read; nothing is synced by it', { ...fields, problem: plan.error })
    const unknown = unknownNames(plan)
    if (unknown.length > 0)
      log.info('a claim names what does not exist, which is passed over', {
        ...fields,
        names: unknown.slice(0, MAX_LOGGED),
        count: unknown.length,
      })
    if (plan.added.length > 0 || plan.removed.length > 0)
      log.info('claims have changed what a user has', {
        ...fields,
        added: plan.added.slice(0, MAX_LOGGED),
        removed: plan.removed.slice(0, MAX_LOGGED),
      })
  }
}
