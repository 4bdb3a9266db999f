import { type Static, Type } from 'typebox'

import { Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Enterprise'

/** Name of a claim; a dot is a part of the name. Empty switches the sync off. */
const Field = Type.String({ maxLength: 256 })

/** A value that a claim may hold. */
const Given = Type.String({ minLength: 1, maxLength: 1024 })

const mapOf = <Target extends typeof Uuid>(target: Target) =>
  Type.Record(Type.String({ maxLength: 1024 }), Type.Array(target, { maxItems: 256 }), {
    maxProperties: 2048,
  })

const RoleName = Type.String({ minLength: 1, maxLength: 64 })

/**
 * A regular expression in the syntax of RE2, which knows no look-around and no back-references. The reference documents
 * an object, but reads and writes its text.
 */
const RegexFilter = Type.Union([Type.String({ maxLength: 1024 }), Type.Null()])

/** Which organizations a claim gives. */
export const OrganizationSyncSettings = Type.Object({
  field: Field,
  /** Ids of organizations by value of the claim. */
  mapping: mapOf(Uuid),
  /** Everybody is a member of the default organization, whatever the claim says. */
  organization_assign_default: Type.Boolean(),
})
export type OrganizationSyncSettings = Static<typeof OrganizationSyncSettings>

/** Which groups of an organization a claim gives. */
export const GroupSyncSettings = Type.Object({
  field: Field,
  /** Ids of groups by value of the claim; a value that is not here is the name of a group. */
  mapping: mapOf(Uuid),
  /** Only values that it matches count. */
  regex_filter: RegexFilter,
  auto_create_missing_groups: Type.Boolean(),
  /** Names of groups by value of the claim, from the configuration of the deployment. */
  legacy_group_name_mapping: Type.Optional(Type.Record(Type.String(), Type.String())),
})
export type GroupSyncSettings = Static<typeof GroupSyncSettings>

/** Which roles in an organization a claim gives. */
export const RoleSyncSettings = Type.Object({
  field: Field,
  /** Names of roles by value of the claim; a value that is not here is the name of a role. */
  mapping: mapOf(RoleName),
})
export type RoleSyncSettings = Static<typeof RoleSyncSettings>

/** What is left out is empty or off. */
export const UpdateOrganizationSyncSettings = Type.Partial(OrganizationSyncSettings)
export type UpdateOrganizationSyncSettings = Static<typeof UpdateOrganizationSyncSettings>

export const UpdateGroupSyncSettings = Type.Partial(GroupSyncSettings)
export type UpdateGroupSyncSettings = Static<typeof UpdateGroupSyncSettings>

export const UpdateRoleSyncSettings = Type.Partial(RoleSyncSettings)
export type UpdateRoleSyncSettings = Static<typeof UpdateRoleSyncSettings>

/** What is left out stays as it is, as in the other requests to change a part. */
export const PatchOrganizationIDPSyncConfigRequest = Type.Object({
  field: Type.Optional(Field),
  assign_default: Type.Optional(Type.Boolean()),
})
export type PatchOrganizationIDPSyncConfigRequest = Static<typeof PatchOrganizationIDPSyncConfigRequest>

export const PatchGroupIDPSyncConfigRequest = Type.Object({
  field: Type.Optional(Field),
  regex_filter: Type.Optional(RegexFilter),
  auto_create_missing_groups: Type.Optional(Type.Boolean()),
})
export type PatchGroupIDPSyncConfigRequest = Static<typeof PatchGroupIDPSyncConfigRequest>

export const PatchRoleIDPSyncConfigRequest = Type.Object({ field: Type.Optional(Field) })
export type PatchRoleIDPSyncConfigRequest = Static<typeof PatchRoleIDPSyncConfigRequest>

const mappingPatch = <Target extends typeof Uuid>(target: Target) => {
  const pairs = Type.Optional(Type.Array(Type.Object({ given: Given, gets: target }), { maxItems: 2048 }))
  return Type.Object({ add: pairs, remove: pairs })
}

/** Adds pairs of a claim's value and an organization, then takes pairs away. */
export const PatchOrganizationIDPSyncMappingRequest = mappingPatch(Uuid)
export type PatchOrganizationIDPSyncMappingRequest = Static<typeof PatchOrganizationIDPSyncMappingRequest>

export const PatchGroupIDPSyncMappingRequest = mappingPatch(Uuid)
export type PatchGroupIDPSyncMappingRequest = Static<typeof PatchGroupIDPSyncMappingRequest>

export const PatchRoleIDPSyncMappingRequest = mappingPatch(RoleName)
export type PatchRoleIDPSyncMappingRequest = Static<typeof PatchRoleIDPSyncMappingRequest>

/** What a dry run starts from: claims, or a user, whose claims of the last sign-in count where none are given. */
const dryRun = {
  claims: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { maxProperties: 1024 })),
  /** Id or name of a user; what would be added and removed is told of this one, else of a new one. */
  user: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
}

