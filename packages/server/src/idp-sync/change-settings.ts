import { type AuditDraft, audited } from '../audit/index.ts'
import { type Actor, checkRoleChange, ORGANIZATION_ROLES } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import type { SessionRequest } from '../edge/index.ts'
import { badRequest, validationFailed } from '../errors/index.ts'
import { holdCustomRoles } from '../identity/index.ts'
import { LinearRegExp, RegExpSyntaxError } from '../linear-regexp/index.ts'
import { isUuid } from '../search/index.ts'
import { allTargets, type Mapping, mappingChange } from './mapping.ts'
import {
  completeGroupSync,
  completeRoleSync,
  type GroupSync,
  type OrganizationSync,
  type RoleSync,
  readGroupSyncs,
  readOrganizationSync,
  readRoleSyncs,
} from './settings.ts'
import { lockSettings, storeGroupSync, storeOrganizationSync, storeRoleSync } from './store/settings.ts'
import { listKnownOrganizations } from './store/state.ts'

/** An organization that the caller may read. */
interface Organization {
  readonly id: string
  readonly is_default: boolean
}

/** Most values that a mapping maps, and most targets of one. */
const MAX_VALUES = 2048
const MAX_TARGETS = 256

/**
 * Changes which organizations a claim gives (OP-14).
 *
 * @param edit makes the new settings of those in force.
 * @throws ApiError 403 without `idpsync_settings:update`; 403 or 400 when the change could give somebody roles that
 * the caller may not hand out (RB-43).
 */
export async function changeOrganizationSync(
  context: AppContext,
  incoming: SessionRequest,
  edit: (before: OrganizationSync) => OrganizationSync,
): Promise<OrganizationSync> {
  const { actor } = incoming
  const work = async (draft: AuditDraft<'idp_sync_settings_organization'>): Promise<OrganizationSync> =>
    context.database.transaction(async (tx) => {
      await lockSettings(actor, tx, undefined)
      const before = await readOrganizationSync(context.config, actor, tx)
      draft.before = auditedOrganizationSync(before)
      const after = edit(before)
      requireBounds(after.mapping)
      await requireHandsOutMemberships(actor, tx, before, after)
      await storeOrganizationSync(actor, tx, after)
      draft.after = auditedOrganizationSync(after)
      return after
    })
  return audited(context, incoming, { type: 'idp_sync_settings_organization', action: 'write' }, work)
}

const auditedOrganizationSync = ({ field, mapping, organization_assign_default }: OrganizationSync) => ({
  field,
  mapping,
  assign_default: organization_assign_default,
})

/**
 * Changes which groups of an organization a claim gives.
 *
 * @param edit makes the new settings of those in force.
 * @throws ApiError 403 without `idpsync_settings:update`, 400 for an expression that is none.
 */
export async function changeGroupSync(
  context: AppContext,
  incoming: SessionRequest,
  organization: Organization,
  edit: (before: GroupSync) => GroupSync,
): Promise<GroupSync> {
  const { actor } = incoming
  const organization_id = organization.id
  const work = async (draft: AuditDraft<'idp_sync_settings_group'>): Promise<GroupSync> =>
    context.database.transaction(async (tx) => {
      await lockSettings(actor, tx, organization_id)
      const stored = await readGroupSyncs(context.config, actor, tx, [organization])
      const before = stored.get(organization_id) ?? completeGroupSync({})
      draft.before = { ...before, organization_id }
      const after = edit(before)
      requireBounds(after.mapping)
      requireGoodFilter(after)
      await storeGroupSync(actor, tx, { ...after, organization_id })
      draft.after = { ...after, organization_id }
      return after
    })
  return audited(context, incoming, { type: 'idp_sync_settings_group', action: 'write' }, work)
}

/**
 * Changes which roles in an organization a claim gives.
 *
 * @param edit makes the new settings of those in force.
 * @throws ApiError 403 without `idpsync_settings:update`; 403 or 400 when the change could give somebody roles that
 * the caller may not hand out, or take such away (RB-41).
 */
