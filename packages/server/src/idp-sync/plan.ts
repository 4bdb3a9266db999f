import type { SyncExplanation, SyncOutcome, SyncTarget } from '@slipway/contract'
import { ORGANIZATION_ROLES } from '../authz/index.ts'
import { LinearRegExp, RegExpSyntaxError, StepBudget, StepBudgetExceeded } from '../linear-regexp/index.ts'
import { type Claims, type ClaimValues, readClaim } from './claims.ts'
import type { Mapping } from './mapping.ts'
import type { GroupSync, OrganizationSync, RoleSync } from './settings.ts'

/** What a sync does to a user, and how it comes to that. */
export type SyncPlan = SyncExplanation

/** What a value of a claim asks for. */
type Wish =
  | { readonly kind: 'mapped'; readonly value: string; readonly targets: readonly string[] }
  | { readonly kind: 'unmapped'; readonly value: string; readonly name: string }
  | { readonly kind: 'filtered'; readonly value: string }

/** What the values of a claim ask for, or why it cannot be read. */
export type Wishes =
  | { readonly ok: true; readonly wishes: readonly Wish[] }
  | { readonly ok: false; readonly problem: string }

/** What a value comes to. */
interface Resolved {
  readonly outcome: SyncOutcome
  readonly targets: SyncTarget[]
}

/**
 * Steps that a regular expression may take on all values of one claim, a tenth of a second: it is written by whoever
 * administers an organization, and runs while somebody of any organization signs in.
 */
const REGEX_STEPS = 2_000_000

/** Longest name of a group that is made because a claim names it, in characters. */
const MAX_GROUP_NAME = 255

/** What the claim asks for by a mapping. @param name what an unmapped value is the name of; itself when left out. */
function wishesOf(
  claim: ClaimValues,
  mapping: Mapping,
  name = (value: string): string | undefined => value,
): Wishes {
  if (!claim.ok) return claim
  return {
    ok: true,
    wishes: claim.values.map((value): Wish => {
      const named = name(value)
      if (named === undefined) return { kind: 'filtered', value }
      const targets = Object.hasOwn(mapping, named) ? mapping[named] : undefined
      return targets === undefined
        ? { kind: 'unmapped', value, name: named }
        : { kind: 'mapped', value, targets }
    }),
  }
}

/** The organizations that claims ask for. */
export function organizationWishes(settings: OrganizationSync, claims: Claims): Wishes {
  return wishesOf(readClaim(claims, settings.field), settings.mapping)
}

/** The roles that claims ask for. */
export function roleWishes(settings: RoleSync, claims: Claims): Wishes {
  return wishesOf(readClaim(claims, settings.field), settings.mapping)
}

/**
 * The groups that claims ask for. Former names of the configuration are exchanged first, then the filter and the
 * mapping see the names that come out, as in the reference.
 */
export function groupWishes(settings: GroupSync, claims: Claims): Wishes {
  const { mapping, regex_filter: filter, legacy_group_name_mapping: names } = settings
  const renamed = (value: string): string => (Object.hasOwn(names, value) ? (names[value] ?? value) : value)
  const claim = readClaim(claims, settings.field)
  if (filter === null || filter === '') return wishesOf(claim, mapping, renamed)
  const budget = new StepBudget(REGEX_STEPS)
  try {
    const expression = new LinearRegExp(filter)
    return wishesOf(claim, mapping, (value) => {
      const name = renamed(value)
      return expression.matches(name, budget) ? name : undefined
    })
  } catch (error) {
    if (error instanceof StepBudgetExceeded || error instanceof RegExpSyntaxError)
      return { ok: false, problem: error.message }
    throw error
  }
}

/** A sync that is off. */
export function noPlan(current: readonly SyncTarget[]): SyncPlan {
  return { enabled: false, error: '', values: [], result: [...current], added: [], removed: [] }
}

const keyOf = ({ id, name }: SyncTarget): string => (id === undefined ? `name ${name}` : `id ${id}`)

/** The difference between what a user has and what the wishes come to; nothing when the claim cannot be read. */
function planOf(
  wishes: Wishes,
  current: readonly SyncTarget[],
  resolve: (wish: Wish) => Resolved,
  always: readonly SyncTarget[] = [],
): SyncPlan {
  if (!wishes.ok) return { ...noPlan(current), enabled: true, error: wishes.problem }
  const values = wishes.wishes.map((wish) => ({ value: wish.value, ...resolve(wish) }))
  const result = new Map(
    [...always, ...values.flatMap(({ targets }) => targets)].map((to) => [keyOf(to), to]),
  )
  const had = new Set(current.map(keyOf))
  return {
    enabled: true,
    error: '',
    values,
    result: [...result.values()],
    added: [...result.values()].filter((target) => !had.has(keyOf(target))),
    removed: current.filter((target) => !result.has(keyOf(target))),
  }
}