/** Settings to try in the place of the stored ones. */
export const ExplainOrganizationSyncRequest = Type.Object({
  ...dryRun,
  settings: Type.Optional(UpdateOrganizationSyncSettings),
})
export type ExplainOrganizationSyncRequest = Static<typeof ExplainOrganizationSyncRequest>

export const ExplainGroupSyncRequest = Type.Object({
  ...dryRun,
  settings: Type.Optional(UpdateGroupSyncSettings),
})
export type ExplainGroupSyncRequest = Static<typeof ExplainGroupSyncRequest>

export const ExplainRoleSyncRequest = Type.Object({
  ...dryRun,
  settings: Type.Optional(UpdateRoleSyncSettings),
})
export type ExplainRoleSyncRequest = Static<typeof ExplainRoleSyncRequest>

/**
 * Why a value of the claim gives what it gives: `mapped` by the mapping, `named` as the name of something that exists,
 * `created` as the name of a group that the sign-in would make, `filtered` out by the regular expression, `unknown`
 * where nothing has the id or the name.
 */
export const SyncOutcome = Type.Enum(['mapped', 'named', 'created', 'filtered', 'unknown'])
export type SyncOutcome = Static<typeof SyncOutcome>

/** Something that a sync gives or takes away; groups that would be made have no id, and roles never have one. */
export const SyncTarget = Type.Object({ id: Type.Optional(Uuid), name: Type.String() })
export type SyncTarget = Static<typeof SyncTarget>

/** What a sync would do at a sign-in with these claims. */
export const SyncExplanation = Type.Object({
  /** Whether there is a field, so that the sync does anything at all. */
  enabled: Type.Boolean(),
  /** Why the claim cannot be read; then the sync changes nothing. Empty when it can. */
  error: Type.String(),
  /** What each value of the claim comes to. */
  values: Type.Array(
    Type.Object({ value: Type.String(), outcome: SyncOutcome, targets: Type.Array(SyncTarget) }),
  ),
  /** What the user has after it. */
  result: Type.Array(SyncTarget),
  added: Type.Array(SyncTarget),
  removed: Type.Array(SyncTarget),
})
export type SyncExplanation = Static<typeof SyncExplanation>

/** What all syncs together would do at a sign-in with some claims. */
export const SignInSyncExplanation = Type.Object({
  /** Why the sign-in would be refused; empty when it would not be. */
  refusal: Type.String(),
  organizations: SyncExplanation,
  site_roles: SyncExplanation,
  /** Groups and roles in each organization that the user would be a member of. */
  by_organization: Type.Array(
    Type.Object({ organization: SyncTarget, groups: SyncExplanation, roles: SyncExplanation }),
  ),
})
export type SignInSyncExplanation = Static<typeof SignInSyncExplanation>

const ClaimFieldQuery = Type.Object({ claimField: Type.Optional(Type.String({ maxLength: 256 })) })

const deployment = '/api/v2/settings/idpsync' as const
const organization = '/api/v2/organizations/{organization}/settings/idpsync' as const

export const getOrganizationSync = route(`GET ${deployment}/organization`, {
  id: 'get-organization-idp-sync-settings',
  tag,
  responses: { 200: OrganizationSyncSettings },
})

export const updateOrganizationSync = route(`PATCH ${deployment}/organization`, {
  id: 'update-organization-idp-sync-settings',
  tag,
  body: UpdateOrganizationSyncSettings,
  responses: { 200: OrganizationSyncSettings },
})

