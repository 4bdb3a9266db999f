import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession, type SessionRequest } from '../edge/index.ts'
import { badRequest, validationFailed } from '../errors/index.ts'
import { getOrganization } from '../organizations/index.ts'
import { changeGroupSync, changeOrganizationSync, changeRoleSync } from './change-settings.ts'
import { MAX_VALUE_LENGTH } from './claims.ts'
import { explainGroupSync, explainOrganizationSync, explainRoleSync } from './explain.ts'
import { applyPairs, type MappingPair } from './mapping.ts'
import {
  completeGroupSync,
  completeOrganizationSync,
  completeRoleSync,
  type GroupSync,
  type OrganizationSync,
  type RoleSync,
  readGroupSyncs,
  readOrganizationSync,
  readRoleSyncs,
} from './settings.ts'
import { listClaimFields, listClaimValues } from './store/state.ts'

/** Which organizations, groups and roles the claims of an identity provider give (chapter 02, section 5). */
export function idpSyncRoutes(context: AppContext): BoundRoute[] {
  return [...deploymentRoutes(context), ...groupRoutes(context), ...roleRoutes(context)]
}

function deploymentRoutes(context: AppContext): BoundRoute[] {
  const { config, database } = context
  return [
    forSession(contract.getOrganizationSync, async ({ actor }) =>
      presentOrganizationSync(await readOrganizationSync(config, actor, database.db)),
    ),
    forSession(contract.updateOrganizationSync, async (incoming) =>
      presentOrganizationSync(
        await changeOrganizationSync(context, incoming, () => completeOrganizationSync(incoming.body)),
      ),
    ),
    forSession(contract.updateOrganizationSyncConfig, async (incoming) => {
      const { field, assign_default: assignDefault } = incoming.body
      return presentOrganizationSync(
        await changeOrganizationSync(context, incoming, (before) => ({
          ...before,
          field: field ?? before.field,
          organization_assign_default: assignDefault ?? before.organization_assign_default,
        })),
      )
    }),
    forSession(contract.updateOrganizationSyncMapping, async (incoming) =>
      presentOrganizationSync(
        await changeOrganizationSync(context, incoming, (before) => ({
          ...before,
          mapping: patched(before.mapping, incoming.body, lowerCase),
        })),
      ),
    ),
    forSession(contract.explainOrganizationSync, ({ actor, body }) =>
      explainOrganizationSync(context, actor, body),
    ),
    forSession(contract.listClaimFields, ({ actor }) => listClaimFields(actor, database.db, undefined)),
    forSession(contract.listClaimFieldValues, ({ actor, query }) =>
      listClaimValues(actor, database.db, undefined, claimField(query), MAX_VALUE_LENGTH),
    ),
    forSession(contract.listOrganizationClaimFields, async ({ actor, params }) => {
      const { id } = await getOrganization(actor, database.db, params.organization ?? '')
      return listClaimFields(actor, database.db, id)
    }),
    forSession(contract.listOrganizationClaimFieldValues, async ({ actor, params, query }) => {
      const { id } = await getOrganization(actor, database.db, params.organization ?? '')
      return listClaimValues(actor, database.db, id, claimField(query), MAX_VALUE_LENGTH)
    }),
  ]
}

function groupRoutes(context: AppContext): BoundRoute[] {
  const { config, database } = context
  const organizationOf = ({ actor, params }: Pick<SessionRequest, 'actor' | 'params'>) =>
    getOrganization(actor, database.db, params.organization ?? '')
  const change = async (incoming: SessionRequest, edit: (before: GroupSync) => GroupSync) =>
    presentGroupSync(await changeGroupSync(context, incoming, await organizationOf(incoming), edit))
  return [
    forSession(contract.getGroupSync, async (incoming) => {
      const organization = await organizationOf(incoming)
      const settings = await readGroupSyncs(config, incoming.actor, database.db, [organization])
      return presentGroupSync(settings.get(organization.id) ?? completeGroupSync({}))
    }),
    forSession(contract.updateGroupSync, (incoming) =>
      change(incoming, () => {
        refuseFormerNames(incoming.body)
        return completeGroupSync(incoming.body)
      }),
    ),
    forSession(contract.updateGroupSyncConfig, (incoming) => {
      const { field, regex_filter: filter, auto_create_missing_groups: create } = incoming.body
      return change(incoming, (before) => ({
        ...before,
        field: field ?? before.field,
        regex_filter: filter === undefined ? before.regex_filter : filter === '' ? null : filter,
        auto_create_missing_groups: create ?? before.auto_create_missing_groups,
      }))
    }),
    forSession(contract.updateGroupSyncMapping, (incoming) =>
      change(incoming, (before) => ({
        ...before,
        mapping: patched(before.mapping, incoming.body, lowerCase),
      })),
    ),
    forSession(contract.explainGroupSync, async (incoming) =>
      explainGroupSync(context, incoming.actor, await organizationOf(incoming), incoming.body),
    ),
  ]
}