/** Those of the ids that are known; a mapping to nothing is a decision, one to what is gone is not. */
function mappedTo(ids: readonly string[], known: ReadonlyMap<string, SyncTarget>): Resolved {
  const targets = ids.flatMap((id) => known.get(id.toLowerCase()) ?? [])
  return { outcome: targets.length === 0 && ids.length > 0 ? 'unknown' : 'mapped', targets }
}

const byId = (targets: readonly SyncTarget[]): ReadonlyMap<string, SyncTarget> =>
  new Map(targets.flatMap((target) => (target.id === undefined ? [] : [[target.id, target]])))

const NOTHING: Resolved = { outcome: 'unknown', targets: [] }

/**
 * Memberships by claims.
 *
 * @param state the organizations that exist among those that are asked for, the default one, and those of the user.
 */
export function planOrganizations(
  settings: OrganizationSync,
  wishes: Wishes,
  state: {
    readonly known: readonly SyncTarget[]
    readonly byDefault: readonly SyncTarget[]
    readonly current: readonly SyncTarget[]
  },
): SyncPlan {
  if (settings.field === '') return noPlan(state.current)
  const known = byId(state.known)
  return planOf(
    wishes,
    state.current,
    (wish) => (wish.kind === 'mapped' ? mappedTo(wish.targets, known) : NOTHING),
    settings.organization_assign_default ? state.byDefault : [],
  )
}

/**
 * Groups of one organization by claims. Everyone is not given: its members are those of the organization.
 *
 * @param state the organization's groups among those that are asked for, and those of the user.
 */
export function planGroups(
  settings: GroupSync,
  wishes: Wishes,
  state: {
    readonly organizationId: string
    readonly known: readonly SyncTarget[]
    readonly current: readonly SyncTarget[]
  },
): SyncPlan {
  if (settings.field === '') return noPlan(state.current)
  const groups = state.known.filter(({ id }) => id !== state.organizationId)
  const known = byId(groups)
  const named = new Map(groups.map((group) => [group.name, group]))
  return planOf(wishes, state.current, (wish) => {
    switch (wish.kind) {
      case 'filtered':
        return { outcome: 'filtered', targets: [] }
      case 'mapped': {
        const ids = wish.targets.filter((id) => id.toLowerCase() !== state.organizationId)
        return mappedTo(ids, known)
      }
      case 'unmapped': {
        const { name } = wish
        const group = named.get(name)
        if (group !== undefined) return { outcome: 'named', targets: [group] }
        if (name.toLowerCase() === 'everyone') return { outcome: 'named', targets: [] }
        const made = settings.auto_create_missing_groups && name.length <= MAX_GROUP_NAME
        return made ? { outcome: 'created', targets: [{ name }] } : NOTHING
      }
    }
  })
}

/**
 * Roles in one organization by claims; names that are no roles, and roles that the system gives, are passed over.
 *
 * @param state names of the organization's own roles among those that are asked for, and the roles of the user.
 */
export function planRoles(
  settings: RoleSync,
  wishes: Wishes,
  state: { readonly custom: ReadonlySet<string>; readonly current: readonly string[] },
): SyncPlan {
  const current = state.current.map((name) => ({ name }))
  if (settings.field === '') return noPlan(current)
  const exists = (name: string): boolean => Object.hasOwn(ORGANIZATION_ROLES, name) || state.custom.has(name)
  return planOf(wishes, current, (wish) => resolveRoles(wish, exists))
}

/** What a wish for roles comes to. @param exists whether a role of this name can be given. */
function resolveRoles(wish: Wish, exists: (name: string) => boolean): Resolved {
  switch (wish.kind) {
    case 'filtered':
      return { outcome: 'filtered', targets: [] }
    case 'mapped': {
      const targets = wish.targets.filter(exists).map((name) => ({ name }))
      return { outcome: targets.length === 0 && wish.targets.length > 0 ? 'unknown' : 'mapped', targets }
    }
    case 'unmapped':
      return exists(wish.name) ? { outcome: 'named', targets: [{ name: wish.name }] } : NOTHING
  }
}

/** Settings of the deployment's sync of site roles, which are options only. */
export interface SiteRoleSync extends RoleSync {
  /** Roles of everybody who signs in with a provider. */
  readonly defaults: readonly string[]
}

/** Site roles by claims. @param assignable names of the site roles that can be given. */
export function planSiteRoles(
  settings: SiteRoleSync,
  claims: Claims,
  state: { readonly assignable: ReadonlySet<string>; readonly current: readonly string[] },
): SyncPlan {
  const current = state.current.map((name) => ({ name }))
  if (settings.field === '') return noPlan(current)
  const exists = (name: string): boolean => state.assignable.has(name)
  const always = settings.defaults.filter(exists).map((name) => ({ name }))
  return planOf(roleWishes(settings, claims), current, (wish) => resolveRoles(wish, exists), always)
}

/** Names of what the claim asks for and what does not exist. */
export function unknownNames(plan: SyncPlan): string[] {
  return plan.values.filter(({ outcome }) => outcome === 'unknown').map(({ value }) => value)
}