export const updateOrganizationSyncConfig = route(`PATCH ${deployment}/organization/config`, {
  id: 'update-organization-idp-sync-config',
  tag,
  body: PatchOrganizationIDPSyncConfigRequest,
  responses: { 200: OrganizationSyncSettings },
})

export const updateOrganizationSyncMapping = route(`PATCH ${deployment}/organization/mapping`, {
  id: 'update-organization-idp-sync-mapping',
  tag,
  body: PatchOrganizationIDPSyncMappingRequest,
  responses: { 200: OrganizationSyncSettings },
})

export const explainOrganizationSync = route(`POST ${deployment}/organization/explain`, {
  id: 'explain-organization-idp-sync',
  tag,
  body: ExplainOrganizationSyncRequest,
  responses: { 200: SyncExplanation },
})

export const listClaimFields = route(`GET ${deployment}/available-fields`, {
  id: 'get-the-available-idp-sync-claim-fields',
  tag,
  responses: { 200: Type.Array(Type.String()) },
})

export const listClaimFieldValues = route(`GET ${deployment}/field-values`, {
  id: 'get-the-idp-sync-claim-field-values',
  tag,
  query: ClaimFieldQuery,
  responses: { 200: Type.Array(Type.String()) },
})

export const getGroupSync = route(`GET ${organization}/groups`, {
  id: 'get-group-idp-sync-settings-by-organization',
  tag,
  responses: { 200: GroupSyncSettings },
})

export const updateGroupSync = route(`PATCH ${organization}/groups`, {
  id: 'update-group-idp-sync-settings-by-organization',
  tag,
  body: UpdateGroupSyncSettings,
  responses: { 200: GroupSyncSettings },
})

export const updateGroupSyncConfig = route(`PATCH ${organization}/groups/config`, {
  id: 'update-group-idp-sync-config',
  tag,
  body: PatchGroupIDPSyncConfigRequest,
  responses: { 200: GroupSyncSettings },
})

export const updateGroupSyncMapping = route(`PATCH ${organization}/groups/mapping`, {
  id: 'update-group-idp-sync-mapping',
  tag,
  body: PatchGroupIDPSyncMappingRequest,
  responses: { 200: GroupSyncSettings },
})

export const explainGroupSync = route(`POST ${organization}/groups/explain`, {
  id: 'explain-group-idp-sync',
  tag,
  body: ExplainGroupSyncRequest,
  responses: { 200: SyncExplanation },
})

export const getRoleSync = route(`GET ${organization}/roles`, {
  id: 'get-role-idp-sync-settings-by-organization',
  tag,
  responses: { 200: RoleSyncSettings },
})

export const updateRoleSync = route(`PATCH ${organization}/roles`, {
  id: 'update-role-idp-sync-settings-by-organization',
  tag,
  body: UpdateRoleSyncSettings,
  responses: { 200: RoleSyncSettings },
})

export const updateRoleSyncConfig = route(`PATCH ${organization}/roles/config`, {
  id: 'update-role-idp-sync-config',
  tag,
  body: PatchRoleIDPSyncConfigRequest,
  responses: { 200: RoleSyncSettings },
})

export const updateRoleSyncMapping = route(`PATCH ${organization}/roles/mapping`, {
  id: 'update-role-idp-sync-mapping',
  tag,
  body: PatchRoleIDPSyncMappingRequest,
  responses: { 200: RoleSyncSettings },
})

export const explainRoleSync = route(`POST ${organization}/roles/explain`, {
  id: 'explain-role-idp-sync',
  tag,
  body: ExplainRoleSyncRequest,
  responses: { 200: SyncExplanation },
})

export const listOrganizationClaimFields = route(`GET ${organization}/available-fields`, {
  id: 'get-the-available-organization-idp-sync-claim-fields',
  tag,
  responses: { 200: Type.Array(Type.String()) },
})

export const listOrganizationClaimFieldValues = route(`GET ${organization}/field-values`, {
  id: 'get-the-organization-idp-sync-claim-field-values',
  tag,
  query: ClaimFieldQuery,
  responses: { 200: Type.Array(Type.String()) },
})