export async function changeRoleSync(
  context: AppContext,
  incoming: SessionRequest,
  organization: Organization,
  edit: (before: RoleSync) => RoleSync,
): Promise<RoleSync> {
  const { actor } = incoming
  const organization_id = organization.id
  const work = async (draft: AuditDraft<'idp_sync_settings_role'>): Promise<RoleSync> =>
    context.database.transaction(async (tx) => {
      await lockSettings(actor, tx, organization_id)
      const stored = await readRoleSyncs(actor, tx, [organization_id])
      const before = stored.get(organization_id) ?? completeRoleSync({})
      draft.before = { ...before, organization_id }
      const after = edit(before)
      requireBounds(after.mapping)
      await requireHandsOutRoles(actor, tx, organization_id, before, after)
      await storeRoleSync(actor, tx, { ...after, organization_id })
      draft.after = { ...after, organization_id }
      return after
    })
  return audited(context, incoming, { type: 'idp_sync_settings_role', action: 'write' }, work)
}

/** @throws ApiError 400 for a mapping that has grown too large. */
function requireBounds(mapping: Mapping): void {
  const lists = Object.values(mapping)
  if (lists.length > MAX_VALUES || lists.some((targets) => targets.length > MAX_TARGETS))
    throw badRequest(`A mapping holds ${MAX_VALUES} values with ${MAX_TARGETS} targets each at most.`)
}

/** @throws ApiError 400 for a filter that is no regular expression of RE2, which has no way to take long. */
export function requireGoodFilter({ regex_filter: filter }: GroupSync): void {
  try {
    if (filter !== null) new LinearRegExp(filter)
  } catch (error) {
    if (!(error instanceof RegExpSyntaxError)) throw error
    throw validationFailed([{ field: 'regex_filter', detail: error.message }])
  }
}

/**
 * Whoever chooses the claim or its mapping hands out what comes of it, to themselves too (RB-41). Another claim may say
 * anything, so that all roles count as changed then.
 */
async function requireHandsOutRoles(
  actor: Actor,
  tx: Db,
  organizationId: string,
  before: RoleSync,
  after: RoleSync,
): Promise<void> {
  const { added, removed, keys } = mappingChange(before.mapping, after.mapping)
  const otherClaim = after.field !== before.field && after.field !== ''
  const named = [...added, ...removed, ...keys]
  const held = await holdCustomRoles(actor, tx, organizationId, named)
  const exists = (name: string): boolean =>
    Object.hasOwn(ORGANIZATION_ROLES, name) || held.some((role) => role.name === name)
  // A value that is not mapped stands for the role of its name.
  const swapped = keys.filter(exists)
  // A name without a role may become one, which is of the organization's own then.
  const unheard = added.filter((name) => !exists(name)).map((name) => ({ name, assignable_by: [] }))
  checkRoleChange(actor, {
    organizationId,
    before: removed.filter((name) => exists(name) && !added.includes(name)),
    after: [...added, ...swapped, ...(otherClaim ? Object.keys(ORGANIZATION_ROLES) : [])],
    implied: [],
    customRoles: [...held, ...unheard],
  })
}

/** A membership gives the roles that all members have, which the caller must be able to hand out (RB-43). */
async function requireHandsOutMemberships(
  actor: Actor,
  tx: Db,
  before: OrganizationSync,
  after: OrganizationSync,
): Promise<void> {
  if (after.field === '') return
  const otherClaim = after.field !== before.field
  const ids = otherClaim ? allTargets(after.mapping) : mappingChange(before.mapping, after.mapping).added
  const byDefault = after.organization_assign_default && (otherClaim || !before.organization_assign_default)
  const known = await listKnownOrganizations(actor, tx, ids.filter(isUuid))
  for (const { id, is_default, default_org_member_roles: defaults } of known) {
    if (!ids.includes(id) && !(is_default && byDefault)) continue
    checkRoleChange(actor, {
      organizationId: id,
      before: [],
      after: [],
      implied: ['organization-member', ...defaults],
      customRoles: await holdCustomRoles(actor, tx, id, defaults),
    })
  }
}