function roleRoutes(context: AppContext): BoundRoute[] {
  const { database } = context
  const organizationOf = ({ actor, params }: Pick<SessionRequest, 'actor' | 'params'>) =>
    getOrganization(actor, database.db, params.organization ?? '')
  const change = async (incoming: SessionRequest, edit: (before: RoleSync) => RoleSync) =>
    presentRoleSync(await changeRoleSync(context, incoming, await organizationOf(incoming), edit))
  return [
    forSession(contract.getRoleSync, async (incoming) => {
      const { id } = await organizationOf(incoming)
      const settings = await readRoleSyncs(incoming.actor, database.db, [id])
      return presentRoleSync(settings.get(id) ?? completeRoleSync({}))
    }),
    forSession(contract.updateRoleSync, (incoming) =>
      change(incoming, () => completeRoleSync(incoming.body)),
    ),
    forSession(contract.updateRoleSyncConfig, (incoming) =>
      change(incoming, (before) => ({ ...before, field: incoming.body.field ?? before.field })),
    ),
    forSession(contract.updateRoleSyncMapping, (incoming) =>
      change(incoming, (before) => ({ ...before, mapping: patched(before.mapping, incoming.body) })),
    ),
    forSession(contract.explainRoleSync, async (incoming) =>
      explainRoleSync(context, incoming.actor, await organizationOf(incoming), incoming.body),
    ),
  ]
}

const lowerCase = (id: string): string => id.toLowerCase()

/** @param spelling the one way to write a target. */
function patched(
  mapping: GroupSync['mapping'],
  { add = [], remove = [] }: { readonly add?: MappingPair[]; readonly remove?: MappingPair[] },
  spelling = (target: string): string => target,
): Record<string, string[]> {
  const spelled = (pairs: readonly MappingPair[]) =>
    pairs.map(({ given, gets }) => ({ given, gets: spelling(gets) }))
  return applyPairs(mapping, spelled(add), spelled(remove))
}

/** @throws ApiError 400 for names that only the configuration may exchange. */
function refuseFormerNames({
  legacy_group_name_mapping: names = {},
}: contract.UpdateGroupSyncSettings): void {
  if (Object.keys(names).length === 0) return
  throw badRequest(
    "Unexpected field 'legacy_group_name_mapping'. Field not allowed, set to null or remove it.",
    {
      detail: 'legacy_group_name_mapping is deprecated, use mapping instead',
      validations: [{ field: 'legacy_group_name_mapping', detail: 'field is not allowed' }],
    },
  )
}

/** @throws ApiError 400 without one. */
function claimField({ claimField: field = '' }: { readonly claimField?: string }): string {
  if (field === '') throw validationFailed([{ field: 'claimField', detail: 'claimField is required' }])
  return field
}

function presentOrganizationSync(settings: OrganizationSync): contract.OrganizationSyncSettings {
  const { field, mapping, organization_assign_default } = settings
  return { field, mapping, organization_assign_default }
}

function presentGroupSync(settings: GroupSync): contract.GroupSyncSettings {
  const { field, mapping, regex_filter, auto_create_missing_groups, legacy_group_name_mapping } = settings
  return {
    field,
    mapping,
    regex_filter,
    auto_create_missing_groups,
    ...(Object.keys(legacy_group_name_mapping).length === 0 ? {} : { legacy_group_name_mapping }),
  }
}

function presentRoleSync({ field, mapping }: RoleSync): contract.RoleSyncSettings {
  return { field, mapping }
}
