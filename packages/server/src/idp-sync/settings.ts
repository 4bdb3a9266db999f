import type { GroupSyncSettings, OrganizationSyncSettings, RoleSyncSettings } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { Config } from '../config/index.ts'
import type { Db } from '../context.ts'
import { tidyMapping } from './mapping.ts'
import { findOrganizationSync, listGroupSyncs, listRoleSyncs } from './store/settings.ts'

/** Which organizations a claim gives. */
export type OrganizationSync = Readonly<OrganizationSyncSettings>
/** Which groups of an organization a claim gives. */
export type GroupSync = Readonly<Required<GroupSyncSettings>>
/** Which roles in an organization a claim gives. */
export type RoleSync = Readonly<RoleSyncSettings>

const NO_GROUP_SYNC: GroupSync = {
  field: '',
  mapping: {},
  regex_filter: null,
  auto_create_missing_groups: false,
  legacy_group_name_mapping: {},
}
const NO_ROLE_SYNC: RoleSync = { field: '', mapping: {} }

/** The settings in force: the stored ones, else the options of the deployment (OP-14). @throws ApiError 403. */
export async function readOrganizationSync(config: Config, actor: Actor, db: Db): Promise<OrganizationSync> {
  return (
    (await findOrganizationSync(actor, db)) ?? {
      field: config.oidcOrganizationField,
      mapping: tidyMapping(config.oidcOrganizationMapping, 'ids'),
      organization_assign_default: config.oidcOrganizationAssignDefault,
    }
  )
}

/**
 * The settings in force of each organization: the stored ones, else for the default organization the options of the
 * deployment (OP-14), else none.
 *
 * @throws ApiError 403.
 */
export async function readGroupSyncs(
  config: Config,
  actor: Actor,
  db: Db,
  organizations: readonly { readonly id: string; readonly is_default: boolean }[],
): Promise<ReadonlyMap<string, GroupSync>> {
  const ids = organizations.map(({ id }) => id)
  const stored = new Map(
    (await listGroupSyncs(actor, db, ids)).map(({ organization_id, ...settings }) => [
      organization_id,
      settings,
    ]),
  )
  return new Map(
    organizations.map(({ id, is_default }) => [
      id,
      stored.get(id) ?? (is_default ? groupSyncOfDeployment(config) : NO_GROUP_SYNC),
    ]),
  )
}

function groupSyncOfDeployment(config: Config): GroupSync {
  if (config.oidcGroupField === '') return NO_GROUP_SYNC
  return {
    field: config.oidcGroupField,
    mapping: {},
    regex_filter: config.oidcGroupRegexFilter === '' ? null : config.oidcGroupRegexFilter,
    auto_create_missing_groups: config.oidcGroupAutoCreate,
    legacy_group_name_mapping: { ...config.oidcGroupMapping },
  }
}

/** The settings of each organization. @throws ApiError 403. */
export async function readRoleSyncs(
  actor: Actor,
  db: Db,
  organizationIds: readonly string[],
): Promise<ReadonlyMap<string, RoleSync>> {
  const stored = new Map(
    (await listRoleSyncs(actor, db, organizationIds)).map(({ organization_id, ...settings }) => [
      organization_id,
      settings,
    ]),
  )
  return new Map(organizationIds.map((id) => [id, stored.get(id) ?? NO_ROLE_SYNC]))
}

/** Settings as a request gives them; what it leaves out is empty or off. */
export function completeOrganizationSync(given: Partial<OrganizationSync>): OrganizationSync {
  return {
    field: given.field ?? '',
    mapping: tidyMapping(given.mapping ?? {}, 'ids'),
    organization_assign_default: given.organization_assign_default ?? false,
  }
}

/** The same for groups. */
export function completeGroupSync(given: Partial<GroupSync>): GroupSync {
  return {
    field: given.field ?? '',
    mapping: tidyMapping(given.mapping ?? {}, 'ids'),
    regex_filter: given.regex_filter === '' ? null : (given.regex_filter ?? null),
    auto_create_missing_groups: given.auto_create_missing_groups ?? false,
    legacy_group_name_mapping: { ...given.legacy_group_name_mapping },
  }
}

/** The same for roles. */
export function completeRoleSync(given: Partial<RoleSync>): RoleSync {
  return { field: given.field ?? '', mapping: tidyMapping(given.mapping ?? {}, 'names') }
}
