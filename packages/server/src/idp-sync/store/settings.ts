import { sql } from 'kysely'

import { type Actor, authorize, type ResourceObject } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { JsonValue } from '../../database/tables.ts'

/** What permissions speak of; without an organization the settings of the deployment. */
function settingsObject(organization?: string): ResourceObject {
  return { type: 'idpsync_settings', organization }
}

/** Stored settings of the sync of organizations. */
interface OrganizationSyncRow {
  readonly field: string
  readonly mapping: Record<string, string[]>
  readonly organization_assign_default: boolean
}

/** Stored settings of an organization's sync of roles. */
interface RoleSyncRow {
  readonly organization_id: string
  readonly field: string
  readonly mapping: Record<string, string[]>
}

/** Stored settings of an organization's sync of groups. */
interface GroupSyncRow extends RoleSyncRow {
  readonly regex_filter: string | null
  readonly auto_create_missing_groups: boolean
  readonly legacy_group_name_mapping: Record<string, string>
}

/** The settings of the deployment; undefined when none are stored. @throws ApiError 403. */
export async function findOrganizationSync(actor: Actor, db: Db): Promise<OrganizationSyncRow | undefined> {
  authorize(actor, 'read', settingsObject())
  const row = await db
    .selectFrom('idp_sync_organization_settings')
    .select(['field', 'mapping', 'organization_assign_default'])
    .executeTakeFirst()
  return row === undefined ? undefined : { ...row, mapping: listsOf(row.mapping) }
}

/** What these organizations have stored. @throws ApiError 403 when the settings of one may not be read. */
export async function listGroupSyncs(
  actor: Actor,
  db: Db,
  organizationIds: readonly string[],
): Promise<GroupSyncRow[]> {
  for (const id of organizationIds) authorize(actor, 'read', settingsObject(id))
  const rows = await db
    .selectFrom('idp_sync_group_settings')
    .selectAll()
    .where(sql<boolean>`organization_id = any(${[...organizationIds]}::uuid[])`)
    .execute()
  return rows.map((row) => ({
    ...row,
    mapping: listsOf(row.mapping),
    legacy_group_name_mapping: textsOf(row.legacy_group_name_mapping),
  }))
}

/** What these organizations have stored. @throws ApiError 403 when the settings of one may not be read. */
export async function listRoleSyncs(
  actor: Actor,
  db: Db,
  organizationIds: readonly string[],
): Promise<RoleSyncRow[]> {
  for (const id of organizationIds) authorize(actor, 'read', settingsObject(id))
  const rows = await db
    .selectFrom('idp_sync_role_settings')
    .selectAll()
    .where(sql<boolean>`organization_id = any(${[...organizationIds]}::uuid[])`)
    .execute()
  return rows.map((row) => ({ ...row, mapping: listsOf(row.mapping) }))
}

/**
 * The field that gives the organization's roles, empty for none: for whoever may read the organization, since it tells
 * why roles cannot be given by hand.
 *
 * @throws ApiError 403.
 */
export async function findRoleSyncField(actor: Actor, db: Db, organizationId: string): Promise<string> {
  authorize(actor, 'read', { type: 'organization', id: organizationId, organization: organizationId })
  const row = await db
    .selectFrom('idp_sync_role_settings')
    .select('field')
    .where('organization_id', '=', organizationId)
    .executeTakeFirst()
  return row?.field ?? ''
}

/**
 * The field that gives memberships, as far as it is stored: for whoever may read the organization, since it tells why
 * members cannot be added by hand.
 *
 * @throws ApiError 403.
 */
export async function findOrganizationSyncField(
  actor: Actor,
  db: Db,
  organizationId: string,
): Promise<string | undefined> {
  authorize(actor, 'read', { type: 'organization', id: organizationId, organization: organizationId })
  const row = await db.selectFrom('idp_sync_organization_settings').select('field').executeTakeFirst()
  return row?.field
}

/** Keeps settings from being changed by others until the transaction ends. @throws ApiError 403. */
export async function lockSettings(actor: Actor, tx: Db, organizationId: string | undefined): Promise<void> {
  authorize(actor, 'update', settingsObject(organizationId))
  await sql`select pg_advisory_xact_lock(hashtextextended(${`idp sync ${organizationId ?? ''}`}, 0))`.execute(
    tx,
  )
}

/** Stores the settings of the deployment. @throws ApiError 403. */
export async function storeOrganizationSync(actor: Actor, tx: Db, row: OrganizationSyncRow): Promise<void> {
  authorize(actor, 'update', settingsObject())
  const values = { ...row, mapping: JSON.stringify(row.mapping) }
  await tx
    .insertInto('idp_sync_organization_settings')
    .values(values)
    .onConflict((conflict) => conflict.column('singleton').doUpdateSet(values))
    .execute()
}

/** Stores the settings of an organization. @throws ApiError 403. */
export async function storeGroupSync(actor: Actor, tx: Db, row: GroupSyncRow): Promise<void> {
  authorize(actor, 'update', settingsObject(row.organization_id))
  const values = {
    ...row,
    mapping: JSON.stringify(row.mapping),
    legacy_group_name_mapping: JSON.stringify(row.legacy_group_name_mapping),
  }
  await tx
    .insertInto('idp_sync_group_settings')
    .values(values)
    .onConflict((conflict) => conflict.column('organization_id').doUpdateSet(values))
    .execute()
}

/** Stores the settings of an organization. @throws ApiError 403. */
export async function storeRoleSync(actor: Actor, tx: Db, row: RoleSyncRow): Promise<void> {
  authorize(actor, 'update', settingsObject(row.organization_id))
  const values = { ...row, mapping: JSON.stringify(row.mapping) }
  await tx
    .insertInto('idp_sync_role_settings')
    .values(values)
    .onConflict((conflict) => conflict.column('organization_id').doUpdateSet(values))
    .execute()
}

function entriesOf(stored: JsonValue): [string, unknown][] {
  return typeof stored === 'object' && stored !== null ? Object.entries(stored) : []
}

const isText = (value: unknown): value is string => typeof value === 'string'

function listsOf(stored: JsonValue): Record<string, string[]> {
  return Object.fromEntries(
    entriesOf(stored).map(([value, targets]) => [
      value,
      Array.isArray(targets) ? targets.filter(isText) : [],
    ]),
  )
}

function textsOf(stored: JsonValue): Record<string, string> {
  return Object.fromEntries(
    entriesOf(stored).flatMap(([value, name]) => (isText(name) ? [[value, name]] : [])),
  )
}
